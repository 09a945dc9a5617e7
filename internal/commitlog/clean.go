package commitlog

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
)

// cleaner compacts the logs of a directory whose cleanup.policy has compact, one
// at a time, the one with the largest share of dirty bytes first. Its goroutine
// exists only while there is something to clean.
//
// Its mutex guards the fields below it and is taken inside a log's flushMu and
// mu; nothing but the checkpoint file is locked or written under it.
type cleaner struct {
	d           *Dir
	dedupeBytes int64
	stop        chan struct{}
	done        sync.WaitGroup

	window time.Time // throttling counts from here; the goroutine's own
	moved  float64

	mu          sync.Mutex
	running     bool
	closed      bool
	offsets     checkpoint.Offsets // content of cleaner-offset-checkpoint
	behind      bool               // which still has entries of logs that are gone
	uncleanable map[*Log]error
	scan        map[*Log]struct{}   // logs whose transaction indexes were caught lying
	trash       map[string]struct{} // renamed files that wait to be removed
	swept       bool                // older ones were looked for
	stats       CleanerStats
}

// CleanerStats describes compaction in a directory.
type CleanerStats struct {
	Running     bool
	Uncleanable int       // logs that can't be compacted until the next start
	MaxDirty    float64   // largest share of dirty bytes when last looked at
	LastRun     time.Time // when it was last looked at
}

func newCleaner(d *Dir) *cleaner {
	return &cleaner{
		d: d, dedupeBytes: d.opts.CleanerDedupeBytes, stop: make(chan struct{}),
		offsets: checkpoint.Offsets{}, uncleanable: map[*Log]error{}, scan: map[*Log]struct{}{}, trash: map[string]struct{}{},
	}
}

// CleanerStats is the state of compaction.
func (d *Dir) CleanerStats() CleanerStats {
	c := d.cleaner
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Running, s.Uncleanable = c.running, len(c.uncleanable)
	return s
}

