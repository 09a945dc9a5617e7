package commitlog

import (
	"context"
	"errors"
	"log/slog"
	"math"
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
	// decisionMaxAge is how long one look at that serves.
	decisionMaxAge = 10 * time.Millisecond
	// never is a threshold that no set reaches.
	never = int64(math.MaxInt32)
	// volumeProbeEvery is how often the way that was slower is tried again.
	volumeProbeEvery = 5 * time.Second
	// volumeDrainEvery spaces the background syncs.
	volumeDrainEvery = 5 * time.Second
)

// volumeSync decides how the flusher makes logs durable: one by one, or many at
// once with a sync of the file system they are on. The latter costs one wait for
// the disk instead of one for each file, but waits for everything else that is
// unwritten there. So it is used when that is little, and while it is measured to
// be faster.
//
// When it would be used but much is unwritten, one sync is made beside the
// flushes: what others left behind is then out of the way.
//
// decide and sync are for one goroutine at a time (those that the flusher elects),
// the rest for any.
type volumeSync struct {
	d   *Dir
	min int // smaller sets are never flushed together

	from    atomic.Int64 // the threshold decided last
	decided atomic.Int64 // when, in nanoseconds

	mu                sync.Mutex
	each, whole       time.Duration // smoothed: one file among several, and the volume
	triedEach, triedW time.Time

	// Of decide.
	drained  time.Time
	draining atomic.Bool
	drains   sync.WaitGroup

	broken atomic.Bool // it failed, and says so only once: not to be trusted again
	vol    vfs.Volume  // nil: not to be had
}

// open prepares the volume. A failure means that files are synced one by one.
func (v *volumeSync) open(d *Dir, file string) {
	v.d, v.min = d, d.opts.VolumeSyncFrom
	v.from.Store(never)
	if v.min < 0 {
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

// close waits for a background sync. No flush may be in flight.
func (v *volumeSync) close() {
	v.drains.Wait()
	if v.vol != nil {
		_ = v.vol.Close() // it was opened for reading
		v.vol = nil
	}
}

// sync makes everything on the volume durable. After an error, of whatever file,
// it is not to be asked again.
func (v *volumeSync) sync() error {
	err := v.vol.Sync()
	if err != nil {
		v.distrust(err)
	}
	return err
}

func (v *volumeSync) distrust(err error) {
	v.broken.Store(true)
	v.from.Store(never)
	v.d.opts.Logger.Warn("sync of the whole file system failed, syncing file by file from now on",
		slog.String("dir", v.d.opts.Path), slog.Any("error", err))
}

// threshold is how many logs are better flushed together than one by one.
func (v *volumeSync) threshold() int { return int(v.from.Load()) }

// due tells that a set of n logs needs a new decision. The caller then decides.
func (v *volumeSync) due(n int) bool {
	if n < v.min || v.vol == nil {
		return false
	}
	age := v.d.opts.Now().UnixNano() - v.decided.Load()
	return age < 0 || age >= int64(decisionMaxAge)
}

// decide sets the threshold for a while.
func (v *volumeSync) decide() {
	now := v.d.opts.Now()
	v.decided.Store(now.UnixNano())
	from := never
	if !v.draining.Load() && !v.broken.Load() {
		from = v.faster(now)
	}
	if from != never && v.unwritten() > volumeMaxUnwritten {
		from = never
		if now.Sub(v.drained) >= volumeDrainEvery {
			v.drained = now
			v.drain()
		}
	}
	v.from.Store(from)
}

// faster compares what both ways cost lately. Either is tried when that is not
// known, or known from long ago.
func (v *volumeSync) faster(now time.Time) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.triedW.IsZero() || now.Sub(v.triedW) >= volumeProbeEvery:
		return int64(v.min)
	case now.Sub(v.triedEach) >= volumeProbeEvery:
		return never
	}
	return max(int64(v.min), min(never, int64(v.whole/max(v.each, 1))))
}

// unwritten is how much waits for the disk, known or guessed to be too much.
func (v *volumeSync) unwritten() int64 {
	n, err := v.vol.Unwritten()
	if err != nil {
		return 2 * volumeMaxUnwritten
	}
	return n
}

// drain syncs the volume in the background. Nothing is claimed durable for it. A
// failure may be of a file that a later flush is about, and the volume tells it
// only once: from then on the files themselves must be asked. No sync of the
// volume that a flush waits for is in flight, or begins before this one has ended.
func (v *volumeSync) drain() {
	v.draining.Store(true)
	v.drains.Go(func() {
		if err := v.vol.Sync(); err != nil {
			v.distrust(err)
		}
		v.draining.Store(false)
	})
}

// tookWhole notes what a sync of the volume cost.
func (v *volumeSync) tookWhole(took time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.whole, v.triedW = smooth(v.whole, took, v.triedW), v.d.opts.Now()
}

// tookEach notes what the flush of one log cost among atOnce at the same time.
// Few at a time say little about many.
func (v *volumeSync) tookEach(took time.Duration, atOnce int) {
	if v.vol == nil || 2*atOnce < v.min {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.each, v.triedEach = smooth(v.each, took/time.Duration(atOnce), v.triedEach), v.d.opts.Now()
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
	if err := f.volume.sync(); err != nil {
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
