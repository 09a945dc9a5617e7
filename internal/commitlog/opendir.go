package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/vfs"
)

const (
	lockFile     = ".lock"
	deleteSuffix = "-delete"
)

// OpenDir opens a log directory and creates it if need be. After a clean
// shutdown it reads one manifest and looks at no log. Otherwise it verifies
// every log first; those with damage below the durable frontier are quarantined
// and the rest is served.
func OpenDir(ctx context.Context, o DirOptions) (*Dir, error) {
	o = o.withDefaults()
	if err := makeDir(o.FS, o.Path); err != nil {
		return nil, fmt.Errorf("commitlog: create %s: %w", o.Path, err)
	}
	lock, err := o.FS.Lock(filepath.Join(o.Path, lockFile))
	if err != nil {
		return nil, fmt.Errorf("commitlog: lock %s: %w", o.Path, err)
	}
	d := newDir(o)
	d.lock = lock
	d.volume.open(d, filepath.Join(o.Path, lockFile)) // before anything is written that it may have to vouch for
	if err := d.open(ctx); err != nil {
		d.volume.close()
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// makeDir creates a directory durably, with those above it that are missing.
func makeDir(fsys vfs.FS, path string) error {
	there, err := vfs.Exists(fsys, path)
	if there || err != nil {
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(path); err != nil {
		return err
	}
	return fsys.SyncDir(parent)
}

func newDir(o DirOptions) *Dir {
	d := &Dir{opts: o, defaults: DefaultConfig(), logs: map[base.TopicPartition]*Log{}}
	d.keeper = newKeeper(o.Now)
	d.cleaner = newCleaner(d)
	d.files = newFileCache(o.FS, o.MaxOpenFiles, d.keeper.flushSoon)
	d.tail.budget, d.tail.now = o.TailCacheBytes, o.Now
	d.leases.poison = o.PoisonLeases || invariant.Enabled
	d.space.fs, d.space.path, d.space.log = o.FS, o.Path, o.Logger
	d.Tune(Tuning{ReserveBytes: o.ReserveBytes, ProducerIDExpiration: o.ProducerIDExpiration, CleanerMaxBytesPerSec: o.CleanerMaxBytesPerSec})
	for lane := range d.flushers {
		d.flushers[lane] = &flusher{d: d, lane: lane}
	}
	d.flushers[laneDurable].volume = &d.volume
	d.starts.d = d
	d.recoverySaved = true
	d.frontier = &frontier{
		d: d, path: filepath.Join(o.Path, frontierFile), queued: map[*Log]struct{}{}, synced: true,
	}
	return d
}

func (d *Dir) open(ctx context.Context) error {
	if err := d.identify(); err != nil {
		return err
	}
	names, err := d.opts.FS.List(d.opts.Path)
	if err != nil {
		return fmt.Errorf("commitlog: list %s: %w", d.opts.Path, err)
	}
	if err := d.openLogs(ctx, names); err != nil {
		return err
	}
	d.count.Store(int64(len(d.logs)))
	if err := d.noteFormerNames(); err != nil {
		return err
	}
	if err := d.cleaner.open(); err != nil {
		return err
	}
	// The journal must be right before the manifest, which says the same, goes.
	if err := d.frontier.rewrite(); err != nil {
		return err
	}
	if err := d.removeManifest(); err != nil {
		return fmt.Errorf("commitlog: remove the shutdown manifest: %w", err)
	}
	if err := d.Offline(); err != nil {
		return err
	}
	d.startKeeper(names)
	return nil
}

// identify reads meta.properties, or writes it in a new directory.
func (d *Dir) identify() error {
	path := filepath.Join(d.opts.Path, checkpoint.MetaFile)
	m, err := checkpoint.ReadMeta(d.opts.FS, path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return fmt.Errorf("commitlog: %w", err)
	}
	if missing {
		m = checkpoint.Meta{ClusterID: d.opts.ClusterID, NodeID: d.opts.NodeID}
		if m.ClusterID == "" {
			m.ClusterID = base.NewUUID().String()
		}
	}
	if d.opts.ClusterID != "" && d.opts.ClusterID != m.ClusterID {
		return &IdentityError{Path: d.opts.Path, What: "cluster", Have: m.ClusterID, Want: d.opts.ClusterID}
	}
	if d.opts.NodeID != m.NodeID {
		return &IdentityError{
			Path: d.opts.Path, What: "node",
			Have: strconv.Itoa(int(m.NodeID)), Want: strconv.Itoa(int(d.opts.NodeID)),
		}
	}
	if m.DirectoryID.IsZero() {
		m.DirectoryID = base.NewUUID()
		if err := checkpoint.WriteMeta(d.opts.FS, path, m); err != nil {
			return fmt.Errorf("commitlog: write %s: %w", path, err)
		}
	}
	d.opts.ClusterID, d.id = m.ClusterID, m.DirectoryID
	return nil
}

// openLogs fills d.logs from the manifest or by verification.
func (d *Dir) openLogs(ctx context.Context, names []vfs.DirEntry) error {
	found := map[base.TopicPartition]struct{}{}
	for _, e := range names {
		if !e.IsDir {
			continue
		}
		if tp, ok := parseLogDir(e.Name); ok {
			found[tp] = struct{}{}
		} else if !strings.HasSuffix(e.Name, deleteSuffix) && !strings.HasPrefix(e.Name, ownPrefix) {
			d.opts.Logger.Warn("unknown directory left alone", slog.String("dir", filepath.Join(d.opts.Path, e.Name)))
		}
	}
	clean, err := d.readManifest()
	if err != nil {
		return err
	}
	for tp, l := range clean {
		d.logs[tp] = l
		if _, there := found[tp]; !there {
			_ = l.quarantine(&CorruptionError{File: l.path, Offset: -1, Reason: "the directory is missing"})
		}
		delete(found, tp)
	}
	if len(found) == 0 {
		return nil
	}
	return d.recoverAll(ctx, found, clean != nil)
}

// ownPrefix begins the names of everything in the directory that Kafka does not
// have, such as the metadata quorum's folder.
const ownPrefix = "milena."

// Verified is the number of logs that had to be verified when the directory was
// opened, because it was not closed cleanly before; 0 after a clean stop.
func (d *Dir) Verified() int { return d.verified }

// parseLogDir reads topic-partition. Kafka's -future and -stray directories and
// whatever else lies about are not logs.
func parseLogDir(name string) (base.TopicPartition, bool) {
	dash := strings.LastIndexByte(name, '-')
	if dash <= 0 {
		return base.TopicPartition{}, false
	}
	p, err := strconv.ParseInt(name[dash+1:], 10, 32)
	tp := base.TopicPartition{Topic: name[:dash], Partition: int32(p)}
	if err != nil || base.ValidateTopicName(tp.Topic) != nil || tp.String() != name {
		return base.TopicPartition{}, false
	}
	return tp, true
}

// recoverAll verifies logs, a few at a time, and stops early when ctx ends or
// the disk fails. After a clean stop they are logs that were quarantined, and
// logs that were put there since: not new ones, of which nothing was durable.
func (d *Dir) recoverAll(ctx context.Context, found map[base.TopicPartition]struct{}, clean bool) error {
	w, err := d.readWitnesses()
	if err != nil {
		return err
	}
	if clean {
		w.journal.intact = false
	}
	d.verified = len(found)
	logs := make([]*Log, 0, len(found))
	for tp := range found {
		l := newLog(d, tp, base.UUID{})
		d.logs[tp] = l
		logs = append(logs, l)
	}
	d.parallel(ctx, logs, d.readTopicID)
	w.claim(logs)
	d.mistakes = w.mistakes
	// The names of logs may be in memory only, and recovery makes them durable.
	if err := d.opts.FS.SyncDir(d.opts.Path); err != nil {
		return d.fail("sync "+d.opts.Path, err)
	}
	d.parallel(ctx, logs, func(l *Log) { _ = d.recoverInto(l, w.hints(l)) })
	return errors.Join(ctx.Err(), d.Offline())
}

// parallel calls f for every log, until ctx ends or the disk fails.
func (d *Dir) parallel(ctx context.Context, logs []*Log, f func(*Log)) {
	parallel(d.opts.RecoveryWorkers, len(logs), func(i int) {
		if ctx.Err() == nil && d.Offline() == nil {
			f(logs[i])
		}
	})
}

// startKeeper schedules the background work of the directory.
func (d *Dir) startKeeper(names []vfs.DirEntry) {
	for _, e := range names {
		if e.IsDir && strings.HasSuffix(e.Name, deleteSuffix) {
			// Renamed by a deletion that was committed; only the removal is left.
			d.removeLater(filepath.Join(d.opts.Path, e.Name), time.Minute)
		}
	}
	d.keeper.every(d.opts.CheckpointInterval, d.checkpoint)
	d.keeper.every(tailSweepEvery, d.tail.sweep)
	d.keeper.every(d.opts.RetentionCheckInterval, d.applyRetention)
	d.keeper.every(d.opts.CleanerBackoff, d.cleaner.wake)
	d.keeper.start()
}

const tailSweepEvery = 30 * time.Second
