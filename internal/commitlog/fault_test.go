package commitlog

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// runWithFault goes through the scenario with one storage call failing, and
// compares what a power loss afterwards leaves with what was reported durable.
func runWithFault(t *testing.T, seed uint64, n int, do faultfs.Action) {
	runWithRule(t, seed, faultfs.Rule{Nth: n, Times: 1, Do: do})
}

// runWithRule is runWithFault for any rule. It returns whether the scenario came
// through.
func runWithRule(t *testing.T, seed uint64, rule faultfs.Rule) (through bool) {
	r := newCrashRig(t, seed)
	faults := faultfs.New(r.mem, rule)
	n := rule.Nth
	r.fs = faults
	r.scenario()
	if r.err != nil {
		r.checkOffline()
	}
	r.point(fmt.Sprintf("after fault %d (%v)", n, r.err), "")
	if r.d != nil {
		_ = r.d.Close() // must not claim a clean shutdown
	}
	r.point(fmt.Sprintf("closed after fault %d (%v)", n, r.err), "")
	r.verify()
	return r.err == nil
}

// TestEveryStorageCallMeetsAShortage: a few calls in a row find no room or no
// descriptor. Most of them are tried again; nothing is lost by any.
func TestEveryStorageCallMeetsAShortage(t *testing.T) {
	for _, c := range []struct {
		ops  []faultfs.Op
		do   faultfs.Action
		step int
	}{
		{[]faultfs.Op{faultfs.Create, faultfs.Open}, faultfs.Fail(syscall.EMFILE), 5},
		{[]faultfs.Op{faultfs.Create, faultfs.Rename}, faultfs.ENOSPC, 5},
		{[]faultfs.Op{faultfs.Write}, faultfs.ShortWrite(syscall.ENOSPC), 9},
	} {
		probe := newCrashRig(t, 1)
		counter := faultfs.New(probe.mem)
		probe.fs = counter
		probe.scenario()
		total, through, runs := 0, 0, 0
		for _, op := range c.ops {
			total += counter.Count(op)
		}
		for n := 1; n <= total && !t.Failed(); n += c.step {
			runs++
			if runWithRule(t, 1, faultfs.Rule{Ops: c.ops, Nth: n, Times: 3, Do: c.do}) {
				through++
			}
		}
		if t.Logf("%v: %d of %d runs came through", c.ops, through, runs); through < runs/4 {
			t.Errorf("only %d of %d", through, runs)
		}
	}
}

// checkOffline shows that one failed write or flush is final although the disk
// works again: nothing more is taken or called durable.
func (r *crashRig) checkOffline() {
	if r.d == nil || r.d.Offline() == nil {
		return
	}
	if !errors.Is(r.d.Offline(), ErrOffline) {
		r.t.Fatalf("offline with %v", r.d.Offline())
	}
	if r.l == nil {
		return
	}
	r.d.flushers[laneDurable].close() // a flush that was in flight may still have succeeded
	durable := r.l.DurableOffset()
	if _, err := r.l.Append(makeBatch(1, 1, 1), AppendOptions{}); !errors.Is(err, ErrOffline) && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrDeleted) {
		r.t.Fatalf("append to an offline directory: %v", err)
	}
	if err := r.l.Flush(); err == nil {
		r.t.Fatal("flush of an offline directory succeeded")
	}
	if now := r.l.DurableOffset(); now != durable {
		r.t.Fatalf("durable offset went from %d to %d while offline", durable, now)
	}
}

func TestEveryStorageCallFailsOnce(t *testing.T) {
	probe := newCrashRig(t, 1)
	counter := faultfs.New(probe.mem)
	probe.fs = counter
	if probe.scenario(); probe.err != nil {
		t.Fatal(probe.err)
	}
	total := counter.Calls()
	for i, do := range []faultfs.Action{faultfs.EIO, faultfs.ShortWrite(errors.New("no space left"))} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			for n := 1 + i; n <= total && !t.Failed(); n += 7 {
				runWithFault(t, 1, n, do)
			}
		})
	}
}
