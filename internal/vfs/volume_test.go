package vfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// TestVolumeSyncKeepsEverything changes files and names and loses the power
// after the volume was synced, and before.
func TestVolumeSyncKeepsEverything(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("a/b"))
	must(t, WriteFileAtomic(m, "a/old", []byte("old")))
	must(t, WriteFileAtomic(m, "a/gone", []byte("gone")))
	v, err := m.Volume("a/old")
	must(t, err)
	change := func() {
		f, err := m.Create("a/b/new")
		must(t, err)
		_, err = f.WriteAt(make([]byte, 3*sectorSize), 0)
		must(t, err)
		f, err = m.Open("a/old")
		must(t, err)
		_, err = f.WriteAt([]byte("NEW"), 0)
		must(t, err)
		must(t, m.Remove("a/gone"))
		must(t, m.Rename("a/old", "a/b/moved"))
	}
	change()
	before := m.CrashClone(CrashOptions{})
	if data, err := ReadFile(before, "a/b/new"); err == nil {
		t.Errorf("unsynced file survives with %d bytes", len(data))
	}
	var points []string
	m.OnSync(func(op, name string) { points = append(points, op+" "+name) })
	must(t, v.Sync())
	if got := fmt.Sprint(points); got != "[before sync a/old after sync a/old]" {
		t.Errorf("hooks %s", got)
	}
	for i := range 10 {
		after := m.CrashClone(CrashOptions{Rand: rand.New(rand.NewPCG(uint64(i), 0)), KeepUnsynced: 0.5})
		if data, err := ReadFile(after, "a/b/moved"); err != nil || string(data) != "NEW" {
			t.Errorf("moved file: %q, %v", data, err)
		}
		if data, err := ReadFile(after, "a/b/new"); err != nil || len(data) != 3*sectorSize {
			t.Errorf("new file: %d bytes, %v", len(data), err)
		}
		if there, _ := Exists(after, "a/gone"); there {
			t.Error("the removed file is back")
		}
	}
	must(t, v.Close())
}

func TestVolumeOfNothing(t *testing.T) {
	for _, fsys := range []FS{NewMem(), OS()} {
		if _, err := fsys.Volume(filepath.Join(t.TempDir(), "missing")); err == nil {
			t.Error("the volume of a missing file was opened")
		}
	}
}

// TestOSVolume syncs the real file system where that is possible.
func TestOSVolume(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	must(t, WriteFileAtomic(OS(), name, []byte("x")))
	v, err := OS().Volume(name)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Logf("no volume here: %v", err)
		return
	}
	must(t, err)
	must(t, v.Sync())
	if n, err := v.Unwritten(); err != nil || n < 0 {
		t.Errorf("Unwritten = %d, %v", n, err)
	}
	must(t, v.Close())
	if err := v.Sync(); err == nil {
		t.Error("sync of a closed volume succeeded")
	}
}
