package faultfs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/milena-io/milena/internal/vfs"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRulesChooseCalls(t *testing.T) {
	// The scenario syncs a/x.log, a/y.log, b/x.log, each twice; want lists which of
	// the six fail.
	tests := []struct {
		name string
		rule Rule
		want string
	}{
		{"all", Rule{Ops: []Op{Sync}, Do: EIO}, "111111"},
		{"other kind", Rule{Ops: []Op{Read, Rename}, Do: EIO}, "000000"},
		{"base name", Rule{Ops: []Op{Sync}, Glob: "x.*", Do: EIO}, "110011"},
		{"directory", Rule{Ops: []Op{Sync}, Glob: "a/*.log", Do: EIO}, "111100"},
		{"too long a glob", Rule{Ops: []Op{Sync}, Glob: "r/a/q/*.log", Do: EIO}, "000000"},
		{"from the third on", Rule{Ops: []Op{Sync}, Nth: 3, Do: EIO}, "001111"},
		{"only the third", Rule{Ops: []Op{Sync}, Nth: 3, Times: 1, Do: EIO}, "001000"},
		{"the second of those matching", Rule{Ops: []Op{Sync}, Glob: "x.log", Nth: 2, Times: 2, Do: EIO}, "010010"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fs := New(vfs.NewMem(), tt.rule)
			must(t, fs.MkdirAll("/r/a"))
			must(t, fs.MkdirAll("/r/b"))
			got := ""
			for _, name := range []string{"/r/a/x.log", "/r/a/y.log", "/r/b/x.log"} {
				f, err := fs.Create(name)
				must(t, err)
				for range 2 {
					err := f.Sync()
					if err != nil && !errors.Is(err, syscall.EIO) {
						t.Errorf("%s: %v", name, err)
					}
					got += map[bool]string{true: "1", false: "0"}[err != nil]
				}
			}
			if got != tt.want {
				t.Errorf("failed %s, want %s", got, tt.want)
			}
		})
	}
}

// everything makes one call of each kind and returns the first error.
func everything(fs vfs.FS) error {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	note(fs.MkdirAll("d"))
	if lock, err := fs.Lock("d/.lock"); err != nil {
		note(err)
	} else {
		note(lock.Close())
	}
	if f, err := fs.Create("d/f"); err != nil {
		note(err)
	} else {
		_, err := f.WriteAt([]byte("data"), 0)
		note(err)
		note(f.Sync())
		note(f.Allocate(0, 10))
		note(f.Truncate(3))
		_, err = f.ReadAt(make([]byte, 2), 0)
		note(err)
		_, err = f.Size()
		note(err)
		note(f.Close())
	}
	if f, err := fs.Open("d/f"); err != nil {
		note(err)
	} else {
		note(f.Close())
	}
	if f, err := fs.OpenReadOnly("d/f"); err != nil {
		note(err)
	} else {
		note(f.Close())
	}
	_, err := fs.Stat("d/f")
	note(err)
	_, err = fs.List("d")
	note(err)
	_, err = fs.Usage("d")
	note(err)
	if v, err := fs.Volume("d/f"); err != nil {
		note(err)
	} else {
		note(v.Sync())
		note(v.Close())
	}
	note(fs.Rename("d/f", "d/g"))
	note(fs.SyncDir("d"))
	note(fs.Remove("d/g"))
	note(fs.RemoveAll("d"))
	return errors.Join(errs...)
}

func TestEveryCallCanBeFailed(t *testing.T) {
	clean := New(vfs.NewMem())
	must(t, everything(clean))
	if n := clean.Calls(); n != 20 {
		t.Fatalf("%d calls counted, 20 made", n)
	}
	ops := []Op{Create, Open, Read, Write, Sync, SyncDir, Rename, Remove, Truncate, List, Stat, Mkdir, Allocate, Lock, Usage, Volume, SyncAll}
	for _, op := range ops {
		if clean.Count(op) == 0 {
			t.Errorf("no %s counted", op)
		}
		err := everything(New(vfs.NewMem(), Rule{Ops: []Op{op}, Do: ENOSPC}))
		if !vfs.IsNoSpace(err) || !strings.Contains(err.Error(), string(op)) {
			t.Errorf("failing %s gives %v", op, err)
		}
	}
	for n := 1; n <= clean.Calls(); n++ {
		fs := New(vfs.NewMem(), Rule{Nth: n, Times: 1, Do: EIO})
		if err := everything(fs); !errors.Is(err, syscall.EIO) {
			t.Errorf("failing call %d gives %v", n, err)
		}
	}
}

