package commitlog

import (
	"encoding/hex"
	"path/filepath"
	"time"

	"github.com/milena-io/milena/internal/base"
)

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
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.abandon(ErrDeleted)
	d.frontier.forget(l)
	trash := trashName(tp)
	if err := d.opts.FS.Rename(l.path, filepath.Join(d.opts.Path, trash)); err != nil {
		return d.fail("delete "+l.path, err)
	}
	d.mu.Lock()
	if d.logs[tp] == l {
		delete(d.logs, tp)
		d.count.Add(-1)
	}
	d.mu.Unlock()
	if err := d.opts.FS.SyncDir(d.opts.Path); err != nil {
		return d.fail("delete "+l.path, err)
	}
	d.removeLater(filepath.Join(d.opts.Path, trash), time.Duration(l.cfg.Load().FileDeleteDelayMs)*time.Millisecond)
	return nil
}

// maxDirName is what file systems allow for a name.
const maxDirName = 255

// trashName is Kafka's topic-partition.<unique id>-delete, with a long topic cut.
func trashName(tp base.TopicPartition) string {
	u := base.NewUUID()
	tail := "." + hex.EncodeToString(u[:]) + deleteSuffix
	name := tp.String()
	if len(name)+len(tail) > maxDirName {
		name = name[:maxDirName-len(tail)]
	}
	return name + tail
}

// gone tells that the log was deleted, so that nothing is to be said about it.
func (l *Log) gone() bool {
	f := l.failed.Load()
	return f != nil && f.err == ErrDeleted //nolint:errorlint // stored unwrapped
}

// frontier is the offset below which the journal vouches for the log; unknown
// for a quarantined log that had no witness.
func (l *Log) frontier() (at int64, known bool) { return l.durable.Load(), true }
