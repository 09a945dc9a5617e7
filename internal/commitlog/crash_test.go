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
	deleted bool             // it may be gone
	gone    bool             // it must be
}

// crashPoint is one such disk.
type crashPoint struct {
	name string
	disk *vfs.Mem
	want crashExpectation
}

// crashRig runs a scenario on a memory disk and keeps clones of it from every
// sync point.
type crashRig struct {
	t    *testing.T
	fs   *vfs.Mem
	cfg  Config
	rand *rand.Rand

	d *Dir
	l *Log

	mu     sync.Mutex
	want   crashExpectation
	step   string
	points []crashPoint
	ts     int64
	seq    int32
}

func newCrashRig(t *testing.T, seed uint64) *crashRig {
	r := &crashRig{t: t, fs: vfs.NewMem(), cfg: testConfig(), rand: rand.New(rand.NewPCG(seed, 7)), ts: time.Now().UnixMilli()}
	r.want = crashExpectation{seqs: [][]record.Batch{nil}, deleted: true}
	r.fs.OnSync(r.point)
	return r
}

// point clones the disk in several conditions.
func (r *crashRig) point(op, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := r.want
	want.seqs = slices.Clone(want.seqs)
	for i, o := range []vfs.CrashOptions{
		{}, {KeepUnsynced: 1},
		{Rand: rand.New(rand.NewPCG(r.rand.Uint64(), 1)), KeepUnsynced: 0.5},
		{Rand: rand.New(rand.NewPCG(r.rand.Uint64(), 2)), KeepUnsynced: 0.7, Ordered: true},
	} {
		r.points = append(r.points, crashPoint{
			name: fmt.Sprintf("%s, %s %s, condition %d", r.step, op, name, i), disk: r.fs.CrashClone(o), want: want,
		})
	}
}

func (r *crashRig) change(step string, f func(w *crashExpectation)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step = step
	f(&r.want)
}

func (r *crashRig) open() {
	r.d = mustOpen(r.t, testOptions(r.fs))
	r.l = mustLog(r.t, r.d, r.cfg)
	r.l.OnDurable(func(at int64) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.want.floor = max(r.want.floor, at)
		r.want.deleted = r.want.deleted && at == 0
	})
}

// append adds n batches; the last expected sequence foresees them.
func (r *crashRig) append(n int) {
	for range n {
		b := record.NewBuilder(record.BuilderOptions{Idempotent: true, ProducerID: 9, BaseSequence: r.seq, LeaderEpoch: 1})
		for range 1 + r.rand.IntN(3) {
			b.Append(r.ts, []byte("k"), bytes.Repeat([]byte{byte(r.rand.Uint32())}, r.rand.IntN(200)))
			r.seq++
			r.ts++
		}
		batch := b.Build()
		stored := record.Batch(slices.Clone(batch))
		stored.SetBaseOffset(r.l.EndOffset())
		stored.SetLeaderEpoch(r.epoch())
		r.change("append", func(w *crashExpectation) {
			last := len(w.seqs) - 1
			w.seqs[last] = append(slices.Clip(w.seqs[last]), stored)
		})
		if _, err := r.l.Append(batch, AppendOptions{LeaderEpoch: r.epoch(), NowMs: 1}); err != nil {
			r.t.Fatal(err)
		}
		if r.rand.IntN(3) == 0 {
			awaitDurableRig(r)
		}
	}
}

func (r *crashRig) epoch() int32 { return r.seq / 10 }

// awaitDurableRig flushes in the foreground: the sync points are the same.
func awaitDurableRig(r *crashRig) {
	if err := r.l.Flush(); err != nil {
		r.t.Fatal(err)
	}
}

// only makes what the log holds now the one expectation.
func (r *crashRig) only(step string, seq []record.Batch) {
	r.change(step, func(w *crashExpectation) {
		w.seqs = [][]record.Batch{seq}
		w.floor = r.l.EndOffset()
		w.starts = [2]int64{r.l.StartOffset(), r.l.StartOffset()}
	})
}

