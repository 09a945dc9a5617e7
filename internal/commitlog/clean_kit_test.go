package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/milena-io/milena/internal/record"
)

// modelTxn is one transaction of the model.
type modelTxn struct {
	pid    int64
	marker int64 // -1 while open
	abort  bool
	first  int64
}

// modelRecord is one record that was appended.
type modelRecord struct {
	offset, ts int64
	key, value []byte
	txn        *modelTxn // nil outside transactions
	cleanedAt  int64     // when a clean first took notice of it, -1 never
}

func (r *modelRecord) committed() bool {
	return r.txn == nil || r.txn.marker >= 0 && !r.txn.abort
}

// cleanRig drives a log and remembers everything that was ever appended.
type cleanRig struct {
	t     fataler
	clock *clock
	d     *Dir
	l     *Log
	cfg   Config

	faulty bool // a clean may fail for a time

	mu   sync.Mutex // guards the model, which crash hooks copy on any goroutine
	recs []*modelRecord
	txns []*modelTxn
	open map[int64]*modelTxn
	seqs map[int64]int32        // next sequence by producer
	last map[int64]record.Batch // last data batch by producer, with its offset
}

func newCleanRig(t fataler, o DirOptions, cfg Config) *cleanRig {
	r := &cleanRig{
		t: t, clock: newClock(), cfg: cfg, open: map[int64]*modelTxn{}, seqs: map[int64]int32{}, last: map[int64]record.Batch{},
	}
	r.reopen(o)
	return r
}

func (r *cleanRig) reopen(o DirOptions) {
	o.Now = r.clock.Now
	o.RetentionCheckInterval = 1 << 60
	if r.d != nil {
		mustClose(r.t, r.d)
	}
	r.d = mustOpen(r.t, o)
	r.d.cleaner.mu.Lock()
	r.d.cleaner.running = true // one clean at a time: the rig's own
	r.d.cleaner.mu.Unlock()
	r.l = mustLog(r.t, r.d, r.cfg)
	r.l.SetHighWatermark(r.l.EndOffset())
}

func compactConfig() Config {
	cfg := testConfig()
	cfg.Delete, cfg.Compact = false, true
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 400, 128
	cfg.MinCleanableDirtyRatio = 0
	cfg.DeleteRetentionMs = 1000
	return cfg
}

type kv struct{ key, value []byte }

func pair(key, value string) kv { return kv{[]byte(key), []byte(value)} }
func tombstone(key string) kv   { return kv{[]byte(key), nil} }

// write appends a batch. A producer of -1 is none.
func (r *cleanRig) write(pid int64, txn bool, codec record.Codec, kvs ...kv) {
	r.t.Helper()
	if err := r.tryAppend(pid, txn, codec, kvs); err != nil {
		r.t.Fatalf("append: %v", err)
	}
}

func (r *cleanRig) tryWrite(pid int64, txn bool, kvs ...kv) error {
	return r.tryAppend(pid, txn, record.None, kvs)
}

func (r *cleanRig) tryAppend(pid int64, txn bool, codec record.Codec, kvs []kv) error {
	now := r.clock.Now().UnixMilli()
	b := record.NewBuilder(record.BuilderOptions{
		Codec: codec, ProducerID: pid, Idempotent: pid >= 0, BaseSequence: r.seqs[pid], Transactional: txn,
	})
	for _, p := range kvs {
		b.Append(now, p.key, p.value)
	}
	batch := b.Build()
	r.foresee(pid, txn, now, kvs)
	_, err := r.l.Append(batch, AppendOptions{NowMs: now})
	if err == nil && pid >= 0 {
		r.seqs[pid] += int32(len(kvs))
		r.last[pid] = batch
	}
	return err
}

// foresee enters an append into the model before it happens: a power loss may
// come inside it.
func (r *cleanRig) foresee(pid int64, txn bool, now int64, kvs []kv) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.l.EndOffset()
	var in *modelTxn
	if txn {
		if in = r.open[pid]; in == nil {
			in = &modelTxn{pid: pid, marker: -1, first: first}
			r.open[pid], r.txns = in, append(r.txns, in)
		}
	}
	for i, p := range kvs {
		r.recs = append(r.recs, &modelRecord{
			offset: first + int64(i), ts: now, key: p.key, value: p.value, txn: in, cleanedAt: -1,
		})
	}
}

func (r *cleanRig) endTxn(pid int64, abort bool) {
	r.t.Helper()
	if err := r.tryEndTxn(pid, abort); err != nil {
		r.t.Fatalf("marker: %v", err)
	}
}

func (r *cleanRig) tryEndTxn(pid int64, abort bool) error {
	kind := record.Commit
	if abort {
		kind = record.Abort
	}
	r.mu.Lock()
	if txn := r.open[pid]; txn != nil {
		txn.marker, txn.abort = r.l.EndOffset(), abort
		delete(r.open, pid)
	}
	r.mu.Unlock()
	_, err := r.l.Append(record.ControlBatch(kind, 0, pid, 0, r.clock.Now().UnixMilli()), AppendOptions{Origin: Coordinator})
	return err
}

