package commitlog

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

var (
	// errCleanStopped: the directory is closing.
	errCleanStopped = errors.New("commitlog: clean stopped")
	// errCleanStale: the segments have changed under the clean, by retention or
	// truncation. It is tried again later.
	errCleanStale = errors.New("commitlog: segments changed during a clean")
)

// maxCleanedBatch bounds what one batch may decompress to in the cleaner. A
// larger one makes its log uncleanable: it can't be left out of account, since
// its records are superseded by later ones like any others.
const maxCleanedBatch = 256 << 20

// cleanPass is one compaction of one log: read the dirty part to learn the
// latest offset of each key, then copy everything but what is superseded.
//
// The copy keeps offsets and order. Left out are records with a later one of the
// same key, records without a key, data of aborted transactions, tombstones and
// markers past their delete horizon. A batch that is the last word of a
// producer stays, if need be without records, so that its sequence and epoch
// are not forgotten.
type cleanPass struct {
	c     *cleaner
	plan  cleanPlan
	cfg   Config
	nowMs int64

	keys    *keyMap
	found   []keyAt // of one batch
	mapped  int64   // everything in [dirty, mapped) was taken into keys
	aborted []txnindex.Entry
	txns    *cleanTxns
	last    map[int64]lastWord // by producer

	scanMarkers bool // don't trust the transaction indexes

	before, written int64 // bytes of the cleaned segments
}

type keyAt struct {
	key    []byte
	offset int64
}

// lastWord is what identifies the batch that a producer's state comes from.
type lastWord struct {
	offset int64 // last data record, -1: only a marker was seen in this epoch
	epoch  int16
}

func (c *cleaner) newPass(p cleanPlan) (*cleanPass, error) {
	producers, err := p.log.Producers()
	if err != nil {
		return nil, err // which batches are their last words is not known
	}
	pass := &cleanPass{
		c: c, plan: p, cfg: p.log.Config(), nowMs: c.d.opts.Now().UnixMilli(),
		keys: newKeyMap(c.dedupeBytes), mapped: p.dirty, last: map[int64]lastWord{},
	}
	c.mu.Lock()
	_, pass.scanMarkers = c.scan[p.log]
	c.mu.Unlock()
	for _, info := range producers {
		pass.last[info.ProducerID] = lastWord{offset: info.LastOffset, epoch: info.Epoch}
	}
	return pass, nil
}

// run cleans the log and returns the offset up to which it is clean now.
func (p *cleanPass) run() (int64, error) {
	if err := p.findAborted(); err != nil {
		return 0, err
	}
	if err := p.buildMap(); err != nil {
		return 0, err
	}
	groups, err := p.plan.groupSegments(p.mapped)
	if err != nil {
		return 0, p.plan.log.cleanError("look at indexes of "+p.plan.log.path, err)
	}
	if len(groups) == 0 {
		return p.mapped, nil
	}
	if err := p.announce(); err != nil {
		return 0, err
	}
	// What the pass knows of producers may come from batches that a power loss
	// could take: the words that they supersede must not go before.
	if err := p.plan.log.Flush(); err != nil {
		return 0, err
	}
	p.txns = newCleanTxns(p.aborted)
	for _, g := range groups {
		w, err := p.rewrite(g)
		if err != nil {
			return 0, err
		}
		if err := p.plan.log.swap(g, w); err != nil {
			return 0, err
		}
	}
	return p.mapped, nil
}

// announce makes it durable that the log's offsets have gaps, before they do.
func (p *cleanPass) announce() error {
	l := p.plan.log
	if err := p.c.setOffset(l, p.plan.dirty); err != nil {
		return err
	}
	return l.allowGaps(p.plan.end)
}

// each calls f with every batch of a segment, checksum verified.
func (p *cleanPass) each(s *segment, f func(b record.Batch) error) error {
	l := p.plan.log
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return l.cleanOpenError(s, err)
	}
	defer l.d.files.release(h)
	w := newWalker(h, 0, s.size.Load(), s.base, walkRules{contiguous: l.contiguous(), limit: s.next.Load(), crc: true})
	defer w.close()
	for {
		b, pos, err := w.step()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if bad, damaged := errors.AsType[*badBatch](err); damaged {
			return &CorruptionError{File: s.path(suffixLog), Position: bad.pos, Offset: bad.offset, Reason: bad.reason}
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return &CorruptionError{File: s.path(suffixLog), Position: pos, Offset: -1, Reason: "the file is shorter than what was written"}
		}
		if err != nil {
			return p.plan.log.cleanError("read "+s.path(suffixLog), err)
		}
		if err := p.c.throttle(len(b)); err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
	}
}

// buildMap learns the latest offset of each key in the dirty part, until its end
// or until the map is full. The first batch is taken whatever it needs, so that
// there is progress.
func (p *cleanPass) buildMap() error {
	txns := newCleanTxns(p.aborted)
	for i, s := range p.plan.set {
		if s.base >= p.plan.end {
			return nil
		}
		if s.next.Load() <= p.plan.dirty && p.plan.set[i+1].base <= p.plan.dirty {
			continue
		}
		err := p.each(s, func(b record.Batch) error { return p.mapBatch(txns, b) })
		if errors.Is(err, errMapFull) {
			return nil
		}
		if err != nil {
			return err
		}
		p.mapped = max(p.mapped, p.plan.set[i+1].base)
	}
	return nil
}

var errMapFull = errors.New("commitlog: no room for more keys")