func TestShortWrite(t *testing.T) {
	mem := vfs.NewMem()
	fs := New(mem, Rule{Ops: []Op{Write}, Times: 1, Do: ShortWrite(syscall.ENOSPC)})
	f, err := fs.Create("f")
	must(t, err)
	if n, err := f.WriteAt([]byte("01234567"), 0); n != 4 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	got, err := vfs.ReadFile(mem, "f")
	must(t, err)
	if string(got) != "0123" {
		t.Errorf("stored %q", got)
	}
}

// TestFailedVolumeSync shows both kinds of failure: nothing done, and all done.
func TestFailedVolumeSync(t *testing.T) {
	for _, tt := range []struct {
		do   Action
		kept bool
	}{{EIO, false}, {ShortWrite(syscall.EIO), true}} {
		mem := vfs.NewMem()
		fs := New(mem, Rule{Ops: []Op{SyncAll}, Do: tt.do})
		f, err := fs.Create("f")
		must(t, err)
		_, err = f.WriteAt([]byte("data"), 0)
		must(t, err)
		v, err := fs.Volume("f")
		must(t, err)
		if err := v.Sync(); !errors.Is(err, syscall.EIO) {
			t.Errorf("Sync: %v", err)
		}
		got, _ := vfs.ReadFile(mem.CrashClone(vfs.CrashOptions{}), "f")
		if kept := string(got) == "data"; kept != tt.kept {
			t.Errorf("kept %v, want %v", kept, tt.kept)
		}
	}
}

func TestFlipBit(t *testing.T) {
	mem := vfs.NewMem()
	must(t, vfs.WriteFileAtomic(mem, "f", []byte{0, 0, 0}))
	got, err := vfs.ReadFile(New(mem, Rule{Ops: []Op{Read}, Do: FlipBit(24 + 10)}), "f")
	must(t, err)
	if !slices.Equal(got, []byte{0, 4, 0}) {
		t.Errorf("read %v", got)
	}
	if got, _ := vfs.ReadFile(mem, "f"); got[1] != 0 {
		t.Error("the stored byte changed")
	}
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := NewGate()
		fs := New(vfs.NewMem(), Rule{Ops: []Op{Mkdir}, Do: Stall(gate)})
		done := make(chan error, 1)
		go func() { done <- fs.MkdirAll("d") }()
		<-gate.Arrived()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("call returned %v through a closed gate", err)
		default:
		}
		if ok, _ := vfs.Exists(fs, "d"); ok {
			t.Error("the stalled call took effect")
		}
		gate.Open()
		must(t, <-done)
		if ok, _ := vfs.Exists(fs, "d"); !ok {
			t.Error("the call did not go on")
		}
	})
}

func TestRecordAndHook(t *testing.T) {
	fs := New(vfs.NewMem())
	must(t, fs.MkdirAll("before")) // not recorded
	fs.Record()
	var hooked []string
	fs.OnOp(func(c Call) { hooked = append(hooked, fmt.Sprint(c.N, " ", c.Op)) })
	must(t, vfs.WriteFileAtomic(fs, "f", nil))
	var got []string
	for _, c := range fs.Trace() {
		got = append(got, strings.TrimSpace(fmt.Sprint(c.N, " ", c.Op, " ", c.Path, " ", c.To)))
	}
	want := []string{"2 create f.tmp", "3 write f.tmp", "4 sync f.tmp", "5 rename f.tmp f", "6 syncdir ."}
	if !slices.Equal(got, want) {
		t.Errorf("trace %q, want %q", got, want)
	}
	if len(hooked) != 5 || hooked[0] != "2 create" {
		t.Errorf("hook saw %q", hooked)
	}
	if n := fs.Sites()["sync faultfs.TestRecordAndHook"]; n != 1 {
		t.Errorf("sites %v", fs.Sites())
	}
	fs.Add(Rule{Do: EIO})
	if err := fs.MkdirAll("x"); err == nil {
		t.Error("added rule has no effect")
	}
	fs.Clear()
	must(t, fs.MkdirAll("x"))
}