// clean flushes, commits everything and cleans what can be cleaned.
func (r *cleanRig) clean() (cleaned bool) {
	r.t.Helper()
	before := r.d.cleaner.offset(r.l)
	if err := r.tryClean(); err != nil {
		r.t.Fatalf("clean: %v\n%s", err, r.describe())
	}
	return r.d.cleaner.offset(r.l) > before
}

func (r *cleanRig) tryClean() error {
	if err := r.l.Flush(); err != nil {
		return err
	}
	r.l.SetHighWatermark(r.l.EndOffset())
	now := r.clock.Now().UnixMilli()
	p, err := r.l.planClean(r.d.cleaner.offset(r.l), now)
	if err != nil || p.dirtyBytes == 0 {
		return err
	}
	r.noteClean(func(m *modelRecord) { // before, since a power loss may come inside the clean
		if m.cleanedAt < 0 && m.offset < p.end {
			m.cleanedAt = now
		}
	})
	if !r.d.cleaner.clean(p) {
		if err := errors.Join(r.d.cleaner.uncleanable[r.l], r.l.Err()); err != nil || r.faulty {
			return err
		}
		return r.tryClean() // segments below the start were removed meanwhile
	}
	upTo := r.d.cleaner.offset(r.l)
	r.noteClean(func(m *modelRecord) {
		if m.cleanedAt == now && m.offset >= upTo {
			m.cleanedAt = -1
		}
	})
	return nil
}

func (r *cleanRig) noteClean(f func(*modelRecord)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.recs {
		f(m)
	}
}

func stableEnd(l *Log) int64 {
	if stable, err := l.stableBelow(l.HighWatermark()); err == nil {
		return stable
	}
	return l.StartOffset() // nobody knows more
}

// committedFrom reads like a read_committed consumer that begins at offset from.
func committedFrom(l *Log, from int64, maxBytes int) (out []record.Record, err error) {
	// The end is looked up anew each time: a table is only complete for a reader
	// who has caught up.
	for stable := stableEnd(l); from < stable; stable = stableEnd(l) {
		c, err := l.Read(from, stable, maxBytes, true)
		if err != nil {
			return nil, err
		}
		if c.Next <= from {
			if stableEnd(l) > stable {
				continue // a clean has emptied everything up to the old end
			}
			return nil, fmt.Errorf("no progress at %d", from)
		}
		aborted, err := l.AbortedTxns(from, c.Next)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(aborted, func(a, b AbortedTxn) int { return int(a.FirstOffset - b.FirstOffset) })
		if out, err = consume(out, bytes.Join(c.Data, nil), from, aborted); err != nil {
			return nil, err
		}
		from = c.Next
	}
	return out, nil
}

// consume appends the records of one fetch that its aborted list does not drop.
func consume(out []record.Record, data []byte, from int64, aborted []AbortedTxn) ([]record.Record, error) {
	dropping := map[int64]bool{}
	for len(data) > 0 {
		b, rest, err := record.Split(data)
		if err != nil {
			return nil, err
		}
		data = rest
		for len(aborted) > 0 && aborted[0].FirstOffset <= b.LastOffset() {
			dropping[aborted[0].ProducerID], aborted = true, aborted[1:]
		}
		if b.IsControl() {
			if c, err := record.ParseControl(b); err == nil && c.Type == record.Abort {
				delete(dropping, b.ProducerID())
			}
			continue
		}
		if b.IsTransactional() && dropping[b.ProducerID()] {
			continue
		}
		for rec, err := range b.Records(record.Limits{}) {
			if err != nil {
				return nil, err
			}
			if rec.Offset >= from {
				rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
				out = append(out, rec)
			}
		}
	}
	return out, nil
}

// finalMap is what a table built from records holds at the end.
func finalMap(records []record.Record) map[string]string {
	m := map[string]string{}
	for _, rec := range records {
		switch {
		case rec.Key == nil:
		case rec.Value == nil:
			delete(m, string(rec.Key))
		default:
			m[string(rec.Key)] = string(rec.Value)
		}
	}
	return m
}

// check compares the log with everything that was ever appended to it.
func (r *cleanRig) check() {
	r.t.Helper()
	start, stable := r.l.StartOffset(), stableEnd(r.l)
	var want []record.Record
	for _, m := range r.recs {
		if m.committed() && m.offset >= start && m.offset < stable {
			want = append(want, record.Record{Offset: m.offset, Key: m.key, Value: m.value, Timestamp: m.ts})
		}
	}
	step := max(1, (stable-start)/7)
	for from := start; from < stable; from += step {
		got, err := committedFrom(r.l, from, 300)
		if err != nil {
			r.t.Fatalf("read from %d: %v", from, err)
		}
		r.checkRecords(got, want, from)
	}
	r.checkTombstones(want)
	r.checkMarkers()
}

