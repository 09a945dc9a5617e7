package commitlog

import (
	"errors"
	"math"
	"testing"

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
