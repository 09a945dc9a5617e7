package commitlog

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// crashExpectation is what must hold of a disk that loses its power now.
type crashExpectation struct {
	seqs    [][]record.Batch // the log is a prefix of one of these
	floor   int64            // and ends at or behind this offset
	starts  [2]int64         // its start is between these
	fresh   bool             // it may not be there yet: nothing of it was durable
	deleted bool             // it may be gone
	gone    bool             // it must be
	loose   bool             // its producers may be forgotten
}

// crashPoint is one such disk.
type crashPoint struct {
	name string
	disk *vfs.Mem
	want crashExpectation
}

// crashRig runs a scenario on a memory disk and knows at every moment what must
// survive a power loss. Its steps do nothing once one of them has failed.
type crashRig struct {
	t    *testing.T
	mem  *vfs.Mem
	fs   vfs.FS // mem, or mem with faults
	cfg  Config
	rand *rand.Rand
	err  error // of the first step that failed

	opened func(*Dir) // told each directory, unless nil

	d *Dir
	l *Log

	mu      sync.Mutex
	dice    *rand.Rand // of the clones
	want    crashExpectation
	step    string
	cutting bool // a step takes back what was durable
	points  []crashPoint
	ts      int64
	seqs    [3]int32 // next sequence of each producer
}

func newCrashRig(t *testing.T, seed uint64) *crashRig {
	mem := vfs.NewMem()
	return &crashRig{
		t: t, mem: mem, fs: mem, cfg: testConfig(), rand: rand.New(rand.NewPCG(seed, 7)), dice: rand.New(rand.NewPCG(seed, 8)), ts: time.Now().UnixMilli(),
		want: crashExpectation{seqs: [][]record.Batch{nil}, fresh: true},
	}
}

// point clones the disk in several conditions.
func (r *crashRig) point(op, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := r.want
	want.seqs = slices.Clone(want.seqs)
	for i, o := range []vfs.CrashOptions{
		{},
		{KeepUnsynced: 1},
		{Rand: rand.New(rand.NewPCG(r.dice.Uint64(), 1)), KeepUnsynced: 0.5},
		{Rand: rand.New(rand.NewPCG(r.dice.Uint64(), 2)), KeepUnsynced: 0.7, Ordered: true},
	} {
		r.points = append(r.points, crashPoint{
			name: fmt.Sprintf("%s, %s %s, condition %d", r.step, op, name, i), disk: r.mem.CrashClone(o), want: want,
		})
	}
}

func (r *crashRig) change(step string, f func(w *crashExpectation)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step = step
	f(&r.want)
}

// do runs one step.
func (r *crashRig) do(f func() error) {
	if r.err == nil {
		r.err = f()
	}
}

func (r *crashRig) open() {
	r.do(func() (err error) {
		if r.d, err = OpenDir(context.Background(), testOptions(r.fs)); err != nil {
			return err
		}
		if r.opened != nil {
			r.opened(r.d)
		}
		if r.l, err = r.d.OpenLog(testTP, testID, r.cfg); err != nil {
			return err
		}
		r.l.OnDurable(func(at int64) {
			r.mu.Lock()
			defer r.mu.Unlock()
			// A flush in the background may end when a step has begun that takes
			// back what it promises: a cut, or the deletion.
			if !r.cutting {
				r.want.floor = max(r.want.floor, at)
			}
			r.want.fresh = r.want.fresh && at == 0
		})
		return nil
	})
}

// append adds n batches and flushes in the foreground now and then.
func (r *crashRig) append(n int) {
	for range n {
		r.do(r.appendOne)
		if r.rand.IntN(3) == 0 {
			r.flush()
		}
	}
}

func (r *crashRig) flush() { r.do(func() error { return r.l.Flush() }) }

// appendOne adds a batch; the expected sequence foresees it.
func (r *crashRig) appendOne() error {
	pid := r.rand.IntN(len(r.seqs))
	b := record.NewBuilder(record.BuilderOptions{Idempotent: true, ProducerID: int64(pid), BaseSequence: r.seqs[pid]})
	for range 1 + r.rand.IntN(3) {
		b.Append(r.ts, []byte("k"), bytes.Repeat([]byte{byte(r.rand.Uint32())}, r.rand.IntN(200)))
		r.seqs[pid]++
		r.ts++
	}
	batch, epoch := b.Build(), int32(len(r.current())/5)
	stored := record.Batch(slices.Clone(batch))
	stored.SetBaseOffset(r.l.EndOffset())
	stored.SetLeaderEpoch(epoch)
	r.change("append", func(w *crashExpectation) {
		last := len(w.seqs) - 1
		w.seqs[last] = append(slices.Clip(w.seqs[last]), stored)
	})
	return r.again(func() error {
		_, err := r.l.Append(batch, AppendOptions{LeaderEpoch: epoch, NowMs: 1})
		return err
	})
}

