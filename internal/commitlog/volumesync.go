package commitlog

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/milena-io/milena/internal/vfs"
)

const (
	// defaultVolumeFrom is how many logs a round must have to be flushed with one
	// sync of the whole file system.
	defaultVolumeFrom = 8
	// volumeMaxUnwritten is how much may be waiting for the disk, of this and other
	// programs, for a round to wait for all of it.
	volumeMaxUnwritten = 32 << 20
	// unwrittenMaxAge is how long one look at that serves.
	unwrittenMaxAge = 10 * time.Millisecond
	// volumeProbeEvery is how often the way that was slower is tried again.
	volumeProbeEvery = 5 * time.Second
	// volumeDrainEvery spaces the background syncs.
	volumeDrainEvery = 5 * time.Second
)

// volumeSync decides how a round of the flusher makes its files durable: one by
// one, or all at once with a sync of the file system they are on. The latter
// costs one wait for the disk instead of one for each file, but waits for
// everything else that is unwritten there. So it is used when that is little,
// and while it is measured to be faster.
//
// When it would be used but much is unwritten, one sync is made beside the
// rounds: what others left behind is then out of the way.
//
// Only the goroutine of the flusher for durable logs uses it, drain aside.
type volumeSync struct {
	d    *Dir
	vol  vfs.Volume // nil: not to be had
	from int

	each, whole       time.Duration // smoothed: one file of a large round, and one volume
	triedEach, triedW time.Time

	asked     time.Time
	unwritten int64

	drained  time.Time
	draining atomic.Bool
	broken   atomic.Bool // a failure was reported to drain, and won't be again
	drains   sync.WaitGroup
}

// open prepares the volume. A failure means that files are synced one by one.
func (v *volumeSync) open(d *Dir, file string) {
	v.d, v.from = d, d.opts.VolumeSyncFrom
	if v.from < 0 {
		return
	}
	vol, err := d.opts.FS.Volume(file)
	if err != nil {
		level := slog.LevelWarn
		if errors.Is(err, errors.ErrUnsupported) {
			level = slog.LevelDebug
		}
		d.opts.Logger.Log(context.Background(), level, "files are made durable one by one", slog.String("dir", d.opts.Path), slog.Any("error", err))
		return
	}
	v.vol = vol
}

// close waits for a background sync. No round may be in flight.
func (v *volumeSync) close() {
	v.drains.Wait()
	v.disable()
}

func (v *volumeSync) disable() {
	if v.vol == nil {
		return
	}
	v.drains.Wait()
	_ = v.vol.Close() // it was opened for reading
	v.vol = nil
}

func (v *volumeSync) warn(err error) {
	v.d.opts.Logger.Warn("sync of the whole file system failed, syncing file by file from now on",
		slog.String("dir", v.d.opts.Path), slog.Any("error", err))
}

// wanted decides for a round of n logs.
func (v *volumeSync) wanted(n int, now time.Time) bool {
	if v.vol == nil || n < v.from || v.draining.Load() {
		return false
	}
	if v.broken.Load() {
		v.disable()
		return false
	}
	if !v.faster(n, now) {
		return false
	}
	if v.waiting(now) <= volumeMaxUnwritten {
		return true
	}
	if now.Sub(v.drained) >= volumeDrainEvery {
		v.drained = now
		v.drain()
	}
	return false
}

// faster compares what both ways cost lately. Either is tried when that is not
// known, or known from long ago.
func (v *volumeSync) faster(n int, now time.Time) bool {
	switch {
	case v.triedW.IsZero() || now.Sub(v.triedW) >= volumeProbeEvery:
		return true
	case now.Sub(v.triedEach) >= volumeProbeEvery:
		return false
	}
	return v.whole <= v.each*time.Duration(n)
}

// waiting is how much is unwritten, known or guessed to be too much.
func (v *volumeSync) waiting(now time.Time) int64 {
	if age := now.Sub(v.asked); age < 0 || age >= unwrittenMaxAge {
		n, err := v.vol.Unwritten()
		if err != nil {
			n = 2 * volumeMaxUnwritten
		}
		v.asked, v.unwritten = now, n
	}
	return v.unwritten
}

// drain syncs the volume in the background. Nothing is claimed durable for it. A
// failure may be of a file that the next round flushes, and the volume tells it
// only once: that and later rounds must ask the files themselves.
func (v *volumeSync) drain() {
	v.draining.Store(true)
	v.drains.Go(func() {
		if err := v.vol.Sync(); err != nil {
			v.broken.Store(true)
			v.warn(err)
		}
		v.draining.Store(false)
	})
}

// took notes what a round cost.
func (v *volumeSync) took(whole bool, n int, began, ended time.Time) {
	cost := ended.Sub(began)
	switch {
	case whole:
		v.whole, v.triedW = smooth(v.whole, cost, v.triedW), ended
	case n >= v.from:
		v.each, v.triedEach = smooth(v.each, cost/time.Duration(n), v.triedEach), ended
	}
}

// smooth gives the newest of about eight measurements their average.
func smooth(avg, now time.Duration, before time.Time) time.Duration {
	if before.IsZero() {
		return now
	}
	return avg + (now-avg)/8
}

// heldFlush is a flush whose log's flushMu is held.
type heldFlush struct {
	l   *Log
	job flushJob
}

// flushWhole flushes the logs with one sync of the volume. It returns those it
// could not: busy ones, whose truncation or the like must not hold up the rest.
func (f *flusher) flushWhole(set []*Log) (busy []*Log) {
	held := f.held[:0]
	for _, l := range set {
		if !l.flushMu.TryLock() {
			busy = append(busy, l)
			continue
		}
		if l.Err() == nil {
			if job, work := l.beginFlush(); work {
				held = append(held, heldFlush{l, job})
				continue
			}
		}
		l.flushMu.Unlock()
	}
	err := f.volume.vol.Sync()
	if err != nil {
		f.volume.warn(err)
		f.volume.disable()
		parallel(f.d.opts.FlushParallelism, len(held), func(i int) { held[i].end(held[i].l.sync(held[i].job)) })
	} else {
		for _, h := range held {
			h.end(nil)
		}
	}
	clear(held)
	f.held = held
	return busy
}

// end finishes the flush, whose files were synced or not.
func (h heldFlush) end(err error) {
	_ = h.l.finishFlush(h.job, err)
	h.l.flushMu.Unlock()
}
