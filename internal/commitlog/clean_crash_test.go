package commitlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// cleanScenario writes, cleans and lets segments go, so that every step of a
// swap and of a removal happens several times.
func cleanScenario(r *cleanRig, rnd *rand.Rand) error {
	for round := range 3 {
		for i := range 14 {
			pid := int64(rnd.IntN(4)) - 1
			kvs := []kv{pair(fmt.Sprintf("k%d", rnd.IntN(6)), fmt.Sprintf("v%d.%d", round, i)), tombstone(fmt.Sprintf("k%d", rnd.IntN(6)))}
			if err := r.tryWrite(pid, pid == 2, kvs[:1+rnd.IntN(2)]...); err != nil {
				return err
			}
			if i%5 == 4 && r.open[2] != nil {
				if err := r.tryEndTxn(2, i%2 == 0); err != nil {
					return err
				}
			}
		}
		if err := r.tryClean(); err != nil {
			return err
		}
		r.clock.advance(600 * time.Millisecond)
		if round == 1 {
			if err := r.l.SetStartOffset(r.l.EndOffset() / 4); err != nil {
				return err
			}
			if err := r.l.removeBelow(r.l.StartOffset()); err != nil {
				return err
			}
		}
	}
	return nil
}

// cleanPoint is a disk after a power loss, and what was written by then.
type cleanPoint struct {
	name  string
	disk  *vfs.Mem
	floor int64 // was durable
	recs  []modelRecord
	txns  map[*modelTxn]modelTxn
}

// point copies the disk after the model and what is durable, which may grow
// meanwhile.
func (r *cleanRig) point(name string, mem *vfs.Mem, o vfs.CrashOptions) cleanPoint {
	p := cleanPoint{name: name, txns: map[*modelTxn]modelTxn{}, floor: r.l.DurableOffset()}
	for _, m := range r.recs {
		p.recs = append(p.recs, *m)
	}
	for _, txn := range r.txns {
		p.txns[txn] = *txn
	}
	p.disk = mem.CrashClone(o)
	return p
}

// rig opens the disk with a model of what must be on it: the records below the
// log's end, in transactions that are open if their marker is not below it.
func (p cleanPoint) rig(t fataler, cfg Config, now time.Time) *cleanRig {
	r := &cleanRig{
		t: t, clock: newClock(), cfg: cfg, open: map[int64]*modelTxn{}, seqs: map[int64]int32{}, last: map[int64]record.Batch{},
	}
	r.clock.now = now
	r.reopen(testOptions(p.disk))
	end := r.l.EndOffset()
	if end < p.floor {
		t.Fatalf("%s: the log ends at %d, %d was durable", p.name, end, p.floor)
	}
	copies := map[*modelTxn]*modelTxn{}
	for orig, txn := range p.txns {
		if txn.marker >= end {
			txn.marker = -1
		}
		copies[orig] = &txn
		r.txns = append(r.txns, &txn)
	}
	for _, m := range p.recs {
		if m.offset < end {
			m.txn = copies[m.txn]
			r.recs = append(r.recs, &m)
		}
	}
	return r
}

// verify checks the disk, cleans what is on it and checks again.
func (p cleanPoint) verify(t *testing.T, cfg Config, now time.Time) {
	r := p.rig(named{t, p.name}, cfg, now)
	r.check()
	for range 2 {
		r.write(-1, false, record.None, pair("k0", "after"))
		rollNow(t, r.l)
		r.clean()
		r.check()
		r.clock.advance(time.Minute)
	}
	r.d.applyRetention() // a clean shutdown may have come before the power loss
	mustClose(t, r.d)
	names, err := p.disk.List("/data/" + testTP.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		if isLeftover(e.Name) {
			t.Fatalf("%s: %s was left", p.name, e.Name)
		}
	}
}

// named puts a name before what it reports.
type named struct {
	*testing.T
	name string
}

func (n named) Fatalf(format string, args ...any) {
	n.Helper()
	n.T.Fatalf("%s: %s", n.name, fmt.Sprintf(format, args...))
}

func TestPowerLossDuringCompactionAndRetention(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			mem := vfs.NewMem()
			cfg := compactConfig()
			cfg.DeleteRetentionMs = 500
			r := newCleanRig(t, testOptions(mem), cfg)
			rnd, fate := rand.New(rand.NewPCG(seed, 5)), rand.New(rand.NewPCG(seed, 6))
			var points []cleanPoint
			mem.OnSync(func(op, name string) {
				r.mu.Lock()
				defer r.mu.Unlock()
				o := []vfs.CrashOptions{
					{},
					{Rand: rand.New(rand.NewPCG(fate.Uint64(), 1)), KeepUnsynced: 0.5},
					{Rand: rand.New(rand.NewPCG(fate.Uint64(), 2)), KeepUnsynced: 0.7, Ordered: true},
				}
				i := len(points) % len(o)
				points = append(points, r.point(fmt.Sprintf("%s %s, condition %d", op, name, i), mem, o[i]))
			})
			if err := cleanScenario(r, rnd); err != nil {
				t.Fatal(err)
			}
			now := r.clock.Now()
			mustClose(t, r.d)
			mem.OnSync(nil)
			points = append(points, r.point("closed", mem, vfs.CrashOptions{}))
			t.Logf("%d disks", len(points))
			for _, p := range points {
				p.verify(t, cfg, now)
			}
		})
	}
}

// TestEveryStorageCallOfACleanFailsOnce lets one call after the other fail. The
// directory may go offline, or only the clean be given up; in neither case may
// anything be lost.
func TestEveryStorageCallOfACleanFailsOnce(t *testing.T) {
	probe := faultfs.New(vfs.NewMem())
	r := newCleanRig(t, testOptions(probe), compactConfig())
	opened := probe.Calls()
	if err := cleanScenario(r, rand.New(rand.NewPCG(1, 5))); err != nil {
		t.Fatal(err)
	}
	total := probe.Calls()
	mustClose(t, r.d)
	for i, do := range []faultfs.Action{faultfs.EIO, faultfs.ENOSPC} {
		for n := opened + 1 + i; n <= total && !t.Failed(); n += 5 {
			mem := vfs.NewMem()
			faults := faultfs.New(mem, faultfs.Rule{Nth: n, Times: 1, Do: do})
			r := newCleanRig(t, testOptions(faults), compactConfig())
			r.faulty = true
			err := cleanScenario(r, rand.New(rand.NewPCG(1, 5)))
			if err != nil && r.d.Offline() == nil && !errors.Is(err, ErrDiskFull) {
				t.Fatalf("fault %d: %v, but the directory is not offline", n, err)
			}
			p := r.point(fmt.Sprintf("fault %d (%v)", n, err), mem, vfs.CrashOptions{KeepUnsynced: 1})
			_ = r.d.Close() // may be offline
			p.verify(t, compactConfig(), r.clock.Now())
		}
	}
}
