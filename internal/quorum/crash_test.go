package quorum

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/milena-io/milena/internal/vfs"
)

// crashOptions are the ways in which the power may fail at one point.
func crashOptions(seed uint64) []vfs.CrashOptions {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return []vfs.CrashOptions{
		{KeepUnsynced: 0},
		{KeepUnsynced: 1},
		{KeepUnsynced: 0.5, Rand: rnd},
		{KeepUnsynced: 0.8, Rand: rnd},
		{KeepUnsynced: 0.5, Rand: rnd, Ordered: true},
	}
}

// crashWorkload proposes entries of many sizes over rolls and snapshots.
func crashWorkload(t *testing.T, q *Quorum, acked *atomic.Int64, from, to int) {
	for i := from; i < to; i++ {
		if _, err := q.Propose(context.Background(), crashEntry(i)); err != nil {
			t.Errorf("propose %d: %v", i, err)
			return
		}
		acked.Store(int64(i + 1))
	}
}

func crashEntry(i int) []byte {
	return append(fmt.Appendf(nil, "entry %d ", i), slices.Repeat([]byte{'a' + byte(i%26)}, i*37%1500)...)
}

// checkAfterCrash opens a disk after a crash: every acknowledged entry must be
// there, in order, with at most a few later ones; and it must go on from there.
func checkAfterCrash(t *testing.T, fs *vfs.Mem, acked int64, what string) {
	t.Helper()
	for try := range 2 {
		sm := &journal{}
		q, err := Open(context.Background(), single(fs, sm))
		if err != nil {
			t.Fatalf("%s: open %d: %v", what, try, err)
		}
		got := sm.all()
		if int64(len(got)) < acked {
			t.Fatalf("%s: %d entries acknowledged, %d found", what, acked, len(got))
		}
		for i, e := range got {
			if e != string(crashEntry(i)) {
				t.Fatalf("%s: entry %d is %.40q", what, i, e)
			}
		}
		acked = int64(len(got)) + 1
		mustPropose(t, q, string(crashEntry(len(got))))
		if try == 0 {
			fs = fs.CrashClone(vfs.CrashOptions{}) // what was acknowledged must not need Close
		}
		mustClose(t, q)
	}
}

func TestPowerLossAtEverySyncPoint(t *testing.T) {
	fs := vfs.NewMem()
	var acked atomic.Int64
	points := 0
	type disk struct {
		fs    *vfs.Mem
		acked int64
		what  string
	}
	var disks []disk
	fs.OnSync(func(op, name string) {
		points++
		for i, o := range crashOptions(uint64(points)) {
			disks = append(disks, disk{fs.CrashClone(o), acked.Load(), fmt.Sprintf("point %d (%s %s), option %d", points, op, name, i)})
		}
	})
	for run := range 2 {
		q := mustOpen(t, single(fs, &journal{}))
		crashWorkload(t, q, &acked, run*35, run*35+35)
		mustClose(t, q)
	}
	fs.OnSync(nil)
	if points < 150 {
		t.Fatalf("only %d sync points seen", points)
	}
	for _, d := range disks {
		checkAfterCrash(t, d.fs, d.acked, d.what)
	}
	t.Logf("%d sync points, %d disks", points, len(disks))
}

// A crash during the recovery from a crash must not be worse.
func TestPowerLossDuringRecovery(t *testing.T) {
	fs := vfs.NewMem()
	var acked atomic.Int64
	var torn []*vfs.Mem
	var ackedThen []int64
	n := 0
	fs.OnSync(func(op, name string) {
		if n++; op == vfs.BeforeSync && n%7 == 0 {
			torn = append(torn, fs.CrashClone(vfs.CrashOptions{KeepUnsynced: 0.5, Rand: rand.New(rand.NewPCG(uint64(n), 2))}))
			ackedThen = append(ackedThen, acked.Load())
		}
	})
	q := mustOpen(t, single(fs, &journal{}))
	crashWorkload(t, q, &acked, 0, 70)
	mustClose(t, q)
	for i, first := range torn {
		var disks []*vfs.Mem
		first.OnSync(func(string, string) {
			for _, o := range crashOptions(uint64(i)) {
				disks = append(disks, first.CrashClone(o))
			}
		})
		q := mustOpen(t, single(first, &journal{}))
		first.OnSync(nil)
		mustClose(t, q)
		for j, d := range disks {
			checkAfterCrash(t, d, ackedThen[i], fmt.Sprintf("crash %d, then disk %d", i, j))
		}
	}
}