// wake starts cleaning if something is due and nothing is being cleaned.
func (c *cleaner) wake() {
	c.mu.Lock()
	busy := c.running || c.closed
	c.mu.Unlock()
	if busy || c.d.Offline() != nil {
		return
	}
	tried := map[*Log]struct{}{}
	plan, found := c.filthiest(tried)
	if !found {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running || c.closed {
		return
	}
	c.running = true
	c.done.Go(func() { c.run(plan, tried) })
}

// run cleans until nothing is due. A log that could not be cleaned is not tried
// twice.
func (c *cleaner) run(plan cleanPlan, tried map[*Log]struct{}) {
	for found := true; found && !c.stopping(); plan, found = c.filthiest(tried) {
		if !c.clean(plan) {
			tried[plan.log] = struct{}{}
		}
	}
	c.mu.Lock()
	c.running = false
	c.mu.Unlock()
}

// filthiest picks the log to clean next.
func (c *cleaner) filthiest(tried map[*Log]struct{}) (best cleanPlan, found bool) {
	now := c.d.opts.Now()
	dirtiest := 0.0
	for _, l := range c.candidates(tried) {
		p, err := l.planClean(c.offset(l), now.UnixMilli())
		if err != nil {
			c.giveUp(l, l.cleanError("plan a clean of "+l.path, err))
			continue
		}
		dirtiest = max(dirtiest, p.ratio())
		if p.due() && (!found || p.ratio() > best.ratio()) {
			best, found = p, true
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.MaxDirty, c.stats.LastRun = dirtiest, now
	return best, found
}

// candidates are the compacted logs that have something closed and committed.
func (c *cleaner) candidates(tried map[*Log]struct{}) (logs []*Log) {
	c.d.mu.RLock()
	defer c.d.mu.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.d.logs {
		_, skip := tried[l]
		_, bad := c.uncleanable[l]
		if !skip && !bad && l.cfg.Load().Compact && l.Err() == nil &&
			len(*l.segs.Load()) > 1 && l.hw.Load() > max(l.start.Load(), c.offsets[l.tp]) {
			logs = append(logs, l)
		}
	}
	return logs
}

// clean compacts one log and reports whether it got anywhere.
func (c *cleaner) clean(plan cleanPlan) bool {
	began, l := c.d.opts.Now(), plan.log
	pass, err := c.newPass(plan)
	if err != nil {
		c.giveUp(l, err)
		return false
	}
	end, err := pass.run()
	if err == nil {
		err = c.setOffset(l, end)
	}
	if err != nil {
		c.giveUp(l, err)
		return false
	}
	took := c.d.opts.Now().Sub(began)
	c.d.opts.Logger.Debug("compacted", slog.String("topic", l.tp.Topic), slog.Int("partition", int(l.tp.Partition)),
		slog.Int64("from", plan.dirty), slog.Int64("to", end), slog.Int64("before", pass.before),
		slog.Int64("after", pass.written), slog.Duration("took", took))
	if f := c.d.opts.Events.Cleaned; f != nil {
		f(l.tp, took, pass.before, pass.written)
	}
	return end > plan.dirty
}

// giveUp decides what a failed clean means for the next one.
func (c *cleaner) giveUp(l *Log, err error) {
	switch {
	case errors.Is(err, errCleanStopped), errors.Is(err, errCleanStale), notNow(err) != nil, l.Err() != nil:
		return // another time, or never
	case errors.Is(err, errMissingAbort):
		c.mu.Lock()
		_, again := c.scan[l]
		c.scan[l] = struct{}{}
		c.mu.Unlock()
		if !again {
			c.d.opts.Logger.Warn("transaction indexes are incomplete, going by the markers", slog.String("dir", l.path), slog.Any("error", err))
			return
		}
	}
	if damage, ok := errors.AsType[*CorruptionError](err); ok {
		c.d.reportCorruption(l.tp, damage)
	}
	c.d.opts.Logger.Error("log can't be compacted, it will be left alone until the next start",
		slog.String("topic", l.tp.Topic), slog.Int("partition", int(l.tp.Partition)), slog.Any("error", err))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uncleanable[l] = err
}

// cleanOpenError is cleanError for a segment that can't be opened.
func (l *Log) cleanOpenError(s *segment, err error) error {
	if errors.Is(err, fs.ErrNotExist) && l.Err() == nil {
		return l.missing(s)
	}
	return l.cleanError("open "+s.path(suffixLog), err)
}

// cleanError turns an error of a storage call into the clean's: a full disk,
// a want of descriptors and a log that is going away concern only the clean, anything else the directory.
func (l *Log) cleanError(what string, err error) error {
	if gone := l.Err(); gone != nil {
		return gone
	}
	if errors.Is(err, errSegmentGone) {
		return errCleanStale
	}
	if _, damaged := errors.AsType[*badBatch](err); damaged {
		return err
	}
	return l.d.failOrLater(what, err)
}

// stopping tells that the directory is closing.
func (c *cleaner) stopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// throttle accounts for n bytes and waits while they are too many.
func (c *cleaner) throttle(n int) error {
	if rate := c.d.cleanerRate(); rate > 0 {
		now := time.Now()
		if age := now.Sub(c.window); age > time.Second {
			// What was not used is lost, what was overdrawn stays.
			c.window, c.moved = now, max(0, c.moved-age.Seconds()*rate)
		}
		c.moved += float64(n)
		if ahead := c.moved/rate - now.Sub(c.window).Seconds(); ahead > 0.01 {
			c.pause(time.Duration(ahead * float64(time.Second)))
		}
	}
	if c.stopping() {
		return errCleanStopped
	}
	return nil
}

func (c *cleaner) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.stop:
	case <-t.C:
	}
}

// close waits for the clean in flight, which stops at its next batch, and
// removes files that were waiting for their readers.
func (c *cleaner) close() {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if !closed {
		close(c.stop)
	}
	c.done.Wait()
	if c.d.Offline() == nil {
		c.emptyTrash()
	}
}

// firstPass is true once after the start.
func (c *cleaner) firstPass() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.swept
	c.swept = true
	return first
}

// sweep removes a renamed file unless it waits for its time to come.
func (c *cleaner) sweep(name string) {
	c.mu.Lock()
	_, waits := c.trash[name]
	c.mu.Unlock()
	if !waits {
		_ = c.d.opts.FS.Remove(name) // the next start tries again
	}
}

// emptyTrash removes everything at once, durably: after a clean shutdown nobody
// looks for such files. What can't be removed goes when its log is next verified.
func (c *cleaner) emptyTrash() {
	c.mu.Lock()
	defer c.mu.Unlock()
	dirs := map[string]struct{}{}
	for name := range c.trash {
		if c.d.opts.FS.Remove(name) == nil {
			dirs[filepath.Dir(name)] = struct{}{}
		}
	}
	clear(c.trash)
	for dir := range dirs {
		if err := c.d.opts.FS.SyncDir(dir); err != nil {
			_ = c.d.fail("sync "+dir, err)
			return
		}
	}
}
