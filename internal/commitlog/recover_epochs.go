package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// epochWitness is what a recovery knows about the leader epochs, which no
// checksum covers: what the file says, or, without one, what the batches say.
type epochWitness struct {
	file    bool // leader-epoch-checkpoint could be read
	doubt   bool // a batch contradicts it
	changed bool // a batch was newer

	rebuilt epoch.Cache // without the file: of the batches walked so far
	upTo    int64       // where those end; a segment may be walked twice
}

// errRebuilt ends the walk of rebuildEpochs.
var errRebuilt = errors.New("the frontier is reached")

// readEpochs loads the epoch file; a missing or damaged one is rebuilt.
func (r *recovery) readEpochs() error {
	data, err := vfs.ReadFile(r.fs, filepath.Join(r.l.path, epoch.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := epoch.Parse(data)
	if err != nil {
		r.d.opts.Logger.Warn("leader epochs are damaged and will be rebuilt", slog.String("dir", r.l.path), slog.Any("error", err))
		return nil
	}
	r.l.editEpochs(func(old *epoch.Cache) bool { *old = c; return true })
	r.epochs.file = true
	return nil
}

// rebuildEpochs reads the epochs of everything below the frontier from the
// batches, if there is no file; noteEpoch adds what follows. It comes before
// anything is cut: a log that contradicts itself stays as it is.
func (r *recovery) rebuildEpochs() error {
	if r.epochs.file {
		return nil
	}
	for _, s := range r.segs {
		if s.base >= r.hints.frontier {
			return nil
		}
		err := r.l.walkSegment(s, s.base, func(s *segment, pos int64, b record.Batch) error {
			if err := r.rebuildEpoch(s, pos, b); err != nil {
				return err
			}
			if b.NextOffset() >= r.hints.frontier {
				return errRebuilt // what follows may be torn
			}
			return nil
		})
		switch {
		case errors.Is(err, errRebuilt):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// rebuildEpoch takes a batch's epoch from the batch. One that is lower than
// what came before says that either is damaged, and nothing says which.
func (r *recovery) rebuildEpoch(s *segment, pos int64, b record.Batch) error {
	if last, ok := r.epochs.rebuilt.Latest(); ok && b.LeaderEpoch() < last.Epoch {
		return r.fallen(s, pos, b, last)
	}
	r.epochs.rebuilt.Assign(b.LeaderEpoch(), b.BaseOffset())
	r.epochs.upTo = b.NextOffset()
	return nil
}

func (r *recovery) fallen(s *segment, pos int64, b record.Batch, last epoch.Entry) error {
	return r.lost(s.path(suffixLog), pos, b.BaseOffset(), "leader epoch %d after %d", b.LeaderEpoch(), last.Epoch)
}

// noteEpoch compares a walked batch with the epoch cache.
func (r *recovery) noteEpoch(s *segment, pos int64, b record.Batch) error {
	if b.BaseOffset() < r.epochs.upTo {
		return nil
	}
	if !r.epochs.file {
		return r.rebuildEpoch(s, pos, b)
	}
	r.epochs.upTo = b.NextOffset()
	e, at := b.LeaderEpoch(), b.BaseOffset()
	if e < 0 || at < r.hints.start {
		return nil // the cache begins at the start of the log
	}
	if at >= r.hints.frontier {
		if done, err := r.takeEpoch(s, pos, b); done || err != nil {
			return err
		}
	}
	if have, ok := r.l.EpochAt(at); !ok || have != e {
		r.epochs.doubt = true
	}
	return nil
}

// takeEpoch takes an epoch that is newer than the cache over from a batch that
// was never durable: the file is made durable together with the data. An epoch
// that falls behind such a one must not pass: if the higher was damaged, what is
// appended from now on would be read as damaged.
func (r *recovery) takeEpoch(s *segment, pos int64, b record.Batch) (done bool, err error) {
	l := r.l
	l.epochMu.Lock()
	defer l.epochMu.Unlock()
	switch last, ok := l.epochs.Latest(); {
	case !ok || b.LeaderEpoch() > last.Epoch:
		r.epochs.changed = true
		return l.epochs.Assign(b.LeaderEpoch(), b.BaseOffset()), nil
	case b.LeaderEpoch() < last.Epoch && r.epochs.changed:
		return false, r.fallen(s, pos, b, last)
	}
	return false, nil
}

// recoverEpochs makes the epoch cache agree with the verified log.
func (r *recovery) recoverEpochs() error {
	if !r.epochs.file && r.end > r.segs[0].base {
		return r.believeBatches(r.epochs.rebuilt)
	}
	changed := r.l.editEpochs(func(c *epoch.Cache) bool { return c.TruncateFromEnd(max(r.end, 1)) }) || r.epochs.changed
	if r.epochs.doubt {
		v, err := r.l.weighEpochs(r.hints.frontier)
		if err != nil {
			return err
		}
		if v.cacheIsWrong() {
			r.l.warnOfEpochs()
			return r.believeBatches(v.log)
		}
	}
	return r.l.changeEpochs(func(c *epoch.Cache) bool { return c.TruncateFromStart(r.l.start.Load()) || changed })
}

// believeBatches takes over what the batches say.
func (r *recovery) believeBatches(c epoch.Cache) error {
	c.TruncateFromEnd(max(r.end, 1))
	c.TruncateFromStart(r.l.start.Load())
	return r.l.replaceEpochs(c)
}
