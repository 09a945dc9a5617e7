package producer

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/record"
)

// event is one line of the oracle's memory: the whole history of the log.
type event struct {
	spec
	marker bool
	abort  bool
	last   int64
	seen   int64
}

// oracle answers by looking through the whole history every time.
type oracle struct {
	events []event
	end    int64
}

// of returns the events of a producer since it was last forgotten.
func (o *oracle) of(pid int64) []event {
	return slices.DeleteFunc(slices.Clone(o.events), func(e event) bool { return e.pid != pid })
}

// epochRun is the tail of history in the producer's current epoch.
func epochRun(h []event) []event {
	i := len(h)
	for i > 0 && h[i-1].epoch == h[len(h)-1].epoch {
		i--
	}
	return h[i:]
}

func openSince(h []event) (int64, bool) {
	first, open := int64(0), false
	for _, e := range h {
		switch {
		case e.marker:
			open = false
		case e.txn && !open:
			first, open = e.offset, true
		}
	}
	return first, open
}

func seqPlus(seq int32, n int32) int32 { return int32((int64(seq) + int64(n)) & math.MaxInt32) }

// want says what Check must answer: the duplicate, or whether it is refused.
func (o *oracle) want(s spec) (dup *event, refused bool) {
	h := o.of(s.pid)
	if len(h) == 0 {
		return nil, false
	}
	current := h[len(h)-1].epoch
	run := slices.DeleteFunc(slices.Clone(epochRun(h)), func(e event) bool { return e.marker })
	if s.epoch == current {
		for i := max(0, len(run)-window); i < len(run); i++ {
			if run[i].seq == s.seq && run[i].count == s.count {
				return &run[i], false
			}
		}
	}
	_, open := openSince(h)
	switch {
	case s.epoch < current, open && !s.txn:
		return nil, true
	case s.epoch > current || len(run) == 0:
		return nil, s.seq != 0
	}
	lastRun := run[len(run)-1]
	return nil, s.seq != seqPlus(lastRun.seq, lastRun.count)
}

func (o *oracle) firstUnstable(hw int64) (int64, bool) {
	best, ok := int64(math.MaxInt64), false
	take := func(first int64) { best, ok = min(best, first), true }
	for _, pid := range o.pids() {
		h := o.of(pid)
		for i, e := range h {
			if first, open := openSince(h[:i]); e.marker && open && e.offset >= hw {
				take(first)
			}
		}
		if first, open := openSince(h); open {
			take(first)
		}
	}
	return best, ok
}

func (o *oracle) pids() []int64 {
	seen := map[int64]bool{}
	for _, e := range o.events {
		seen[e.pid] = true
	}
	var out []int64
	for pid := range seen {
		out = append(out, pid)
	}
	return out
}

// TestAgainstHistory drives a State and the oracle with the same clients, some
// of which lie about epochs and sequences, and compares every answer.
func TestAgainstHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := NewState(Options{ExpirationMs: 100}), &oracle{}
		now, hw := int64(0), int64(0)
		pids := rapid.IntRange(1, 12).Draw(t, "producers") // more than linearLimit at times
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			pid := int64(rapid.IntRange(1, pids).Draw(t, "pid"))
			switch rapid.IntRange(0, 9).Draw(t, "op") {
			case 0:
				stepMarker(t, s, o, pid, now)
			case 1:
				now += int64(rapid.IntRange(0, 60).Draw(t, "wait"))
				stepExpire(t, s, o, now)
			case 2:
				hw = rapid.Int64Range(hw, o.end).Draw(t, "hw")
				s.SetHighWatermark(hw)
			default:
				stepWrite(t, s, o, pid, now)
			}
			got, ok := s.FirstUnstable(hw)
			if want, wantOK := o.firstUnstable(hw); ok != wantOK || ok && got != want {
				t.Fatalf("FirstUnstable(%d) = %d, %v; want %d, %v", hw, got, ok, want, wantOK)
			}
		}
	})
}

func stepWrite(t *rapid.T, s *State, o *oracle, pid, now int64) {
	b := drawBatch(t, o, pid, now)
	dup, refused := o.want(b)
	v, err := s.Check(b.batch(), now)
	switch {
	case refused != (err != nil):
		t.Fatalf("%+v: error %v, want one: %v", b, err, refused)
	case refused:
	case dup != nil:
		if !v.Duplicate || v.First != dup.offset || v.Last != dup.last || v.LogAppendTime != dup.ts {
			t.Fatalf("%+v: %+v, want the duplicate of %+v", b, v, dup)
		}
		// A retry is a sign of life.
		for i := range o.events {
			if o.events[i].pid == pid {
				o.events[i].seen = max(o.events[i].seen, now)
			}
		}
	case v.Duplicate:
		t.Fatalf("%+v is not a duplicate: %+v", b, v)
	default:
		_, open := openSince(o.of(pid))
		if v.OpensTxn != (b.txn && !open) {
			t.Fatalf("%+v: OpensTxn %v", b, v.OpensTxn)
		}
		s.Append(b.batch(), now)
		o.events = append(o.events, event{spec: b, last: b.offset + int64(b.count) - 1, seen: now})
		o.end += int64(b.count)
	}
}

