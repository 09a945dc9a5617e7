package commitlog

import (
	"errors"
	"io"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/record"
)

// findAborted lists the aborted transactions that concern the range to be
// cleaned. The transaction indexes are asked first. They have no checksums, and
// a wrong entry would have committed data thrown away; so as soon as there are
// any entries, or the indexes were caught lying, the list is taken from the
// markers in the log itself. Those of transactions that began in the range may
// lie anywhere below the high watermark, behind the last stable offset too.
func (p *cleanPass) findAborted() error {
	if !p.scanMarkers {
		found, err := p.indexedAborts()
		if _, damaged := errors.AsType[*txnindex.CorruptError](err); err != nil && !damaged {
			return p.plan.log.cleanError("read transaction indexes of "+p.plan.log.path, err)
		}
		if err == nil && len(found) == 0 {
			return nil
		}
	}
	scan := abortScan{open: map[int64]int64{}}
	for _, s := range p.plan.set {
		if s.base >= p.plan.committed || s.base >= p.plan.end && !scan.concerns(p.plan.end) {
			break
		}
		if err := p.scanSegment(s, &scan); err != nil {
			return err
		}
	}
	p.aborted = scan.found
	return nil
}

func (p *cleanPass) indexedAborts() ([]txnindex.Entry, error) {
	var found []txnindex.Entry
	for _, s := range p.plan.set {
		entries, done, err := p.plan.log.txnIndex(s).Collect(p.plan.start, p.plan.end)
		if err != nil {
			return nil, err
		}
		if found = append(found, entries...); done {
			break
		}
	}
	return found, nil
}

// abortScan follows transactions by their data and markers alone.
type abortScan struct {
	open  map[int64]int64 // first offset of the open transaction, by producer
	found []txnindex.Entry
}

// concerns tells whether a transaction that began before end is undecided yet.
func (a *abortScan) concerns(end int64) bool {
	for _, first := range a.open {
		if first < end {
			return true
		}
	}
	return false
}

func (a *abortScan) add(b record.Batch) {
	pid := b.ProducerID()
	first, open := a.open[pid]
	if !b.IsControl() {
		if b.IsTransactional() && !open {
			a.open[pid] = b.BaseOffset()
		}
		return
	}
	c, err := record.ParseControl(b)
	if err != nil || !c.IsEndTxn() {
		return
	}
	delete(a.open, pid)
	if c.Type != record.Abort || !open {
		return
	}
	at := b.BaseOffset()
	stable := at + 1
	for _, other := range a.open {
		stable = min(stable, other)
	}
	a.found = append(a.found, txnindex.Entry{ProducerID: pid, FirstOffset: first, LastOffset: at, LastStableOffset: stable})
}

// scanSegment feeds the batch headers of a segment to scan. Damage is left for
// the pass to find, which looks at checksums too.
func (p *cleanPass) scanSegment(s *segment, scan *abortScan) error {
	l := p.plan.log
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return p.plan.log.cleanError("open "+s.path(suffixLog), err)
	}
	defer l.d.files.release(h)
	w := newWalker(h, 0, s.size.Load(), s.base, walkRules{contiguous: l.contiguous()})
	defer w.close()
	for {
		b, _, err := w.step()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if bad, damaged := errors.AsType[*badBatch](err); damaged {
			return &CorruptionError{File: s.path(suffixLog), Position: bad.pos, Offset: bad.offset, Reason: bad.reason}
		}
		if err != nil {
			return p.plan.log.cleanError("read "+s.path(suffixLog), err)
		}
		if b.LastOffset() >= p.plan.committed || b.BaseOffset() >= p.plan.end && !scan.concerns(p.plan.end) {
			return nil
		}
		if p.c.stopping() {
			return errCleanStopped
		}
		scan.add(b)
	}
}
