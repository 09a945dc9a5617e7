package commitlog

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
)

// A log that was quarantined because no witness could tell damage from a torn
// tail must not look like a new one to the next start, which would cut it.
func TestQuarantineOutlivesStarts(t *testing.T) {
	for _, id := range []base.UUID{testID, {}} {
		for _, how := range []string{"closed", "crashed"} {
			t.Run(how+" "+id.String(), func(t *testing.T) {
				r := newRotRig(t, false)
				disk := r.damage(t, "/data/orders-0/00000000000000000000.log", flipByte(200, 1))
				gone := []string{frontierFile, checkpoint.RecoveryPointFile}
				if id.IsZero() {
					gone = append(gone, filepath.Join("orders-0", checkpoint.PartitionFile))
				}
				for _, name := range gone {
					if err := disk.Remove(filepath.Join("/data", name)); err != nil {
						t.Fatal(err)
					}
				}
				before, err := treeOf(disk)
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					d := mustOpen(t, testOptions(disk))
					if info := d.Inventory(); len(info) != 1 || info[0].State != LogQuarantined {
						t.Fatalf("%+v", info)
					}
					d.checkpoint()
					if how == "crashed" {
						disk = disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
					}
					mustClose(t, d)
					if err := keepsData(disk, before, true); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// A log that lacks its first segment must not look to the next start like one
// that begins with its second.
func TestAMissingBeginningStaysMissed(t *testing.T) {
	for _, start := range []int64{0, 25} {
		r := newRotRig(t, false)
		d := mustOpen(t, testOptions(r.disk))
		l := mustLog(t, d, testConfig())
		if err := l.SetStartOffset(start); err != nil {
			t.Fatal(err)
		}
		l.dropBelowStart()
		first := l.Segments()[0].BaseOffset
		disk := r.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
		mustClose(t, d)
		if err := disk.Remove(segmentPath("/data/orders-0", first, suffixLog)); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			d = mustOpen(t, testOptions(disk))
			if _, err := d.OpenLog(testTP, testID, testConfig()); !errors.Is(err, ErrQuarantined) {
				t.Errorf("the log started at %d and lacks segment %d, opening %d: %v", start, first, i+1, err)
			}
			d.checkpoint()
			mustClose(t, d)
		}
	}
}

// What is known of a quarantined log's start is kept for the day it is repaired.
func TestQuarantinedLogKeepsItsStart(t *testing.T) {
	r := newRotRig(t, false)
	d := mustOpen(t, testOptions(r.disk))
	l := mustLog(t, d, testConfig())
	if err := l.SetStartOffset(25); err != nil {
		t.Fatal(err)
	}
	segs := l.Segments() // the keeper removes old ones at any time
	base := segs[len(segs)-1].BaseOffset
	l.dropBelowStart()
	r.disk = r.disk.CrashClone(vfs.CrashOptions{})
	mustClose(t, d)
	name := segmentPath("/data/orders-0", base, suffixLog)
	disk := r.damage(t, name, flipByte(70, 1))
	for range 2 {
		d = mustOpen(t, testOptions(disk))
		if _, err := d.OpenLog(testTP, testID, testConfig()); !errors.Is(err, ErrQuarantined) {
			t.Fatal(err)
		}
		d.checkpoint()
		mustClose(t, d)
	}
	repair, err := disk.Open(name)
	if err == nil {
		err = flipByte(70, 1)(repair)
	}
	if err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	if l = mustLog(t, d, testConfig()); l.StartOffset() != 25 {
		t.Fatalf("the log starts at %d", l.StartOffset())
	}
}