func (p *cleanPass) mapBatch(txns *cleanTxns, b record.Batch) error {
	if b.LastOffset() < p.plan.dirty {
		// Only what it says about transactions matters.
		if b.IsControl() {
			_, _, err := txns.control(b)
			return err
		}
		txns.data(b)
		return nil
	}
	if b.IsControl() {
		if _, _, err := txns.control(b); err != nil {
			return err
		}
	} else if !txns.data(b) {
		if err := p.mapRecords(b); err != nil {
			return err
		}
	}
	p.mapped = b.NextOffset()
	return nil
}

// mapRecords takes the keys of a batch once all its records could be read.
func (p *cleanPass) mapRecords(b record.Batch) error {
	p.found = p.found[:0]
	left := b.Count()
	for r, err := range b.Records(record.Limits{MaxDecompressedBytes: maxCleanedBatch}) {
		if err != nil {
			return unreadable(b, err)
		}
		if r.Key != nil && r.Offset >= p.plan.dirty {
			p.found = append(p.found, keyAt{r.Key, r.Offset})
		}
		if left--; left > 0 {
			continue
		}
		first := p.mapped == p.plan.dirty
		for _, k := range p.found {
			if !p.keys.put(k.key, k.offset, first) {
				return errMapFull
			}
		}
	}
	return nil
}

// unreadable decides about a batch whose checksum is right but whose contents
// are not: nobody can read its records, so they take no part and it stays. One
// that is merely too large ends the clean.
func unreadable(b record.Batch, err error) error {
	if _, malformed := errors.AsType[*record.MalformedError](err); malformed && !errors.Is(err, record.ErrTooLarge) {
		return nil
	}
	return fmt.Errorf("batch at offset %d: %w", b.BaseOffset(), err)
}

// rewrite copies what stays of a group.
func (p *cleanPass) rewrite(g cleanGroup) (*cleanWriter, error) {
	l := p.plan.log
	if err := p.reserve(g); err != nil {
		return nil, err
	}
	w, err := newCleanWriter(l.d.opts.FS, l.path, g.segs[0].base, p.cfg.IndexIntervalBytes)
	if err != nil {
		return nil, p.plan.log.cleanError("create a cleaned segment in "+l.path, err)
	}
	withTxns, err := vfs.Exists(l.d.opts.FS, g.segs[0].path(suffixTxn))
	if err != nil {
		err = l.cleanError("look for "+g.segs[0].path(suffixTxn), err)
	}
	for _, s := range g.segs {
		if err != nil {
			break
		}
		err = p.each(s, func(b record.Batch) error { return p.copyBatch(w, b) })
	}
	if err == nil {
		if err = w.finish(withTxns); err != nil {
			err = p.plan.log.cleanError("write a cleaned segment in "+l.path, err)
		}
	}
	if err != nil {
		w.discard()
		return nil, err
	}
	p.written += w.size()
	return w, nil
}

// reserve refuses to begin a copy that could fill the disk.
func (p *cleanPass) reserve(g cleanGroup) error {
	var size int64
	for _, s := range g.segs {
		size += s.size.Load()
	}
	p.before += size
	if err := p.plan.log.d.space.take(size, Client, p.c.d.opts.Now()); err != nil {
		return p.plan.log.cleanError("ask for the free space", err)
	}
	return nil
}

// copyBatch appends what stays of b to w.
func (p *cleanPass) copyBatch(w *cleanWriter, b record.Batch) error {
	discard, disposable := false, false
	if b.IsControl() {
		free, entry, err := p.txns.control(b)
		if err != nil {
			return err
		}
		if entry != nil {
			w.txns = append(w.txns, *entry)
		}
		horizon, has := b.DeleteHorizon()
		disposable, discard = free, free && has && horizon <= p.nowMs
	} else {
		discard = p.txns.data(b)
	}
	keepEmpty := p.isLastWord(b) || b.NextOffset() == p.plan.end
	switch {
	case discard && !keepEmpty:
		return nil
	case !discard && b.BaseOffset() >= p.mapped:
		return p.append(w, b) // not looked at yet
	}
	out, _, err := b.Filter(func(r record.Record) bool { return !discard && p.keep(b, r) }, record.FilterOptions{
		NowMs: p.nowMs, DeleteRetentionMs: p.cfg.DeleteRetentionMs, MarkerForEmptyTxn: disposable,
		RetainEmpty: keepEmpty, Limits: record.Limits{MaxDecompressedBytes: maxCleanedBatch},
	})
	if err != nil {
		if err := unreadable(b, err); err != nil {
			return err
		}
		out = b
	}
	if out == nil {
		return nil
	}
	return p.append(w, out)
}

func (p *cleanPass) append(w *cleanWriter, b record.Batch) error {
	if w.size()+int64(len(b)) > math.MaxInt32 {
		// Recompressing can make a batch larger than its producer had it.
		return fmt.Errorf("commitlog: cleaned segment %d would exceed 2 GiB", w.base)
	}
	if err := w.add(b); err != nil {
		return p.plan.log.cleanError("write a cleaned segment in "+p.plan.log.path, err)
	}
	return p.c.throttle(len(b))
}

// keep is Kafka's rule for one record of a batch below mapped.
func (p *cleanPass) keep(b record.Batch, r record.Record) bool {
	switch {
	case b.IsControl():
		return true
	case r.Key == nil || r.Offset < p.keys.get(r.Key):
		return false
	case r.Value != nil:
		return true
	}
	horizon, has := b.DeleteHorizon()
	return !has || p.nowMs < horizon
}

// isLastWord tells whether b is where the state of its producer comes from.
func (p *cleanPass) isLastWord(b record.Batch) bool {
	if !b.HasProducerID() {
		return false
	}
	word, active := p.last[b.ProducerID()]
	if !active {
		return false
	}
	if word.offset >= 0 {
		return b.LastOffset() == word.offset
	}
	return b.IsControl() && b.ProducerEpoch() == word.epoch
}
