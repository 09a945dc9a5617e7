package quorum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/vfs"
)

// A disk is a directory's content by file name.
type files map[string][]byte

func snapshotOf(t *testing.T, fs vfs.FS, dir string) files {
	t.Helper()
	out := files{}
	list, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		b, err := vfs.ReadFile(fs, filepath.Join(dir, e.Name))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name] = b
	}
	return out
}

func (f files) oldest(suffix string) string {
	names := slices.Sorted(maps.Keys(f))
	return names[slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, suffix) })]
}

// disk makes a file system of it, with one file replaced (removed if nil).
func (f files) disk(t *testing.T, name string, content []byte) *vfs.Mem {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data/quorum"); err != nil {
		t.Fatal(err)
	}
	for n, b := range f {
		if n == name {
			b = content
		}
		if b == nil {
			continue
		}
		file, err := fs.Create(filepath.Join("data/quorum", n))
		if err == nil {
			_, err = file.WriteAt(b, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

const corruptionEntries = 50

// writtenLog is the content of a directory after some entries, closed cleanly
// or cut off by a power loss after the last acknowledgement.
func writtenLog(t *testing.T, clean bool) files {
	t.Helper()
	fs := vfs.NewMem()
	cfg := single(fs, &journal{})
	cfg.SegmentBytes = 1024
	q := mustOpen(t, cfg)
	for i := range corruptionEntries {
		mustPropose(t, q, fmt.Sprintf("entry %d", i))
	}
	if clean {
		mustClose(t, q)
		return snapshotOf(t, fs, "data/quorum")
	}
	crashed := fs.CrashClone(vfs.CrashOptions{})
	mustClose(t, q)
	return snapshotOf(t, crashed, "data/quorum")
}

// reopen opens a damaged directory. It returns how many entries are there, or
// -1 if it was refused, and fails if the refusal is not clear, changed
// something, or if the entries are not a prefix of what was written.
func reopen(t *testing.T, fs *vfs.Mem, what string) int {
	t.Helper()
	before := snapshotOf(t, fs, "data/quorum")
	sm := &journal{}
	q, err := Open(context.Background(), single(fs, sm))
	if err != nil {
		var corrupt *CorruptionError
		if !errors.As(err, &corrupt) || !strings.HasPrefix(corrupt.File, "data/quorum") || corrupt.Reason == "" {
			t.Fatalf("%s: refused with %v", what, err)
		}
		after := snapshotOf(t, fs, "data/quorum")
		for name, b := range before {
			if !bytes.Equal(b, after[name]) {
				t.Fatalf("%s: refused, but %s was changed", what, name)
			}
		}
		return -1
	}
	got := sm.all()
	mustClose(t, q)
	for i, e := range got {
		if e != fmt.Sprintf("entry %d", i) {
			t.Fatalf("%s: entry %d is %q", what, i, e)
		}
	}
	return len(got)
}

// One flipped bit anywhere is refused, or makes no difference.
func TestFlippedBits(t *testing.T) {
	for _, clean := range []bool{true, false} {
		disk := writtenLog(t, clean)
		refused := 0
		for name, content := range disk {
			for i := range content {
				damaged := bytes.Clone(content)
				damaged[i] ^= 1 << (i % 8)
				what := fmt.Sprintf("clean %t: bit %d of byte %d of %s", clean, i%8, i, name)
				switch n := reopen(t, disk.disk(t, name, damaged), what); n {
				case -1:
					refused++
				case corruptionEntries:
				default:
					t.Fatalf("%s: only %d entries, silently", what, n)
				}
			}
		}
		if refused < 1000 {
			t.Errorf("clean %t: only %d flips were refused", clean, refused)
		}
	}
}

// A file cut short is refused, or makes no difference.
func TestTruncatedAndMissingFiles(t *testing.T) {
	for _, clean := range []bool{true, false} {
		disk := writtenLog(t, clean)
		for name, content := range disk {
			for n := 0; n < len(content); n += 7 {
				what := fmt.Sprintf("clean %t: %s cut to %d bytes", clean, name, n)
				if n := reopen(t, disk.disk(t, name, content[:n]), what); n != -1 && n != corruptionEntries {
					t.Fatalf("%s: only %d entries, silently", what, n)
				}
			}
			what := fmt.Sprintf("clean %t: %s missing", clean, name)
			n := reopen(t, disk.disk(t, name, nil), what)
			if n != -1 && n != corruptionEntries {
				t.Fatalf("%s: only %d entries, silently", what, n)
			}
			// The oldest segment serves only the older snapshot.
			if strings.HasSuffix(name, ".wal") && n != -1 && name != disk.oldest(".wal") {
				t.Fatalf("%s: not noticed", what)
			}
		}
	}
}

// Sectors that turn to zeros look like a write that never reached the disk. In
// the last block of a log that was not closed nothing can tell the difference;
// everywhere else it is corruption.
func TestZeroedSectors(t *testing.T) {
	for _, clean := range []bool{true, false} {
		disk := writtenLog(t, clean)
		for name, content := range disk {
			for from := 0; from < len(content); from += sectorSize {
				damaged := bytes.Clone(content)
				clear(damaged[from:min(from+sectorSize, len(content))])
				what := fmt.Sprintf("clean %t: sector at %d of %s zeroed", clean, from, name)
				n := reopen(t, disk.disk(t, name, damaged), what)
				lost := n != -1 && n != corruptionEntries
				if lost && (clean || !strings.HasSuffix(name, ".wal") || n < corruptionEntries-8) {
					t.Fatalf("%s: only %d entries, silently", what, n)
				}
			}
		}
	}
}

func TestDamagedSnapshotFallsBackToTheOlderOne(t *testing.T) {
	disk := writtenLog(t, true)
	var snaps []string
	for name := range disk {
		if strings.HasSuffix(name, ".snap") {
			snaps = append(snaps, name)
		}
	}
	if len(snaps) != 2 {
		t.Fatalf("snapshots: %v", snaps)
	}
	for _, name := range snaps {
		damaged := bytes.Clone(disk[name])
		damaged[len(damaged)-1] ^= 1
		fs := disk.disk(t, name, damaged)
		// Several starts, and enough entries for new snapshots in between.
		for range 3 {
			sm := &journal{}
			q := mustOpen(t, single(fs, sm))
			n := len(sm.all())
			for i := range 30 {
				mustPropose(t, q, fmt.Sprintf("entry %d", n+i))
			}
			mustClose(t, q)
		}
		if n := reopen(t, fs, name); n != corruptionEntries+90 {
			t.Errorf("%s damaged: %d entries in the end", name, n)
		}
		left, err := listSnapshots(fs, "data/quorum")
		if err != nil || len(left) != 2 {
			t.Errorf("%s damaged: snapshots in the end: %v, %v", name, left, err)
		}
	}
}

func TestIdentityIsPartOfTheVote(t *testing.T) {
	fs := vfs.NewMem()
	mustClose(t, mustOpen(t, single(fs, &journal{})))
	for _, change := range []func(*Config){
		func(c *Config) { c.NodeID = 2 },
		func(c *Config) { c.DirectoryID[0]++ },
	} {
		cfg := single(fs, &journal{})
		change(&cfg)
		_, err := Open(context.Background(), cfg)
		var wrong *IdentityError
		if !errors.As(err, &wrong) || wrong.Found != (Voter{1, testDir}) {
			t.Errorf("opened as %v: %v", cfg.self(), err)
		}
	}
	mustClose(t, mustOpen(t, single(fs, &journal{})))
}

func TestDirectoryIsLocked(t *testing.T) {
	fs := vfs.NewMem()
	q := mustOpen(t, single(fs, &journal{}))
	_, err := Open(context.Background(), single(fs, &journal{}))
	var locked *vfs.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("second open: %v", err)
	}
	mustClose(t, q)
	mustClose(t, mustOpen(t, single(fs, &journal{})))
}
