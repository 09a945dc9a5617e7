package commitlog

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

var youngID = base.UUID{9}

// cleanedTo makes the log of testTP with n records, compacted up to there, and
// one of another topic, compacted up to 1.
func cleanedTo(t *testing.T, d *Dir, n int) {
	t.Helper()
	l := mustLog(t, d, testConfig())
	mustAppend(t, l, makeBatch(n, 10, 1))
	awaitDurable(t, l, int64(n))
	other, err := d.OpenLog(base.TopicPartition{Topic: "other"}, base.UUID{2}, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, other, makeBatch(3, 10, 1))
	awaitDurable(t, other, 3)
	for l, at := range map[*Log]int64{l: int64(n), other: 1} {
		if err := d.cleaner.setOffset(l, at); err != nil {
			t.Fatal(err)
		}
	}
}

// namesTP tells whether the cleaner's checkpoint on a disk has an entry of testTP.
func namesTP(t *testing.T, fsys vfs.FS) bool {
	t.Helper()
	o, err := checkpoint.ReadOffsets(fsys, filepath.Join("/data", checkpoint.CleanerFile))
	if err != nil {
		t.Fatal(err)
	}
	if o[base.TopicPartition{Topic: "other"}] != 1 {
		t.Errorf("the other log's entry is lost: %v", o)
	}
	_, there := o[testTP]
	return there
}

// inheritsNothing uses the name of the deleted log for a longer one, which was
// never compacted, and looks at it again after a power loss.
func inheritsNothing(t *testing.T, d *Dir, mem *vfs.Mem) {
	t.Helper()
	young, err := d.OpenLog(testTP, youngID, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	if namesTP(t, mem.CrashClone(vfs.CrashOptions{})) {
		t.Error("there is a log of the name while the entry of the old one can come back")
	}
	mustAppend(t, young, makeBatch(20, 10, 1))
	awaitDurable(t, young, 20)
	if at := d.cleaner.offset(young); at != -1 {
		t.Errorf("the new log counts as clean up to %d", at)
	}
	left := mem.CrashClone(vfs.CrashOptions{})
	d = mustOpen(t, testOptions(left))
	defer mustClose(t, d)
	got := d.logs[testTP]
	if got == nil || got.Err() != nil || got.TopicID() != youngID || got.EndOffset() != 20 {
		t.Fatalf("the new log did not survive: %+v", got)
	}
	if at := d.cleaner.offset(got); at != -1 {
		t.Errorf("after a power loss the new log counts as clean up to %d", at)
	}
	if there, err := vfs.Exists(left, filepath.Join(got.path, sparseFile)); err != nil || there {
		t.Errorf("the new log is said to have gaps: %v", err)
	}
}

// TestDeletionNeedsNoRoom: a compacted log can be deleted when nothing can be
// written any more, which is when it must be. What the cleaner's checkpoint still
// says of it is written later, and before its name is used again.
func TestDeletionNeedsNoRoom(t *testing.T) {
	everything := shortage{"a full disk", faultfs.Rule{Ops: []faultfs.Op{faultfs.Create, faultfs.Write, faultfs.Mkdir}, Do: faultfs.ENOSPC}, ErrDiskFull}
	for _, c := range append(fullOf(checkpoint.CleanerFile+"*"), everything) {
		for how, remove := range map[string]func(*Dir) error{
			"deleted":   func(d *Dir) error { return d.DeleteLog(testTP, testID) },
			"set aside": func(d *Dir) error { return d.SetAside(testTP) },
		} {
			t.Run(c.name+", "+how, func(t *testing.T) {
				var lines bytes.Buffer
				mem := vfs.NewMem()
				disk := faultfs.New(mem)
				o := testOptions(disk)
				o.Logger = slog.New(slog.NewTextHandler(&lines, nil))
				d := mustOpen(t, o)
				defer mustClose(t, d)
				cleanedTo(t, d, 10)
				disk.Add(c.rule)
				if err := remove(d); err != nil || d.Offline() != nil {
					t.Fatalf("%v, offline: %v", err, d.Offline())
				}
				if d.logs[testTP] != nil || !namesTP(t, mem) {
					t.Fatal("nothing was deleted, or there was room")
				}
				for range 2 {
					if _, err := d.OpenLog(testTP, youngID, testConfig()); !errors.Is(err, c.want) || d.Offline() != nil {
						t.Fatalf("a log of the same name: %v, offline: %v", err, d.Offline())
					}
					d.checkpoint()
				}
				left := mem.CrashClone(vfs.CrashOptions{})
				t.Run("power loss", func(t *testing.T) { startsWithoutRoom(t, left, c) })
				disk.Clear()
				d.checkpoint()
				if namesTP(t, mem) {
					t.Error("the entry is still there")
				}
				if text := lines.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "what was put off is done") != 1 {
					t.Errorf("said %s", text)
				}
				inheritsNothing(t, d, mem)
			})
		}
	}
}

// startsWithoutRoom opens what a power loss left of a directory with a deleted
// log, first without room for the cleaner's checkpoint.
func startsWithoutRoom(t *testing.T, mem *vfs.Mem, c shortage) {
	if !namesTP(t, mem) {
		t.Fatal("the entry is gone")
	}
	disk := faultfs.New(mem)
	rule := c.rule
	rule.Glob = checkpoint.CleanerFile + "*" // no start without the journal
	rule.Ops = slices.DeleteFunc(slices.Clone(rule.Ops), func(op faultfs.Op) bool { return op == faultfs.Open })
	disk.Add(rule)
	d := mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	if d.logs[testTP] != nil || d.Offline() != nil {
		t.Fatalf("the log is back, or offline: %v", d.Offline())
	}
	if _, err := d.OpenLog(testTP, youngID, testConfig()); !errors.Is(err, c.want) {
		t.Fatalf("a log of the same name: %v", err)
	}
	disk.Clear()
	inheritsNothing(t, d, mem)
}

// TestDeletionWithoutRoomThenClose: a clean stop has the last chance to write the
// checkpoint, and the next start another one.
func TestDeletionWithoutRoomThenClose(t *testing.T) {
	for name, room := range map[string]bool{"with room": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			d := mustOpen(t, testOptions(disk))
			cleanedTo(t, d, 10)
			disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Create}, Glob: checkpoint.CleanerFile + "*", Do: faultfs.ENOSPC})
			if err := d.DeleteLog(testTP, testID); err != nil {
				t.Fatal(err)
			}
			if room {
				disk.Clear()
			}
			mustClose(t, d)
			if namesTP(t, mem) == room {
				t.Errorf("entry there: %v", !room)
			}
			d = mustOpen(t, testOptions(mem))
			defer mustClose(t, d)
			if d.Verified() != 0 || namesTP(t, mem) {
				t.Errorf("%d logs were verified, or the entry is still there", d.Verified())
			}
			inheritsNothing(t, d, mem)
		})
	}
}
