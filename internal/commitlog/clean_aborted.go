package commitlog

import (
	"errors"
	"io"
	"slices"

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
		found, err := p.plan.log.indexedAborts(p.plan.set, p.plan.set[0].base, p.plan.end)
		if err != nil && !isTxnDamage(err) {
			return p.plan.log.cleanError("read transaction indexes of "+p.plan.log.path, err)
		}
		if err == nil && len(found) == 0 {
			return nil
		}
	}
	scan := abortScan{open: map[int64]int64{}, end: p.plan.end, limit: p.plan.committed, stop: p.c.stopping}
	err := p.plan.log.scanAborts(p.plan.set, &scan)
	p.aborted = scan.found
	return err
}

// indexedAborts collects from the transaction indexes what has records in
// [from, upTo).
func (l *Log) indexedAborts(set segmentSet, from, upTo int64) ([]txnindex.Entry, error) {
	var found []txnindex.Entry
	for _, s := range set[max(0, set.find(from)):] {
		entries, done, err := l.txnIndex(s).Collect(from, upTo)
		if err != nil {
			return nil, err
		}
		if found = append(found, entries...); done {
			break
		}
	}
	return found, nil
}

// abortsByScan is indexedAborts for a reader whose index is damaged. It reads
// the log from its first segment on.
func (l *Log) abortsByScan(set segmentSet, from, upTo int64) ([]txnindex.Entry, error) {
	scan := abortScan{open: map[int64]int64{}, end: upTo, limit: l.end.Load()}
	if err := l.scanAborts(set, &scan); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(scan.found, func(e txnindex.Entry) bool {
		return e.LastOffset < from || e.FirstOffset >= upTo
	}), nil
}

// abortScan follows transactions by their data and markers alone.
type abortScan struct {
	end   int64           // transactions that begin before it are wanted
	limit int64           // where to stop in any case
	stop  func() bool     // nil, or whether to give up
	open  map[int64]int64 // first offset of the open transaction, by producer
	found []txnindex.Entry
}

// over tells whether nothing at or after offset can matter.
func (a *abortScan) over(offset int64) bool {
	if offset < a.end && offset < a.limit {
		return false
	}
	for _, first := range a.open {
		if first < a.end && offset < a.limit {
			return false
		}
	}
	return true
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

// scanAborts feeds the log to scan until nothing more can matter to it.
func (l *Log) scanAborts(set segmentSet, scan *abortScan) error {
	for _, s := range set {
		if scan.over(s.base) {
			return nil
		}
		if err := l.scanSegment(s, scan); err != nil {
			return err
		}
	}
	return nil
}

// scanSegment feeds the batch headers of one segment to scan.
func (l *Log) scanSegment(s *segment, scan *abortScan) error {
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return l.cleanOpenError(s, err)
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
			return l.cleanError("read "+s.path(suffixLog), err)
		}
		if scan.over(b.BaseOffset()) {
			return nil
		}
		if scan.stop != nil && scan.stop() {
			return errCleanStopped
		}
		scan.add(b)
	}
}
