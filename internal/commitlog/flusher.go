package commitlog

import (
	"sync"
	"time"
)

// flusher is the group commit of a directory. Logs with data to flush wait in
// its queue. While they are few, each is taken as soon as a worker is free, and
// none waits for the flush of another: a slow file holds up its own records only.
// Many become durable with one sync of the file system (see volumeSync), while
// the next ones gather. Either way what is appended to a log during its flush is
// flushed together by the next one, so under load one fsync serves many appends
// and there is no timer to tune. Workers exist only while there is work.
//
// Relaxed logs have a flusher of their own, because a flush of theirs may find
// much to write, and nobody waits for it.
type flusher struct {
	d      *Dir
	lane   int         // which of Log.queued is this flusher's
	volume *volumeSync // nil for relaxed logs

	mu      sync.Mutex
	dirty   logQueue
	workers int
	whole   bool // a worker syncs the volume: all that is queued is left to it
	closed  bool
	done    sync.WaitGroup

	held []heldFlush // of the worker that syncs the volume
}

// The lanes.
const (
	laneDurable = iota
	laneRelaxed
	lanes
)

// RequestFlush asks for a flush in the background, whatever the configuration.
func (l *Log) RequestFlush() {
	lane := laneRelaxed
	if l.cfg.Load().Durable {
		lane = laneDurable
	}
	l.d.flushers[lane].enqueue(l)
}

// enqueue asks for a flush of what l holds now.
func (f *flusher) enqueue(l *Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.queued[f.lane] || f.closed {
		return
	}
	l.queued[f.lane] = true
	f.dirty.push(l)
	f.hire()
}

// hire starts workers for what is queued. The caller holds mu.
func (f *flusher) hire() {
	if f.whole {
		return
	}
	for range min(f.atOnce()-f.workers, f.dirty.len()) {
		f.workers++
		f.done.Go(f.work)
	}
}

// atOnce is how many logs are flushed one by one at the same time: where many are
// better flushed together, fewer than those, so that they gather.
func (f *flusher) atOnce() int {
	if f.volume == nil {
		return f.d.opts.FlushParallelism
	}
	return max(1, min(f.d.opts.FlushParallelism, f.volume.threshold()-1))
}

// close waits for the flushes in flight; later requests are ignored.
func (f *flusher) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.done.Wait()
}

// work flushes until nothing is queued. The last worker writes down what the
// journal of durable offsets has put off.
func (f *flusher) work() {
	for {
		one, many, beside := f.take()
		switch {
		case one != nil:
			f.flushOne(one, beside)
		case many != nil:
			f.flushMany(many)
		default:
			if beside == 0 {
				f.d.frontier.write()
			}
			return
		}
	}
}

// take returns a log to flush, or a set to flush together, and how many other
// workers there are. With nothing to do the worker is dismissed.
func (f *flusher) take() (one *Log, many []*Log, beside int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.volume != nil && !f.whole && f.volume.due(f.dirty.len()) {
		f.elected(f.volume.decide)
	}
	beside = f.workers - 1
	switch n := f.dirty.len(); {
	case n == 0 || f.whole:
		f.workers--
		return nil, nil, beside
	case f.volume != nil && n >= f.volume.threshold():
		many = f.dirty.takeAll()
		f.whole = true
	default:
		one = f.dirty.pop()
		one.queued[f.lane] = false
	}
	for _, l := range many {
		l.queued[f.lane] = false
	}
	return one, many, beside
}

// elected runs do, outside of the lock, as the one worker that deals with the
// volume; meanwhile the others leave. The caller holds mu.
func (f *flusher) elected(do func()) {
	f.whole = true
	f.mu.Unlock()
	do()
	f.mu.Lock()
	f.whole = false
	f.hire()
}

// flushOne flushes a log while others are flushed beside it.
func (f *flusher) flushOne(l *Log, beside int) {
	began := f.d.opts.Now()
	l.flush()
	took := f.d.opts.Now().Sub(began)
	if f.volume != nil {
		f.volume.tookEach(took, beside+1)
	}
	f.flushed(took, 1)
	f.d.frontier.note([]*Log{l})
}

// flushMany flushes a set with one sync of the volume.
func (f *flusher) flushMany(set []*Log) {
	began := f.d.opts.Now()
	busy := f.flushWhole(set)
	took := f.d.opts.Now().Sub(began)
	f.volume.tookWhole(took)
	parallel(f.d.opts.FlushParallelism, len(busy), func(i int) { busy[i].flush() })
	f.flushed(took, len(set))
	f.d.frontier.note(set)
	f.mu.Lock()
	f.dirty.giveBack(set)
	f.whole = false
	f.hire()
	f.mu.Unlock()
}

func (f *flusher) flushed(took time.Duration, logs int) {
	if ev := f.d.opts.Events.Flushed; ev != nil {
		ev(took, logs)
	}
}
