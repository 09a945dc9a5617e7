package commitlog

import (
	"path/filepath"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/epoch"
)

// LatestEpoch is the newest leader epoch known to the log, base.NoEpoch if none.
func (l *Log) LatestEpoch() int32 {
	l.epochMu.RLock()
	defer l.epochMu.RUnlock()
	e, _ := l.epochs.Latest()
	return e.Epoch
}

// EndOffsetForEpoch is the largest known epoch not above the asked one and the
// offset where it ended; package epoch has the details.
func (l *Log) EndOffsetForEpoch(asked int32) (int32, int64) {
	end := l.end.Load()
	l.epochMu.RLock()
	defer l.epochMu.RUnlock()
	return l.epochs.EndOffsetFor(asked, end)
}

// EpochAt is the leader epoch in which the record at offset was written; false
// if that is not known.
func (l *Log) EpochAt(offset int64) (int32, bool) {
	l.epochMu.RLock()
	defer l.epochMu.RUnlock()
	return l.epochs.EpochAt(offset)
}

// Epochs lists the known leader epochs and where they begin.
func (l *Log) Epochs() []epoch.Entry {
	l.epochMu.RLock()
	defer l.epochMu.RUnlock()
	return l.epochs.Entries()
}

// AssignEpochStart notes that a leader epoch begins at offset start, usually the
// log end when this node becomes leader.
func (l *Log) AssignEpochStart(e int32, start int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return err
	}
	if err := l.assignEpoch(e, start); err != nil {
		return l.d.failOrPutOff("write "+l.path, err) // appends wait for it
	}
	return nil
}

// noteEpochs records where a leader epoch begins, before its first batch is
// written. An append must not overtake the file: after a crash, batches of an
// epoch that the file does not know look like damaged ones.
func (l *Log) noteEpochs(job appendJob, o AppendOptions) error {
	latest, newest := l.LatestEpoch(), o.LeaderEpoch
	if o.Origin == Replica {
		for b := range l.batches(job) {
			newest = max(newest, b.LeaderEpoch())
		}
	}
	if newest == base.NoEpoch || newest <= latest {
		return l.saveEpochs()
	}
	before, behind := l.Epochs(), l.epochsBehind
	err := l.changeEpochs(func(c *epoch.Cache) (changed bool) {
		if o.Origin != Replica {
			return c.Assign(o.LeaderEpoch, job.first)
		}
		for b := range l.batches(job) {
			if last, _ := c.Latest(); b.LeaderEpoch() > last.Epoch && c.Assign(b.LeaderEpoch(), b.BaseOffset()) {
				changed = true
			}
		}
		return changed
	})
	if err != nil { // the append is refused, and may never come again
		l.epochMu.Lock()
		l.epochs = epoch.CacheOf(before)
		l.epochMu.Unlock()
		l.epochsBehind = behind
	}
	return err
}

// assignEpoch takes an epoch that is newer than the known ones into the cache
// and its file. The caller holds the log's mutex.
func (l *Log) assignEpoch(e int32, start int64) error {
	if e == base.NoEpoch || e <= l.LatestEpoch() {
		return nil
	}
	return l.changeEpochs(func(c *epoch.Cache) bool { return c.Assign(e, start) })
}

// changeEpochs applies a change and rewrites the file if there was one. The caller
// holds the log's mutex. After an error the cache is as it should be, and the file
// is made to say the same by whoever calls saveEpochs next.
func (l *Log) changeEpochs(change func(*epoch.Cache) bool) error {
	if !l.editEpochs(change) {
		return nil
	}
	l.epochsBehind = true
	return l.saveEpochs()
}

// replaceEpochs takes other epochs into the cache and its file.
func (l *Log) replaceEpochs(c epoch.Cache) error {
	return l.changeEpochs(func(old *epoch.Cache) bool { *old = c; return true })
}

// editEpochs applies a change to the cache alone.
func (l *Log) editEpochs(change func(*epoch.Cache) bool) bool {
	l.epochMu.Lock()
	defer l.epochMu.Unlock()
	return change(&l.epochs)
}

// saveEpochs writes the file of the epochs if it is behind them.
func (l *Log) saveEpochs() error {
	if !l.epochsBehind {
		return nil
	}
	l.epochMu.RLock()
	data := l.epochs.Encode()
	l.epochMu.RUnlock()
	if err := replaceFile(l.d.opts.FS, filepath.Join(l.path, epoch.FileName), data); err != nil {
		return err
	}
	l.epochsBehind = false
	l.unsynced |= debtEpochs | debtDir
	return nil
}

// trimEpochs forgets the leader epochs before the log start. That a file knows
// them too does no harm, so nobody waits for it.
func (l *Log) trimEpochs(start int64) error {
	behind := l.epochsBehind
	err := l.changeEpochs(func(c *epoch.Cache) bool { return c.TruncateFromStart(start) })
	if notNow(err) == nil {
		return err
	}
	l.epochsBehind = behind
	return nil
}