// again repeats what was refused for the time being.
func (r *crashRig) again(f func() error) error {
	err := f()
	for n := 0; n < 20 && notNow(err) != nil; n++ {
		err = f()
	}
	return err
}

func (r *crashRig) current() []record.Batch { return r.want.seqs[len(r.want.seqs)-1] }

// truncate cuts the log at the batch that holds offset to(), and makes what is
// left the one expectation.
func (r *crashRig) truncate(to func() int64) {
	r.do(func() error {
		at := to()
		kept := r.current()
		for i, b := range kept {
			if b.LastOffset() >= at {
				at, kept = b.BaseOffset(), slices.Clip(kept[:i]) // a batch goes as a whole
				break
			}
		}
		r.change("truncate", func(w *crashExpectation) { w.floor, r.cutting = min(w.floor, at), true })
		if err := r.l.Truncate(at); err != nil {
			return err
		}
		r.seqs = [3]int32{}
		for _, b := range kept {
			r.seqs[b.ProducerID()] += b.Count()
		}
		r.change("after truncate", func(w *crashExpectation) {
			w.seqs = [][]record.Batch{kept}
			w.floor, r.cutting = r.l.EndOffset(), false
		})
		return nil
	})
}

func (r *crashRig) raiseStart(to func() int64) {
	r.do(func() error {
		at := to()
		r.change("delete records", func(w *crashExpectation) { w.starts[1] = at })
		if err := r.again(func() error { return r.l.SetStartOffset(at) }); err != nil {
			return err
		}
		r.change("after delete records", func(w *crashExpectation) { w.starts[0] = at })
		return nil
	})
}

// retention removes old segments without anybody having raised the start.
func (r *crashRig) retention(to func() int64) {
	r.do(func() error {
		at := to()
		r.change("retention", func(w *crashExpectation) { w.starts[1] = max(at, w.starts[1]) })
		if err := r.again(func() error { return r.l.removeBelow(at) }); err != nil {
			return err
		}
		r.change("after retention", func(w *crashExpectation) { w.starts[0] = r.l.StartOffset() })
		return nil
	})
}

// restart empties the log and lets it go on at another offset. While that lasts
// nothing is promised.
func (r *crashRig) restart(to func() int64) {
	r.do(func() error {
		at := to()
		r.change("restart", func(w *crashExpectation) {
			w.floor, w.starts, w.loose = 0, [2]int64{0, at}, true
			w.seqs = [][]record.Batch{r.current(), nil}
			r.cutting = true
		})
		if err := r.l.TruncateFullyAndStartAt(at); err != nil {
			return err
		}
		r.seqs = [3]int32{}
		r.change("after restart", func(w *crashExpectation) {
			w.seqs, w.floor, w.starts, w.loose = [][]record.Batch{nil}, at, [2]int64{at, at}, false
			r.cutting = false
		})
		return nil
	})
}

func (r *crashRig) close() {
	r.change("close", func(*crashExpectation) {})
	r.do(func() error { return r.d.Close() })
}

func (r *crashRig) reopen() {
	r.close()
	r.change("open", func(*crashExpectation) {})
	r.open()
}

func (r *crashRig) deleteLog() {
	r.do(func() error {
		r.change("delete", func(w *crashExpectation) { w.deleted = true })
		if err := r.d.DeleteLog(testTP, testID); err != nil {
			return err
		}
		r.change("after delete", func(w *crashExpectation) { w.gone = true })
		return nil
	})
}

// scenario goes through everything that changes files.
func (r *crashRig) scenario() {
	end := func(num, den int64) func() int64 { return func() int64 { return r.l.EndOffset() * num / den } }
	r.open()
	r.append(15)
	r.reopen()
	r.append(10)
	r.flush()
	r.truncate(end(2, 3))
	r.append(10)
	r.flush()
	r.raiseStart(end(1, 2))
	r.append(5)
	r.reopen()
	r.truncate(func() int64 { return r.l.StartOffset() + 3 })
	r.append(12)
	r.flush()
	r.do(func() error { return r.d.frontier.rewrite() })
	r.do(func() error { r.d.checkpoint(); return r.d.Offline() })
	r.truncate(func() int64 { return r.l.EndOffset() - 2 })
	r.append(25)
	r.flush()
	r.retention(func() int64 { return r.l.EndOffset() - 3 })
	r.append(12)
	r.flush()
	r.raiseStart(func() int64 { return r.l.EndOffset() - 1 })
	r.append(1)
	r.reopen()
	r.restart(func() int64 { return r.l.EndOffset() + 20 })
	r.append(8)
	r.flush()
	r.deleteLog()
	r.close()
}

// verify opens every disk and compares. In some, the power fails again while
// the log is being recovered.
func (r *crashRig) verify() {
	r.mem.OnSync(nil)
	for i, p := range r.points {
		if i%10 == 0 {
			r.verifyTwice(p)
		}
		if err := p.verify(); err != nil {
			r.t.Fatalf("disk %d (%s): %v", i, p.name, err)
		}
	}
}

