package commitlog

import (
	"bytes"
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
	if o, ok, err := d.readStarts(); err != nil || !ok || o[l.tp] != 7 || o[other.tp] != 3 {
		t.Errorf("read back %v, %v, %v", o, ok, err)
	}
	for _, log := range []*Log{l, other} {
		d.starts.settled(log)
	}
}

// TestOneDigitDeletesNothing inverts every bit of the file in which a log's start
// is kept, one at a time, and kills the broker: the log starts where it did.
func TestOneDigitDeletesNothing(t *testing.T) {
	for _, name := range []string{startsFile, checkpoint.LogStartFile} {
		mem := vfs.NewMem()
		d := mustOpen(t, testOptions(mem))
		l := mustLog(t, d, testConfig())
		for range 10 {
			mustAppend(t, l, makeBatch(10, 40, 1))
		}
		awaitDurable(t, l, 100)
		if err := l.SetStartOffset(13); err != nil {
			t.Fatal(err)
		}
		disk := mem.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
		mustClose(t, d)
		path := filepath.Join("/data", name)
		data, err := vfs.ReadFile(disk, path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(data) * 8 {
			damaged := disk.CrashClone(vfs.CrashOptions{})
			bad := bytes.Clone(data)
			bad[bit/8] ^= 1 << (bit % 8)
			if err := vfs.WriteFileAtomic(damaged, path, bad); err != nil {
				t.Fatal(err)
			}
			d := mustOpen(t, testOptions(damaged))
			l := mustLog(t, d, testConfig())
			if l.StartOffset() != 13 || l.EndOffset() != 100 {
				t.Errorf("%s with bit %d inverted: the log is [%d, %d)", name, bit, l.StartOffset(), l.EndOffset())
			}
			mustClose(t, d)
		}
	}
}
