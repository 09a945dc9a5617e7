package commitlog

import (
	"bytes"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
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

// TestStartsAreSavedTogether has many logs ask while the files are being
// written: one more writing serves them all.
func TestStartsAreSavedTogether(t *testing.T) {
	const n = 50
	mem := vfs.NewMem()
	faults := faultfs.New(mem)
	d := mustOpen(t, testOptions(faults))
	defer mustClose(t, d)
	logs := benchLogs(t, d, n, testConfig())
	before := faults.Count(faultfs.Rename)
	d.starts.writing.Lock()
	var wg sync.WaitGroup
	for i, l := range logs {
		wg.Go(func() {
			if err := d.starts.save(l, int64(i+1)); err != nil {
				t.Error(err)
			}
		})
	}
	for asked := 0; asked < n; runtime.Gosched() {
		d.starts.mu.Lock()
		asked = len(d.starts.changing)
		d.starts.mu.Unlock()
	}
	d.starts.writing.Unlock()
	wg.Wait()
	if got := faults.Count(faultfs.Rename) - before; got != 2 {
		t.Errorf("%d files replaced for %d starts, want 2", got, n)
	}
	starts, ok, err := d.readStarts()
	if err != nil || !ok {
		t.Fatalf("read: %v, %v", ok, err)
	}
	for i, l := range logs {
		if got := starts[l.tp]; got != int64(i+1) {
			t.Errorf("%s starts at %d, want %d", l.tp, got, i+1)
		}
		d.starts.settled(l)
	}
}

func TestTasksComeInOrder(t *testing.T) {
	c := newClock()
	k := newKeeper(c.Now)
	var got []int
	for i, after := range []int{5, 1, 3, 1, 9, 3, 1} {
		k.after(time.Duration(after)*time.Second, func() { got = append(got, i) })
	}
	take := func() time.Duration {
		due, next := k.takeDue()
		for _, task := range due {
			task.run()
		}
		return next
	}
	if next := take(); next != time.Second || len(got) > 0 {
		t.Errorf("next in %v, ran %v", next, got)
	}
	c.advance(3 * time.Second)
	if next := take(); next != 2*time.Second || !slices.Equal(got, []int{1, 3, 6, 2, 5}) {
		t.Errorf("next in %v, ran %v", next, got)
	}
	c.advance(time.Hour)
	if next := take(); next != time.Hour || !slices.Equal(got[5:], []int{0, 4}) {
		t.Errorf("next in %v, ran %v", next, got)
	}
}
