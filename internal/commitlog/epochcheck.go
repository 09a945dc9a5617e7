package commitlog

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/record"
)

// checkEpoch compares a batch's leader epoch, which no checksum covers, with
// the epoch cache, which has none either. When they disagree the rest of the log
// is asked which of them is wrong.
func (l *Log) checkEpoch(b record.Batch, pos, next int64) error {
	want, known := l.EpochAt(b.BaseOffset())
	if !known || want == b.LeaderEpoch() {
		return nil
	}
	if err := l.repairEpochs(); err != nil {
		return err
	}
	if want, known = l.EpochAt(b.BaseOffset()); !known || want == b.LeaderEpoch() {
		return nil
	}
	return &badBatch{pos: pos, offset: next, reason: fmt.Sprintf("leader epoch %d, expected %d", b.LeaderEpoch(), want)}
}

// repairEpochs replaces the epoch cache if the log contradicts it in more than
// one place. One batch that differs from the cache is taken for damaged.
func (l *Log) repairEpochs() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return err
	}
	if l.epochsWeighed {
		return nil
	}
	l.epochsWeighed = true
	v, err := l.weighEpochs(l.end.Load())
	if _, damaged := errors.AsType[*CorruptionError](err); damaged {
		return nil // whoever reads there will find it
	}
	if err != nil || !v.cacheIsWrong() {
		return err
	}
	v.log.TruncateFromStart(l.start.Load())
	l.warnOfEpochs()
	if err := l.replaceEpochs(v.log); err != nil {
		return l.d.failOrPutOff("write "+l.path, err)
	}
	return nil
}

func (l *Log) warnOfEpochs() {
	l.d.opts.Logger.Warn("leader epochs did not fit the log and were rebuilt", slog.String("dir", l.path))
}

// epochVerdict is what the batches of a log say about its epoch cache.
type epochVerdict struct {
	log     epoch.Cache // as the batches have it
	rising  bool        // no batch has a lower epoch than one before it
	differs int         // batches below the frontier that contradict the cache
	above   int         // those at or above it
	stray   bool        // an epoch of the cache begins inside a batch
}

// cacheIsWrong tells whether the batches are to be believed.
func (v epochVerdict) cacheIsWrong() bool {
	return v.rising && (v.differs > 1 || v.above > 0 || v.differs > 0 && v.stray)
}

// weighEpochs walks the log. The caller holds the log's mutex.
func (l *Log) weighEpochs(frontier int64) (epochVerdict, error) {
	v := epochVerdict{rising: true}
	first := (*l.segs.Load())[0].base
	err := l.walkLog(first, func(_ *segment, _ int64, b record.Batch) error {
		e, at := b.LeaderEpoch(), b.BaseOffset()
		if last, ok := v.log.Latest(); ok && e < last.Epoch {
			v.rising = false
		}
		if want, known := l.EpochAt(at); known && want != e || !known && e >= 0 && at >= l.start.Load() {
			if at < frontier {
				v.differs++
			} else {
				v.above++
			}
		}
		if want, known := l.EpochAt(b.LastOffset()); known && at >= l.start.Load() {
			if first, _ := l.EpochAt(at); first != want {
				v.stray = true
			}
		}
		v.log.Assign(e, at)
		return nil
	})
	return v, err
}