func (r *cleanRig) checkRecords(got, want []record.Record, from int64) {
	r.t.Helper()
	i := slices.IndexFunc(want, func(w record.Record) bool { return w.Offset >= from })
	if i < 0 {
		i = len(want)
	}
	rest := want[i:]
	if g, w := finalMap(got), finalMap(rest); !maps.Equal(g, w) {
		r.t.Fatalf("from %d a table ends as %v, before compaction as %v\n%s", from, g, w, r.describe())
	}
	for _, g := range got {
		for len(rest) > 0 && rest[0].Offset < g.Offset {
			rest = rest[1:]
		}
		if len(rest) == 0 || rest[0].Offset != g.Offset || !bytes.Equal(rest[0].Key, g.Key) ||
			!bytes.Equal(rest[0].Value, g.Value) || (rest[0].Value == nil) != (g.Value == nil) || rest[0].Timestamp != g.Timestamp {
			r.t.Fatalf("record %d is %q=%q at %d, which is not what was committed there", g.Offset, g.Key, g.Value, g.Timestamp)
		}
	}
}

// checkTombstones: the newest record of a key that is a tombstone stays until
// delete.retention.ms after a clean took notice of it.
func (r *cleanRig) checkTombstones(want []record.Record) {
	r.t.Helper()
	newest := map[string]int64{}
	for _, w := range want {
		if w.Key != nil {
			newest[string(w.Key)] = w.Offset
		}
	}
	present := map[int64]bool{}
	got, err := committedFrom(r.l, r.l.StartOffset(), 1<<20)
	if err != nil {
		r.t.Fatalf("read: %v", err)
	}
	for _, g := range got {
		present[g.Offset] = true
	}
	now := r.clock.Now().UnixMilli()
	for _, m := range r.recs {
		if m.key == nil || m.value != nil || newest[string(m.key)] != m.offset || !m.committed() || m.offset < r.l.StartOffset() {
			continue
		}
		if young := m.cleanedAt < 0 || now < m.cleanedAt+r.cfg.DeleteRetentionMs; young && !present[m.offset] && m.offset < stableEnd(r.l) {
			r.t.Fatalf("the tombstone of %q at %d is gone %d ms after its first clean", m.key, m.offset, now-m.cleanedAt)
		}
	}
}

// checkMarkers: a transaction with a batch left, even an empty one, has its
// marker.
func (r *cleanRig) checkMarkers() {
	r.t.Helper()
	batches := r.batches()
	markers := map[int64]bool{}
	for _, b := range batches {
		markers[b.BaseOffset()] = markers[b.BaseOffset()] || b.IsControl() && b.Count() > 0
	}
	for _, txn := range r.txns {
		if txn.marker < 0 || markers[txn.marker] {
			continue
		}
		for _, b := range batches {
			if !b.IsControl() && b.IsTransactional() && b.ProducerID() == txn.pid && b.BaseOffset() >= txn.first && b.BaseOffset() < txn.marker {
				r.t.Fatalf("the batch at %d is left, the marker of its transaction at %d is not", b.BaseOffset(), txn.marker)
			}
		}
	}
}

// batches are all that is stored, from the start offset on.
func (r *cleanRig) batches() (out []record.Batch) {
	r.t.Helper()
	data, err := readAll(r.l, r.l.StartOffset(), 1<<20)
	if err != nil {
		r.t.Fatalf("read all: %v", err)
	}
	for len(data) > 0 {
		b, rest, err := record.Split(data)
		if err != nil {
			r.t.Fatalf("split: %v", err)
		}
		out, data = append(out, b), rest
	}
	return out
}

// describe lists what is stored and what was appended, for a failure.
func (r *cleanRig) describe() string {
	var out strings.Builder
	fmt.Fprintf(&out, "clean to %d, stable %d, end %d\n", r.d.cleaner.offset(r.l), stableEnd(r.l), r.l.EndOffset())
	for _, m := range r.recs {
		fmt.Fprintf(&out, "appended %d %.8q=%q txn %+v\n", m.offset, m.key, m.value, m.txn)
	}
	for _, s := range r.l.Segments() {
		fmt.Fprintf(&out, "segment %+v\n", s)
	}
	for _, b := range r.batches() {
		fmt.Fprintf(&out, "stored %d-%d pid %d txn %v control %v count %d\n", b.BaseOffset(), b.LastOffset(), b.ProducerID(), b.IsTransactional(), b.IsControl(), b.Count())
	}
	aborted, err := r.l.AbortedTxns(r.l.StartOffset(), r.l.EndOffset())
	fmt.Fprintf(&out, "aborted %+v %v\n", aborted, err)
	return out.String()
}

// checkProducers: the last batch of each producer is recognised when it is sent
// again.
func (r *cleanRig) checkProducers() {
	r.t.Helper()
	for pid, b := range r.last {
		if b.LastOffset() < r.l.StartOffset() {
			continue
		}
		a, err := r.l.Append(slices.Clone(b), AppendOptions{NowMs: r.clock.Now().UnixMilli()})
		if err != nil || !a.Duplicate || a.First != b.BaseOffset() || a.Last != b.LastOffset() {
			r.t.Fatalf("producer %d repeats its batch at %d: %+v, %v", pid, b.BaseOffset(), a, err)
		}
	}
}

// rollNow closes the active segment.
func rollNow(t testing.TB, l *Log) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.roll(l.end.Load(), l.d.opts.Now().UnixMilli()); err != nil {
		t.Fatal(err)
	}
}
