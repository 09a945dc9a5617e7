package quorum

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// faultRun runs a fixed workload on fs and returns how many entries were
// acknowledged and the first error.
func faultRun(fs vfs.FS, fatal chan error) (acked int, err error) {
	cfg := single(fs, &journal{})
	cfg.SegmentBytes = 1024
	cfg.OnFatal = func(err error) { fatal <- err }
	for run := range 2 {
		q, err := Open(context.Background(), cfg)
		if err != nil {
			return acked, err
		}
		for range 30 {
			if _, err = q.Propose(context.Background(), fmt.Appendf(nil, "entry %d", acked)); err != nil {
				if _, again := q.Propose(context.Background(), []byte("x")); !errors.Is(again, ErrStopped) {
					return acked, fmt.Errorf("a proposal after the failure: %v", again)
				}
				_ = q.Close()
				return acked, err
			}
			acked++
		}
		if err := q.Close(); err != nil {
			return acked, err
		}
		_ = run
	}
	return acked, nil
}

// Every storage call fails once: nothing that was acknowledged may be lost, the
// failure is final, it is told, and it is never called corruption.
func TestEveryStorageCallMayFail(t *testing.T) {
	probe := faultfs.New(vfs.NewMem())
	if _, err := faultRun(probe, make(chan error, 1)); err != nil {
		t.Fatal(err)
	}
	calls := probe.Calls()
	if calls < 200 {
		t.Fatalf("only %d calls", calls)
	}
	for _, action := range []faultfs.Action{faultfs.EIO, faultfs.ENOSPC, faultfs.ShortWrite(syscall.EIO)} {
		for nth := 1; nth <= calls; nth++ {
			mem := vfs.NewMem()
			fs := faultfs.New(mem, faultfs.Rule{Nth: nth, Times: 1, Do: action})
			fatal := make(chan error, 2)
			acked, err := faultRun(fs, fatal)
			if err == nil {
				if acked != 60 {
					t.Fatalf("call %d: no error, but %d acknowledged", nth, acked)
				}
			} else {
				var corrupt *CorruptionError
				if errors.As(err, &corrupt) {
					t.Fatalf("call %d: an I/O error is taken for corruption: %v", nth, err)
				}
				if !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("call %d: the cause is lost: %v", nth, err)
				}
			}
			// What the disk has, without what was never synced.
			sm := &journal{}
			q, err := Open(context.Background(), single(mem.CrashClone(vfs.CrashOptions{}), sm))
			if err != nil {
				t.Fatalf("call %d: open afterwards: %v", nth, err)
			}
			got := sm.all()
			mustClose(t, q)
			if len(got) < acked {
				t.Fatalf("call %d: %d acknowledged, %d found", nth, acked, len(got))
			}
			for i, e := range got {
				if e != fmt.Sprintf("entry %d", i) {
					t.Fatalf("call %d: entry %d is %q", nth, i, e)
				}
			}
		}
	}
}

func TestFatalErrorIsReportedOnce(t *testing.T) {
	fs := faultfs.New(vfs.NewMem())
	cfg := single(fs, &journal{})
	fatal := make(chan error, 2)
	cfg.OnFatal = func(err error) { fatal <- err }
	q := mustOpen(t, cfg)
	fs.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Times: 1, Do: faultfs.EIO})
	_, err := q.Propose(context.Background(), []byte("x"))
	if !errors.Is(err, ErrStopped) || !errors.Is(err, syscall.EIO) {
		t.Errorf("propose: %v", err)
	}
	if err := <-fatal; !errors.Is(err, syscall.EIO) {
		t.Errorf("fatal: %v", err)
	}
	<-q.Done()
	if q.IsLeader() {
		t.Error("it still leads")
	}
	if err := q.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("close: %v", err)
	}
	if len(fatal) != 0 {
		t.Errorf("reported again: %v", <-fatal)
	}
}

func TestReadErrorIsNotCorruption(t *testing.T) {
	mem := vfs.NewMem()
	q := mustOpen(t, single(mem, &journal{}))
	mustPropose(t, q, "entry 0")
	mustClose(t, q)
	fs := faultfs.New(mem, faultfs.Rule{Ops: []faultfs.Op{faultfs.Read}, Do: faultfs.EIO})
	_, err := Open(context.Background(), single(fs, &journal{}))
	var corrupt *CorruptionError
	if !errors.Is(err, syscall.EIO) || errors.As(err, &corrupt) {
		t.Errorf("open: %v", err)
	}
}
