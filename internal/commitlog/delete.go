package commitlog

import "github.com/milena-io/milena/internal/base"

// DeleteLog removes the log of a partition if it belongs to topic id. Its
// directory is renamed, durably, to one that no start takes for a log, and
// removed by the keeper after file.delete.delay.ms. A quarantined log can be
// deleted, too.
func (d *Dir) DeleteLog(tp base.TopicPartition, id base.UUID) error {
	if err := d.usable(); err != nil {
		return err
	}
	d.mu.RLock()
	l := d.logs[tp]
	d.mu.RUnlock()
	if l == nil {
		return ErrNotFound
	}
	if have := l.TopicID(); have != id && !have.IsZero() {
		return &TopicIDError{TP: tp, Have: have, Want: id}
	}
	path, err := d.retire(l, uniqueName(tp, deleteSuffix))
	if err != nil {
		return err
	}
	d.removeLater(path, l.deleteDelay())
	return nil
}

// gone tells that the log was deleted, so that nothing is to be said about it.
func (l *Log) gone() bool {
	f := l.failed.Load()
	return f != nil && f.err == ErrDeleted //nolint:errorlint // stored unwrapped
}

// frontier is the offset below which the journal vouches for the log; unknown
// for a quarantined log that had no witness.
func (l *Log) frontier() (at int64, known bool) { return l.durable.Load(), !l.unvouched.Load() }
