package commitlog

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
)

// TestStartsDoNotOverwriteEachOther has another log write the shared file of log
// starts in the instant between a start being durable and being in force. What
// DeleteRecords promised must stay in the file.
func TestStartsDoNotOverwriteEachOther(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, testOptions(mem))
	defer mustClose(t, d)
	l := mustLog(t, d, testConfig())
	other, err := d.OpenLog(base.TopicPartition{Topic: "other"}, base.UUID{2}, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range []*Log{l, other} {
		mustAppend(t, log, makeBatch(10, 10, 1))
		awaitDurable(t, log, 10)
	}
	if err := d.starts.save(l, 7); err != nil { // l itself starts at 0 still
		t.Fatal(err)
	}
	if err := d.starts.save(other, 3); err != nil {
		t.Fatal(err)
	}
	data, err := vfs.ReadFile(mem, filepath.Join("/data", checkpoint.LogStartFile))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(data); !strings.Contains(text, "orders 0 7") || !strings.Contains(text, "other 0 3") {
		t.Errorf("the file says %q", text)
	}
	for _, log := range []*Log{l, other} {
		d.starts.settled(log)
	}
}
