package commitlog

import (
	"errors"
	"path/filepath"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
)

// Close flushes every log, writes the manifest that makes the next start fast,
// and unlocks the directory. Logs can't be used afterwards. After an I/O error
// there is no manifest: the next start verifies. See HoldManifest, too.
func (d *Dir) Close() error {
	if d.closing.Swap(true) {
		return nil
	}
	d.keeper.close()
	d.cleaner.close()
	for _, f := range d.flushers {
		f.close()
	}
	d.volume.close()
	defer d.telling.Wait()
	logs := d.allLogs()
	err := d.Offline()
	if err == nil {
		err = d.closeLogs(logs)
	}
	for _, l := range logs {
		l.abandon(ErrClosed)
	}
	err = errors.Join(err, d.frontier.close())
	if err == nil && !d.held.Load() {
		err = d.writeManifest(logs)
	}
	return errors.Join(err, d.lock.Close())
}

// HoldManifest keeps Close from writing the manifest, or no longer does. It is for
// an owner who has yet to draw his conclusions from Verified: if he fails before,
// the next start must come to them too.
func (d *Dir) HoldManifest(hold bool) { d.held.Store(hold) }

// closeLogs flushes the logs and completes their derived files.
func (d *Dir) closeLogs(logs []*Log) error {
	parallel(d.opts.FlushParallelism, len(logs), func(i int) { logs[i].finish() })
	if err := d.Offline(); err != nil {
		return err
	}
	if err := d.cleaner.catchUp(); err != nil {
		_ = d.failOrPutOff("write "+checkpoint.CleanerFile, err) // the next start finds what is left in it
	}
	if err := d.starts.save(nil, 0); err != nil {
		return d.failOrLater("write "+checkpoint.LogStartFile, err)
	}
	return d.saveRecoveryPoints()
}

// finish closes a log for its users, flushes it and makes it ready to be
// described by the manifest.
func (l *Log) finish() {
	if !l.failed.CompareAndSwap(nil, &failure{ErrClosed}) {
		return
	}
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	if err := l.flushNow(); err != nil {
		l.unfinished = true
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.loaded.Load() {
		return
	}
	if err := l.finishFiles(); err != nil {
		l.unfinished = true
		_ = l.d.failOrPutOff("close "+l.path, err)
	}
}

func (l *Log) finishFiles() error {
	if err := l.saveEpochs(); err != nil {
		return err
	}
	if l.app.seg.size.Load() > 0 {
		if err := l.sealActive(); err != nil {
			return err
		}
	}
	end := l.end.Load()
	switch {
	case l.producers.Len() == 0:
		l.snapshot = noProducers
		return nil
	case l.snapshot == end:
		return nil
	}
	return l.writeSnapshot(end)
}

// abandon ends the use of a log and closes its files.
func (l *Log) abandon(why error) {
	l.fail(why)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.rolled {
		l.d.files.release(h)
	}
	l.rolled = nil
	if a := l.app; a != nil && a.handle != nil {
		l.d.files.release(a.handle)
		a.handle = nil
	}
	for _, s := range *l.segs.Load() {
		s.dead.Store(true)
		l.d.files.drop(s)
	}
	l.d.tail.discard(l)
}

// writeManifest describes the logs that are intact and complete; the others are
// verified at the next start.
func (d *Dir) writeManifest(logs []*Log) error {
	entries := make([]manifestLog, 0, len(logs))
	for _, l := range logs {
		if errors.Is(l.Err(), ErrClosed) && !l.unfinished {
			entries = append(entries, l.describe())
		}
	}
	return vfs.WriteFileAtomic(d.opts.FS, filepath.Join(d.opts.Path, manifestFile), encodeManifest(d.id, entries))
}

// saveRecoveryPoints writes Kafka's recovery-point-offset-checkpoint, which is
// the second witness of what is durable.
func (d *Dir) saveRecoveryPoints() error {
	d.recoveryMu.Lock()
	defer d.recoveryMu.Unlock()
	// Collected under the mutex: a log deleted since must not be written back.
	points := checkpoint.Offsets{}
	for _, l := range d.allLogs() {
		if at, known := l.frontier(); known && !l.gone() {
			points[l.tp] = at
		}
	}
	d.recoverySaved = true
	return checkpoint.WriteOffsets(d.opts.FS, filepath.Join(d.opts.Path, checkpoint.RecoveryPointFile), points)
}

// checkpoint is the keeper's regular work: it bounds what a crash would cost.
func (d *Dir) checkpoint() {
	if d.Offline() != nil {
		return
	}
	d.keeper.flushLazy()
	if d.saveCheckpoints() {
		d.caughtUp()
	}
}

// saveCheckpoints reports whether all could be written. What could not is left for
// the next time.
func (d *Dir) saveCheckpoints() bool {
	complete := true
	save := func(what string, err error) {
		if err != nil {
			complete = false
			_ = d.failOrPutOff(what, err)
		}
	}
	for _, l := range d.allLogs() {
		save("write derived files of "+l.path, l.catchUp())
	}
	save("write "+checkpoint.RecoveryPointFile, d.saveRecoveryPoints())
	save("write "+checkpoint.LogStartFile, d.starts.save(nil, 0))
	save("write "+checkpoint.CleanerFile, d.cleaner.catchUp())
	return complete
}
