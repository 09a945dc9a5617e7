package commitlog

import (
	"iter"
	"log/slog"

	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/record"
)

// noteAborts writes what the transaction index will say about the job. It comes
// before the records: no marker may be in the log without its entry. Should the
// marker not follow, recovery takes the entry away, or the next one replaces it.
func (l *Log) noteAborts(job appendJob) error {
	control := false
	for b := range l.batches(job) {
		control = control || b.IsControl()
	}
	if !control {
		return nil
	}
	aborts := l.producers.Aborts(l.batches(job))
	if len(aborts) == 0 {
		return nil
	}
	a := l.app
	if a.txns == nil {
		a.txns = l.txnIndex(a.seg)
	}
	entries := make([]txnindex.Entry, len(aborts))
	for i, done := range aborts {
		entries[i] = txnEntry(done)
	}
	err := a.txns.Append(entries...)
	if isTxnDamage(err) {
		// Whoever reads it finds that too, and goes by the markers.
		l.d.opts.Logger.Warn("a transaction index is damaged and was not continued", slog.String("dir", l.path), slog.Any("error", err))
		return nil
	}
	l.unsynced |= debtTxn | debtDir
	return err
}

// batches are those of a job.
func (l *Log) batches(job appendJob) iter.Seq[record.Batch] {
	return func(yield func(record.Batch) bool) {
		for rest := job.data; len(rest) > 0; {
			b, after, err := record.Split(rest)
			invariant.Check(err == nil, "placed batch of %s can't be split: %v", l.tp, err)
			if !yield(b) {
				return
			}
			rest = after
		}
	}
}

func txnEntry(c producer.Completed) txnindex.Entry {
	return txnindex.Entry{
		ProducerID: c.ProducerID, FirstOffset: c.First, LastOffset: c.Last, LastStableOffset: c.LastStableOffset,
	}
}

func (l *Log) txnIndex(s *segment) *txnindex.Index {
	return txnindex.New(l.d.opts.FS, s.path(suffixTxn), s.base)
}
