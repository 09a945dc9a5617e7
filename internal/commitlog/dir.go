package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
)

// Dir is one log directory: the logs in it and what they share, which is the
// flusher, the open files, the tail cache, the frontier journal, the free space
// and one background goroutine.
type Dir struct {
	opts     DirOptions
	id       base.UUID
	verified int // logs verified by open
	lock     io.Closer
	defaults Config // for logs that nobody has opened yet

	files    *fileCache
	tail     tailCache
	space    spaceGuard
	flushers [lanes]*flusher
	volume   volumeSync
	leases   leases
	frontier *frontier
	keeper   *keeper
	cleaner  *cleaner
	starts   startKeeper
	root     rootSync
	corrupt  sync.Map // files whose damage was reported
	offline  atomic.Pointer[failure]
	closing  atomic.Bool
	held     atomic.Bool // see HoldManifest
	telling  sync.WaitGroup

	producerIDExpirationMs atomic.Int64
	cleanerRateBits        atomic.Uint64 // of a float64: bytes per second
	former                 formerNames
	mistakes               mistakenIDs

	short atomic.Bool // something was put off for want of space or descriptors

	recoveryMu    sync.Mutex
	recoverySaved bool // a recovery-point checkpoint may be on disk

	mu    sync.RWMutex
	logs  map[base.TopicPartition]*Log
	count atomic.Int64
}

// Path is the directory's path.
func (d *Dir) Path() string { return d.opts.Path }

// ClusterID is the cluster the directory belongs to.
func (d *Dir) ClusterID() string { return d.opts.ClusterID }

// DirectoryID identifies the directory itself, wherever it is mounted.
func (d *Dir) DirectoryID() base.UUID { return d.id }

// Offline is the error that ended all writing to the directory, or nil.
func (d *Dir) Offline() error {
	if f := d.offline.Load(); f != nil {
		return f.err
	}
	return nil
}

// fail takes the directory offline for good: after a failed write or fsync
// nobody knows what is on the disk, and a second fsync would claim success.
func (d *Dir) fail(what string, err error) error {
	if errors.Is(err, ErrOffline) {
		return err
	}
	wrapped := fmt.Errorf("%w: %s: %w", ErrOffline, what, err)
	if d.offline.CompareAndSwap(nil, &failure{wrapped}) {
		d.opts.Logger.Error("log directory goes offline", slog.String("dir", d.opts.Path),
			slog.String("doing", what), slog.Any("error", err))
		if f := d.opts.Events.DirOffline; f != nil {
			f(d.opts.Path, wrapped)
		}
		d.telling.Go(d.tellLogs)
	}
	return d.Offline()
}

// tellLogs wakes whoever waits for a flush that will never come. It runs on a
// goroutine of its own, because the caller of fail may hold a log's locks.
func (d *Dir) tellLogs() {
	for _, l := range d.allLogs() {
		l.tellDurable()
	}
}

// Usage is the space of the disk that holds the directory.
func (d *Dir) Usage() (vfs.Usage, error) { return d.opts.FS.Usage(d.opts.Path) }

// Inventory lists the logs found or created, sorted by name.
func (d *Dir) Inventory() []LogInfo {
	logs := d.allLogs()
	out := make([]LogInfo, len(logs))
	for i, l := range logs {
		out[i] = LogInfo{TP: l.tp, TopicID: l.TopicID()}
		if err := l.Err(); errors.Is(err, ErrQuarantined) {
			out[i].State, out[i].Err = LogQuarantined, err
		}
	}
	return out
}

// allLogs lists every log in a fixed order.
func (d *Dir) allLogs() []*Log {
	d.mu.RLock()
	logs := make([]*Log, 0, len(d.logs))
	for _, l := range d.logs {
		logs = append(logs, l)
	}
	d.mu.RUnlock()
	slices.SortFunc(logs, func(a, b *Log) int {
		return cmp.Or(cmp.Compare(a.tp.Topic, b.tp.Topic), cmp.Compare(a.tp.Partition, b.tp.Partition))
	})
	return logs
}

func (d *Dir) logCount() int { return int(d.count.Load()) }