// drawBatch proposes the right next batch, a retry, or nonsense.
func drawBatch(t *rapid.T, o *oracle, pid, now int64) spec {
	h := o.of(pid)
	b := spec{pid: pid, offset: o.end, ts: now, count: rapid.Int32Range(1, 3).Draw(t, "count")}
	if len(h) == 0 {
		b.epoch = int16(rapid.IntRange(0, 2).Draw(t, "epoch"))
		b.seq = rapid.SampledFrom([]int32{0, 5, math.MaxInt32 - 2, math.MaxInt32}).Draw(t, "seq")
		b.txn = rapid.Bool().Draw(t, "txn")
		return b
	}
	last := h[len(h)-1]
	_, open := openSince(h)
	b.epoch, b.txn = last.epoch, open || rapid.Bool().Draw(t, "txn")
	data := slices.DeleteFunc(slices.Clone(h), func(e event) bool { return e.marker })
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	switch {
	case kind == 0:
		b.epoch, b.seq = last.epoch+1, rapid.Int32Range(0, 1).Draw(t, "seq")
	case kind == 1 && last.epoch > 0:
		b.epoch--
	case kind <= 4 && len(data) > 0:
		old := data[max(0, len(data)-rapid.IntRange(1, 7).Draw(t, "back"))]
		b.seq, b.count, b.epoch = old.seq, old.count, old.epoch
	case kind == 5:
		b.seq = rapid.Int32Min(0).Draw(t, "seq")
	case kind == 6:
		b.txn = !b.txn
		fallthrough
	default:
		if len(data) > 0 && data[len(data)-1].epoch == last.epoch {
			b.seq = seqPlus(data[len(data)-1].seq, data[len(data)-1].count)
		}
	}
	return b
}

func stepMarker(t *rapid.T, s *State, o *oracle, pid, now int64) {
	h := o.of(pid)
	m := event{marker: true, abort: rapid.Bool().Draw(t, "abort"), seen: now}
	m.pid, m.offset, m.last = pid, o.end, o.end
	if len(h) > 0 {
		m.epoch = h[len(h)-1].epoch + int16(rapid.IntRange(0, 1).Draw(t, "bump"))
	}
	kind := record.Commit
	if m.abort {
		kind = record.Abort
	}
	first, open := openSince(h)
	done, ok := s.Append(markerBatch(kind, 0, pid, m.epoch, m.offset, now), now)
	if ok != open || open && (done.First != first || done.Last != m.offset || done.Aborted != m.abort) {
		t.Fatalf("marker at %d: %+v, %v; open since %d, %v", m.offset, done, ok, first, open)
	}
	o.events = append(o.events, m)
	o.end++
	if lso, unstable := o.firstUnstable(o.end); ok {
		if !unstable {
			lso = o.end
		}
		if done.LastStableOffset != lso {
			t.Fatalf("last stable offset %d, want %d", done.LastStableOffset, lso)
		}
	}
}

func stepExpire(t *rapid.T, s *State, o *oracle, now int64) {
	n := 0
	for _, pid := range o.pids() {
		h := o.of(pid)
		_, open := openSince(h)
		if pid < 0 {
			continue // forgotten before
		}
		idle := !slices.ContainsFunc(h[len(h)-1:], func(e event) bool { return now-e.seen < 100 })
		if idle && !open {
			// Their finished transactions stay unstable until replicated, so the
			// oracle may only forget what the high watermark can't ask about.
			o.forget(pid)
			n++
		}
	}
	if got := s.Expire(now); got != n {
		t.Fatalf("expired %d, want %d", got, n)
	}
}

// forget renames a producer, so that its transactions are still there.
func (o *oracle) forget(pid int64) {
	for i := range o.events {
		if o.events[i].pid == pid {
			o.events[i].pid = -pid - 1000*int64(len(o.events))
		}
	}
}