func (r *crashRig) verifyTwice(p crashPoint) {
	disk := p.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	var again []crashPoint
	disk.OnSync(func(op, name string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		c := disk.CrashClone(vfs.CrashOptions{Rand: rand.New(rand.NewPCG(r.dice.Uint64(), 3)), KeepUnsynced: 0.5})
		again = append(again, crashPoint{name: p.name + ", again at " + op + " " + name, disk: c, want: p.want})
	})
	d, err := OpenDir(context.Background(), testOptions(disk))
	disk.OnSync(nil)
	if err != nil {
		r.t.Fatalf("%s: %v", p.name, err)
	}
	mustClose(r.t, d)
	for _, q := range again {
		if err := q.verify(); err != nil {
			r.t.Fatalf("%s: %v", q.name, err)
		}
	}
}

func (p crashPoint) verify() (err error) {
	var logs bytes.Buffer
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, logs.String())
		}
	}()
	o := testOptions(p.disk)
	o.Logger = slog.New(slog.NewTextHandler(&logs, nil))
	d, err := OpenDir(context.Background(), o)
	if err != nil {
		return err
	}
	defer d.Close()
	if found := len(d.Inventory()) > 0; found && p.want.gone || !found && !p.want.deleted && !p.want.fresh {
		return fmt.Errorf("the log is there: %v, must be gone: %v", found, p.want.gone)
	} else if !found {
		return nil
	}
	l, err := d.OpenLog(testTP, testID, testConfig())
	if err != nil {
		return err
	}
	return p.compare(l)
}

func (p crashPoint) compare(l *Log) error {
	start, end := l.StartOffset(), l.EndOffset()
	if start < p.want.starts[0] || start > p.want.starts[1] {
		return fmt.Errorf("starts at %d, want %v", start, p.want.starts)
	}
	if end < p.want.floor || l.DurableOffset() != end {
		return fmt.Errorf("ends at %d, durable to %d: %d was reported durable", end, l.DurableOffset(), p.want.floor)
	}
	got, err := readAll(l, start, 500)
	if err != nil {
		return err
	}
	for _, seq := range p.want.seqs {
		if bytes.Equal(got, between(seq, start, end)) {
			if p.want.loose {
				return nil
			}
			return p.retry(l, seq, start, end)
		}
	}
	return fmt.Errorf("%d bytes from %d to %d are not what was appended: %s", len(got), start, end, firstDifference(got, p.want.seqs[0]))
}

// firstDifference names the first batch that is not the expected one.
func firstDifference(got []byte, seq []record.Batch) string {
	for _, want := range seq {
		b, rest, err := record.Split(got)
		if err != nil {
			return fmt.Sprintf("%v, want %d", err, want.BaseOffset())
		}
		if !bytes.Equal(b, want) {
			return fmt.Sprintf("got %d epoch %d (%v), want %d epoch %d", b.BaseOffset(), b.LeaderEpoch(), err, want.BaseOffset(), want.LeaderEpoch())
		}
		got = rest
	}
	return "more than expected"
}

// retry compares the producer state with the log and sends the last batch again,
// which must be known.
func (p crashPoint) retry(l *Log, seq []record.Batch, start, end int64) error {
	last := map[int64]record.Batch{}
	var newest record.Batch
	for _, b := range seq {
		if b.NextOffset() <= end {
			last[b.ProducerID()], newest = b, b
		}
	}
	known := map[int64]bool{}
	for _, info := range producersOf(l) {
		known[info.ProducerID] = true
		b, ok := last[info.ProducerID]
		if !ok || info.LastOffset != b.LastOffset() || info.LastSequence != b.LastSequence() {
			return fmt.Errorf("producer state %+v, want the batch at %d (%v)", info, b.BaseOffset(), ok)
		}
	}
	for pid, b := range last {
		if !known[pid] {
			return fmt.Errorf("producer %d of the batch at %d is forgotten", pid, b.BaseOffset())
		}
	}
	if newest == nil || newest.BaseOffset() < start {
		return nil
	}
	a, err := l.Append(slices.Clone(newest), AppendOptions{NowMs: 1})
	if err != nil || !a.Duplicate || a.First != newest.BaseOffset() {
		return fmt.Errorf("retry of the batch at %d: %+v, %w", newest.BaseOffset(), a, err)
	}
	return nil
}

// between joins the batches with records in [start, end).
func between(seq []record.Batch, start, end int64) []byte {
	var out []byte
	for _, b := range seq {
		if b.LastOffset() >= start && b.LastOffset() < end {
			out = append(out, b...)
		}
	}
	return out
}

func TestPowerLossAtEverySyncPoint(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newCrashRig(t, seed)
			r.mem.OnSync(r.point)
			r.scenario()
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.verify()
		})
	}
}