func (r *crashRig) current() []record.Batch { return r.want.seqs[len(r.want.seqs)-1] }

func (r *crashRig) truncate(to int64) {
	for _, b := range r.current() {
		if b.LastOffset() >= to {
			to = b.BaseOffset() // a batch goes as a whole
			break
		}
	}
	r.change("truncate", func(w *crashExpectation) { w.floor = min(w.floor, to) })
	if err := r.l.Truncate(to); err != nil {
		r.t.Fatal(err)
	}
	kept := r.current()
	for len(kept) > 0 && kept[len(kept)-1].NextOffset() > r.l.EndOffset() {
		kept = kept[:len(kept)-1]
	}
	r.seq = 0
	for _, b := range kept {
		r.seq += b.Count()
	}
	r.only("after truncate", slices.Clip(kept))
}

func (r *crashRig) raiseStart(to int64) {
	r.change("delete records", func(w *crashExpectation) { w.starts[1] = to })
	if err := r.l.SetStartOffset(to); err != nil {
		r.t.Fatal(err)
	}
	r.change("after delete records", func(w *crashExpectation) { w.starts[0] = to })
}

func (r *crashRig) reopen() {
	r.change("close", func(*crashExpectation) {})
	if err := r.d.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.change("open", func(*crashExpectation) {})
	r.open()
}

func (r *crashRig) deleteLog() {
	r.change("delete", func(w *crashExpectation) { w.deleted = true })
	if err := r.d.DeleteLog(testTP, testID); err != nil {
		r.t.Fatal(err)
	}
	r.change("after delete", func(w *crashExpectation) { w.gone = true })
}

// verify opens every disk and compares. In some, the power fails again while
// the log is being recovered.
func (r *crashRig) verify() {
	r.fs.OnSync(nil)
	r.t.Logf("%d disks", len(r.points))
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
		c := disk.CrashClone(vfs.CrashOptions{Rand: rand.New(rand.NewPCG(r.rand.Uint64(), 3)), KeepUnsynced: 0.5})
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
	defer d.Close() //nolint:errcheck // the disk is thrown away
	inv := d.Inventory()
	if len(inv) == 0 || p.want.gone {
		if len(inv) == 0 != p.want.gone && !p.want.deleted {
			return fmt.Errorf("the log is there: %v, must be gone: %v", inv, p.want.gone)
		}
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

// retry sends the producer's last batch again: it must be known.
func (p crashPoint) retry(l *Log, seq []record.Batch, start, end int64) error {
	var last record.Batch
	for _, b := range seq {
		if b.NextOffset() <= end {
			last = b
		}
	}
	if last == nil || last.BaseOffset() < start {
		return nil
	}
	a, err := l.Append(slices.Clone(last), AppendOptions{NowMs: 1})
	if err != nil || !a.Duplicate || a.First != last.BaseOffset() {
		return fmt.Errorf("retry of the batch at %d: %+v, %w", last.BaseOffset(), a, err)
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
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newCrashRig(t, seed)
			r.open()
			r.append(15)
			r.reopen()
			r.append(10)
			awaitDurableRig(r)
			r.truncate(r.l.EndOffset() * 2 / 3)
			r.append(10)
			awaitDurableRig(r)
			r.raiseStart(r.l.EndOffset() / 2)
			r.append(5)
			r.reopen()
			r.truncate(r.l.StartOffset() + 3)
			r.append(12)
			awaitDurableRig(r)
			if err := r.d.frontier.rewrite(); err != nil {
				t.Fatal(err)
			}
			r.d.checkpoint()
			r.truncate(r.l.EndOffset() - 2)
			r.append(2)
			r.reopen()
			r.deleteLog()
			mustClose(t, r.d)
			r.verify()
		})
	}
}