// TestSnapshotRoundTrip checks that a snapshot keeps all that Producers tells.
func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := NewState(Options{}), &oracle{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			pid := int64(rapid.IntRange(1, 20).Draw(t, "pid"))
			if rapid.IntRange(0, 4).Draw(t, "op") == 0 {
				stepMarker(t, s, o, pid, 7)
			} else {
				stepWrite(t, s, o, pid, 7)
			}
		}
		got := NewState(Options{})
		if err := got.Restore(s.Snapshot(), 7); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Producers(), s.Producers()) || string(got.Snapshot()) != string(s.Snapshot()) {
			t.Fatalf("%v\nrestored as\n%v", s.Producers(), got.Producers())
		}
		a, okA := s.FirstUndecided()
		b, okB := got.FirstUndecided()
		if a != b || okA != okB || got.Len() != s.Len() {
			t.Fatalf("first undecided %d %v, restored %d %v", a, okA, b, okB)
		}
	})
}

func TestErrorsAreTyped(t *testing.T) {
	s := NewState(Options{})
	s.Append(spec{pid: 1, epoch: 3, seq: 0, count: 1, txn: true}.batch(), 0)
	var (
		fenced *FencedError
		seq    *SequenceError
		state  *TxnStateError
		coord  *CoordinatorFencedError
	)
	if _, err := s.Check(spec{pid: 1, epoch: 2, seq: 1, count: 1, txn: true}.batch(), 0); !errors.As(err, &fenced) || fenced.Current != 3 {
		t.Error(err)
	}
	if _, err := s.Check(spec{pid: 1, epoch: 3, seq: 2, count: 1, txn: true}.batch(), 0); !errors.As(err, &seq) || seq.Want != 1 || seq.NewEpoch {
		t.Error(err)
	}
	if _, err := s.Check(spec{pid: 1, epoch: 4, seq: 1, count: 1, txn: true}.batch(), 0); !errors.As(err, &seq) || !seq.NewEpoch {
		t.Error(err)
	}
	if _, err := s.Check(spec{pid: 1, epoch: 3, seq: 1, count: 1}.batch(), 0); !errors.As(err, &state) || state.TxnFirst != 0 {
		t.Error(err)
	}
	s.Append(markerBatch(record.Commit, 7, 1, 3, 1, 0), 0)
	if err := s.CheckCoordinator(markerBatch(record.Commit, 6, 1, 3, 2, 0), 1); !errors.As(err, &coord) || coord.Current != 7 {
		t.Error(err)
	}
	for _, err := range []error{fenced, seq, state, coord} {
		if err.Error() == "" {
			t.Errorf("%T has no text", err)
		}
	}
}

// A batch without a producer id leaves no trace and costs nothing.
func TestPlainBatches(t *testing.T) {
	s := NewState(Options{})
	b := spec{pid: -1, epoch: -1, seq: -1, count: 5}.batch()
	if n := testing.AllocsPerRun(100, func() {
		if v, err := s.Check(b, 0); err != nil || v != (Verdict{}) {
			t.Fatal(v, err)
		}
		s.Append(b, 0)
	}); n != 0 || s.Len() != 0 || s.producers.entries != nil {
		t.Fatalf("%v allocations, %d producers", n, s.Len())
	}
}

// A marker that compaction emptied still fences: its header has the epoch.
func TestEmptiedMarkerFences(t *testing.T) {
	s := NewState(Options{})
	b, _, err := markerBatch(record.Abort, 0, 1, 5, 10, 0).Filter(func(record.Record) bool { return false }, record.FilterOptions{RetainEmpty: true})
	if err != nil || b.Count() != 0 {
		t.Fatal(b.Count(), err)
	}
	if done, ok := s.Append(b, 0); ok {
		t.Fatalf("an empty marker ended %+v", done)
	}
	var fenced *FencedError
	if _, err := s.Check(spec{pid: 1, epoch: 4, count: 1}.batch(), 0); !errors.As(err, &fenced) {
		t.Error(err)
	}
	if _, err := s.Check(spec{pid: 1, epoch: 5, count: 1}.batch(), 0); err != nil {
		t.Error(err)
	}
}

// Expiry gives the memory back.
func TestExpiryShrinks(t *testing.T) {
	s := NewState(Options{ExpirationMs: 10})
	for pid := range int64(10_000) {
		s.Append(spec{pid: pid, count: 1, offset: pid}.batch(), pid/5000*100)
	}
	if n := s.Expire(100); n != 5000 || s.Len() != 5000 || len(s.producers.index) != 5000 {
		t.Fatalf("%d expired, %d left", n, s.Len())
	}
	if v, err := s.Check(spec{pid: 9999, seq: 0, count: 1}.batch(), 100); err != nil || !v.Duplicate {
		t.Fatal(v, err)
	}
	if s.Expire(200); s.producers.entries != nil || s.producers.index != nil {
		t.Fatal("an empty state holds memory")
	}
}
