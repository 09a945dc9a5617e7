package commitlog

import (
	"errors"
	"math"
	"syscall"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// Somebody else fills the disk. Checkpoints and removals fail for the time
// being; the directory is there when there is room again.
func TestDiskFilledByOthers(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	d := mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	cfg := testConfig()
	cfg.Delete, cfg.RetentionMs, cfg.RetentionBytes = true, -1, 2000
	l := mustLog(t, d, cfg)
	for range 20 {
		mustAppend(t, l, makeBatch(1, 300, 1))
	}
	mustFlush(t, l)
	l.SetHighWatermark(l.EndOffset())
	segs := len(l.Segments())
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Create, faultfs.Write}, Do: faultfs.ENOSPC})
	d.checkpoint()
	d.applyRetention()
	if err := l.SetStartOffset(3); !errors.Is(err, ErrDiskFull) || l.StartOffset() != 0 || l.start.Load() != 0 {
		t.Fatalf("%v, start %d", err, l.StartOffset())
	}
	if err := d.Offline(); err != nil || len(l.Segments()) != segs {
		t.Fatalf("%v, %d of %d segments", err, len(l.Segments()), segs)
	}
	disk.Clear()
	d.checkpoint()
	d.applyRetention()
	if err := d.Offline(); err != nil || len(l.Segments()) >= segs {
		t.Fatalf("%v, %d segments remain", err, len(l.Segments()))
	}
}

// A file of the log can't be opened while the log is going away: that says
// nothing about the disk.
func TestReadThatMeetsTheEndOfItsLog(t *testing.T) {
	d := mustOpen(t, testOptions(vfs.NewMem()))
	defer mustClose(t, d)
	l := mustLog(t, d, testConfig())
	mustAppend(t, l, makeBatch(1, 10, 1))
	seg := l.segs.Load().active()
	if err := d.DeleteLog(testTP, testID); err != nil {
		t.Fatal(err)
	}
	if err := l.readFailed(seg, ErrDeleted); !errors.Is(err, ErrDeleted) || d.Offline() != nil {
		t.Fatalf("%v, %v", err, d.Offline())
	}
}

func TestDeleteDelayIsNeverNegative(t *testing.T) {
	d := mustOpen(t, testOptions(vfs.NewMem()))
	defer mustClose(t, d)
	cfg := testConfig()
	cfg.FileDeleteDelayMs = math.MaxInt64
	if wait := mustLog(t, d, cfg).deleteDelay(); wait <= 0 {
		t.Fatal(wait)
	}
}

func TestDeleteLogAfterClose(t *testing.T) {
	d := mustOpen(t, testOptions(vfs.NewMem()))
	l := mustLog(t, d, testConfig())
	mustClose(t, d)
	d.frontier.forget(l) // a deletion that was under way
	if d.Offline() != nil {
		t.Fatal(d.Offline())
	}
}

// TestTooManyFiles: an append that can't open its file is refused, and taken
// later; files that nobody uses make room before that.
func TestTooManyFiles(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	o := testOptions(disk)
	o.MaxOpenFiles = 100
	d := mustOpen(t, o)
	defer mustClose(t, d)
	l := mustLog(t, d, testConfig())
	other, err := d.OpenLog(base.TopicPartition{Topic: "other"}, base.UUID{2}, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, other, makeBatch(1, 10, 1))
	mustFlush(t, other)
	if n := d.files.count(); n != 1 {
		t.Fatalf("%d files are open", n)
	}
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Create}, Glob: "*.log", Times: 1, Do: faultfs.Fail(syscall.EMFILE)})
	mustAppend(t, l, makeBatch(1, 10, 1))
	if n := d.files.count(); n != 1 {
		t.Errorf("%d files are open, the idle one was to be closed", n)
	}
	disk.Clear()
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Open, faultfs.Create}, Do: faultfs.Fail(syscall.EMFILE)})
	if _, err := other.Append(makeBatch(1, 10, 1), AppendOptions{}); !errors.Is(err, ErrTooManyFiles) || d.Offline() != nil {
		t.Errorf("append: %v, offline: %v", err, d.Offline())
	}
	if _, err := d.OpenLog(base.TopicPartition{Topic: "third"}, base.UUID{3}, testConfig()); !errors.Is(err, ErrTooManyFiles) || d.Offline() != nil {
		t.Errorf("new log: %v, offline: %v", err, d.Offline())
	}
	disk.Clear()
	mustAppend(t, other, makeBatch(1, 10, 1))
	if other.EndOffset() != 2 {
		t.Errorf("end %d", other.EndOffset())
	}
}

// TestNewLogOnAFullDisk: it can be made when there is room again, as if nothing
// had been tried.
func TestNewLogOnAFullDisk(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.Mkdir, faultfs.Create, faultfs.Write, faultfs.Rename} {
		disk := faultfs.New(vfs.NewMem())
		d := mustOpen(t, testOptions(disk))
		disk.Add(faultfs.Rule{Ops: []faultfs.Op{op}, Do: faultfs.ENOSPC})
		if _, err := d.OpenLog(testTP, testID, testConfig()); !errors.Is(err, ErrDiskFull) || d.Offline() != nil {
			t.Fatalf("%s: %v, offline: %v", op, err, d.Offline())
		}
		disk.Clear()
		l := mustLog(t, d, testConfig())
		mustAppend(t, l, makeBatch(1, 10, 1))
		if l.TopicID() != testID || l.EndOffset() != 1 {
			t.Errorf("%s: topic %v, end %d", op, l.TopicID(), l.EndOffset())
		}
		mustClose(t, d)
	}
}
