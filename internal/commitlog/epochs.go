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
		return l.d.fail("write "+l.path, err)
	}
	return nil
}

// assignEpoch takes an epoch that is newer than the known ones into the cache
// and its file. The caller holds the log's mutex.
func (l *Log) assignEpoch(e int32, start int64) error {
	if e == base.NoEpoch || e <= l.LatestEpoch() {
		return nil
	}
	return l.changeEpochs(func(c *epoch.Cache) bool { return c.Assign(e, start) })
}

// changeEpochs applies a change and rewrites the file if there was one.
func (l *Log) changeEpochs(change func(*epoch.Cache) bool) error {
	l.epochMu.Lock()
	changed := change(&l.epochs)
	data := l.epochs.Encode()
	l.epochMu.Unlock()
	if !changed {
		return nil
	}
	l.unsynced |= debtEpochs | debtDir
	return replaceFile(l.d.opts.FS, filepath.Join(l.path, epoch.FileName), data)
}