// OpenLog returns the log of a partition and creates it if there is none. A
// quarantined log is an error, as is one of another topic of that name. Nobody
// may delete the partition's log, or set it aside, meanwhile.
func (d *Dir) OpenLog(tp base.TopicPartition, id base.UUID, cfg Config) (*Log, error) {
	if err := d.usable(); err != nil {
		return nil, err
	}
	if err := d.freeName(tp); err != nil {
		return nil, err
	}
	l, err := d.findOrCreate(tp, id, cfg)
	if err != nil {
		return nil, err
	}
	if err := l.adopt(id); err != nil {
		return nil, err
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	l.SetConfig(cfg)
	return l, nil
}

// findOrCreate holds d.mu, under which no log's mutex may be taken but that of a
// log which nobody else knows yet.
func (d *Dir) findOrCreate(tp base.TopicPartition, id base.UUID, cfg Config) (*Log, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.logs[tp]; l != nil {
		return l, nil
	}
	l, err := d.createLog(tp, id, cfg)
	if err != nil {
		return nil, err
	}
	d.logs[tp] = l
	d.count.Add(1)
	return l, nil
}

func (d *Dir) usable() error {
	if d.closing.Load() {
		return ErrClosed
	}
	return d.Offline()
}

// adopt checks the topic id, or gives one to a log that lost its own together
// with partition.metadata.
func (l *Log) adopt(id base.UUID) error {
	have := l.TopicID()
	if have == id {
		return nil
	}
	if mistaken := l.d.mistakes.of(l, id); mistaken {
		l.d.opts.Logger.Warn("partition.metadata names a wrong topic and is put right", slog.String("dir", l.path),
			slog.String("topicID", have.String()), slog.String("right", id.String()))
	} else if !have.IsZero() {
		return &TopicIDError{TP: l.tp, Have: have, Want: id}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.writeMeta(id); err != nil {
		return l.d.failOrLater("write "+l.path, err)
	}
	l.id.Store(&id)
	return nil
}

func (l *Log) writeMeta(id base.UUID) error {
	if err := replaceFile(l.d.opts.FS, filepath.Join(l.path, checkpoint.PartitionFile), checkpoint.EncodePartition(id)); err != nil {
		return err
	}
	l.unsynced |= debtMeta | debtDir
	return nil
}

// createLog makes the directory of a new, empty log. Nothing is synced: the
// names become durable with the first data, and until then there is nothing to
// lose.
func (d *Dir) createLog(tp base.TopicPartition, id base.UUID, cfg Config) (*Log, error) {
	if err := base.ValidateTopicName(tp.Topic); err != nil {
		return nil, err
	}
	l := newLog(d, tp, id)
	l.cfg.Store(&cfg)
	there, err := vfs.Exists(d.opts.FS, l.path)
	if err != nil {
		return nil, d.fail("look at "+l.path, err)
	}
	if there {
		// It was not there when the directory was opened. Somebody moved it in.
		l.id.Store(&base.UUID{})
		d.readTopicID(l)
		if err := d.tryRecover(l, recoveryHints{}); errors.Is(err, ErrQuarantined) {
			return nil, err
		} else if err != nil {
			return nil, d.failOrLater("recover "+l.path, err)
		}
		return l, nil
	}
	if err := d.opts.FS.MkdirAll(l.path); err != nil {
		return nil, d.notCreated(l, err)
	}
	l.unsynced = debtRoot
	if err := l.writeMeta(id); err != nil {
		return nil, d.notCreated(l, err)
	}
	l.startEmpty(0)
	return l, nil
}

// notCreated ends the creation of a log. Without room for it, or a descriptor, it
// may be tried again: what is there of it goes, and was never promised.
func (d *Dir) notCreated(l *Log, err error) error {
	what := "create " + l.path
	if notNow(err) == nil {
		return d.fail(what, err)
	}
	if gone := d.opts.FS.RemoveAll(l.path); gone != nil && notNow(gone) == nil {
		return d.fail(what, errors.Join(err, gone))
	}
	return later(what, err)
}

// startEmpty makes the log one empty active segment that begins at offset. Its
// file is created by the first append.
func (l *Log) startEmpty(offset int64) {
	s := newSegment(l.path, offset)
	l.segs.Store(&segmentSet{s})
	for _, v := range []*atomic.Int64{&l.start, &l.end, &l.durable} {
		v.Store(offset)
	}
	l.app = l.newAppender(s, l.d.opts.Now().UnixMilli())
	l.producers = l.d.newProducers()
	l.loaded.Store(true)
}
