package commitlog

import (
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/commitlog/producer"
)

// Log is the log of one partition.
//
// Locks, outer first: flushMu (one flush, truncation or deletion at a time),
// mu (appends, rolls and everything that changes the log), epochMu. No fsync
// happens under mu except in truncation. Readers take none of them: they use
// the published atomics.
type Log struct {
	d    *Dir
	tp   base.TopicPartition
	path string
	id   atomic.Pointer[base.UUID]
	cfg  atomic.Pointer[Config]

	configured atomic.Bool // cfg is the topic's own and not the directory's default

	start, end, durable, hw atomic.Int64
	segs                    atomic.Pointer[segmentSet]
	tail                    atomic.Pointer[tailView]
	changes                 atomic.Uint64 // odd while truncation rewrites what readers may be looking at
	failed                  atomic.Pointer[failure]
	unvouched               atomic.Bool // nobody knows what of it was durable, and it could not be recovered
	startGuessed            atomic.Bool // it could not be recovered, and that it starts at 0 is only assumed
	onDurable               atomic.Pointer[func(int64)]
	loaded                  atomic.Bool // files were looked at since the directory was opened
	unstable                atomic.Bool // a transaction may be open, or ended and not passed by the high watermark
	ended                   atomic.Bool // a transaction has ended that the high watermark may not have passed
	sparse                  atomic.Bool // offsets may have gaps: compacted, or copied from such a log
	place                   atomic.Pointer[readPlace]

	flushMu sync.Mutex
	queued  [lanes]bool // waits for a flusher; guarded by that flusher
	// flushPutOff: a flush that found no file descriptor is to be tried again.
	flushPutOff atomic.Bool

	mu             sync.Mutex
	app            *appender
	producers      *producer.State
	snapshot       int64     // offset of the newest producer snapshot file, -1: none
	unsynced       syncDebt  // what the next flush must sync besides segments
	epochsWeighed  bool      // the epoch cache was compared with the whole log
	epochsBehind   bool      // leader-epoch-checkpoint is older than epochs
	doubted        bool      // its files are not as they were left, and it could not be verified yet
	unfinished     bool      // it was closed without some of its derived files
	sparseNoted    bool      // a file says that offsets have gaps
	lazy           bool      // waits for the next checkpoint to be flushed
	timed          bool      // waits for flush.ms to pass
	rolled         []*handle // files of rolled segments, pinned until they are flushed
	unflushed      int64     // records appended since a flush was asked for, for flush.messages
	unflushedBytes int64

	epochMu sync.RWMutex
	epochs  epoch.Cache
}

// failure is why a log can't be used.
type failure struct{ err error }

// syncDebt names files and directory entries that must be durable before data
// in the log counts as durable.
type syncDebt uint8

const (
	debtDir       syncDebt = 1 << iota // names in the log's directory
	debtRoot                           // the name of the log's directory
	debtMeta                           // content of partition.metadata
	debtEpochs                         // content of leader-epoch-checkpoint
	debtTxn                            // transaction indexes of the segments to be flushed
	debtSnapshots                      // producer snapshots at the bases of those
)

func newLog(d *Dir, tp base.TopicPartition, id base.UUID) *Log {
	l := &Log{d: d, tp: tp, path: filepath.Join(d.opts.Path, tp.String()), snapshot: -1}
	l.id.Store(&id)
	l.cfg.Store(&d.defaults)
	l.segs.Store(&segmentSet{})
	return l
}

// TP names the partition.
func (l *Log) TP() base.TopicPartition { return l.tp }

// TopicID is the id of the topic the log belongs to.
func (l *Log) TopicID() base.UUID { return *l.id.Load() }

// Config is the configuration in force.
func (l *Log) Config() Config { return *l.cfg.Load() }

// SetConfig changes the configuration from the next operation on.
func (l *Log) SetConfig(cfg Config) {
	l.cfg.Store(&cfg)
	l.configured.Store(true)
	if cfg.Compact {
		l.sparse.Store(true)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.app != nil {
		l.app.index.interval = cfg.IndexIntervalBytes
	}
}

// StartOffset is the first offset that may be read.
func (l *Log) StartOffset() int64 { return l.start.Load() }

// EndOffset is the offset that the next record gets.
func (l *Log) EndOffset() int64 { return l.end.Load() }

// DurableOffset is the offset before which everything survives a power loss.
func (l *Log) DurableOffset() int64 { return l.durable.Load() }

// OnDurable sets the function that is told each new durable offset, and once
// more when the directory goes offline and Err says so. It runs on the flusher's
// goroutine or one of the directory's, and must not block.
func (l *Log) OnDurable(f func(durable int64)) { l.onDurable.Store(&f) }

// SetHighWatermark tells the log what is committed; retention and compaction
// stay below it.
func (l *Log) SetHighWatermark(hw int64) {
	l.hw.Store(hw)
	if !l.ended.Load() {
		return // the usual case must not wait for an append
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.producers.SetHighWatermark(hw)
	_, unstable := l.producers.FirstUnstable(hw)
	l.ended.Store(unstable)
	l.unstable.Store(unstable)
}

// HighWatermark is what SetHighWatermark said last.
func (l *Log) HighWatermark() int64 { return l.hw.Load() }

// Err is why the log can't be used: ErrOffline, ErrDeleted, ErrClosed or a
// *QuarantineError. It is nil for a healthy log.
func (l *Log) Err() error {
	if f := l.failed.Load(); f != nil {
		return f.err
	}
	return l.d.Offline()
}

func (l *Log) fail(err error) { l.failed.CompareAndSwap(nil, &failure{err}) }

// quarantine takes the log out of service because what is stored below the
// durable frontier can't be trusted. Nothing on disk is touched.
func (l *Log) quarantine(cause error) error {
	q := &QuarantineError{TP: l.tp, Dir: l.path, Cause: cause}
	if l.failed.CompareAndSwap(nil, &failure{q}) {
		l.d.opts.Logger.Error("log quarantined", slog.String("topic", l.tp.Topic),
			slog.Int("partition", int(l.tp.Partition)), slog.Any("error", q))
		if f := l.d.opts.Events.Quarantined; f != nil {
			f(l.tp, q)
		}
	}
	return l.Err()
}

// ready checks that the log may be used and has been loaded.
func (l *Log) ready() error {
	if err := l.Err(); err != nil {
		return err
	}
	if l.loaded.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readyLocked()
}

func (l *Log) readyLocked() error {
	if err := l.Err(); err != nil {
		return err
	}
	if l.loaded.Load() {
		return nil
	}
	err := l.load()
	if err == nil {
		l.loaded.Store(true)
		return nil
	}
	if _, damaged := errors.AsType[*CorruptionError](err); damaged {
		return l.quarantine(err)
	}
	return l.d.failOrLater("load "+l.path, err)
}

// contiguous tells whether every batch must begin where the last one ended.
func (l *Log) contiguous() bool { return !l.sparse.Load() }

// Size is the bytes of all segments.
func (l *Log) Size() int64 {
	var n int64
	for _, s := range *l.segs.Load() {
		n += s.size.Load()
	}
	return n
}

// Segments describes the segments, oldest first.
func (l *Log) Segments() []SegmentInfo {
	set := *l.segs.Load()
	out := make([]SegmentInfo, len(set))
	for i, s := range set {
		ts := s.maxTS.Load()
		out[i] = SegmentInfo{
			BaseOffset: s.base, NextOffset: s.next.Load(), Size: s.size.Load(),
			MaxTimestamp: max(ts, -1), Active: i == len(set)-1,
		}
	}
	return out
}
