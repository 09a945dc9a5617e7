package commitlog

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// recoverInto makes a usable log of what an unclean stop left in l's directory.
//
// What was durable once must be there still: a batch below the frontier that is
// missing or damaged quarantines the log and nothing is touched. Above the
// frontier the first batch that is not whole ends the log, since a torn write
// is all it can be. An I/O error is neither: it takes the directory offline.
// Files that can be derived from the data are derived when in doubt.
func (d *Dir) recoverInto(l *Log, hints recoveryHints) error {
	err := d.tryRecover(l, hints)
	if err == nil || errors.Is(err, ErrQuarantined) {
		return err
	}
	return d.fail("recover "+l.path, err)
}

// tryRecover is recoverInto for a caller that can do without the log for now: it
// leaves it to it what an I/O error means.
func (d *Dir) tryRecover(l *Log, hints recoveryHints) error {
	began := d.opts.Now()
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := recovery{l: l, d: d, fs: d.opts.FS, hints: hints}
	err := r.run()
	if err == nil {
		l.loaded.Store(true)
		r.report(d.opts.Now().Sub(began))
		return nil
	}
	// What was known stays known, so that the next start decides no other way.
	l.start.Store(hints.start)
	l.durable.Store(hints.frontier)
	l.unvouched.Store(!hints.known)
	l.startGuessed.Store(!hints.startOK && hints.start == 0)
	if _, damaged := errors.AsType[*CorruptionError](err); damaged {
		return l.quarantine(err)
	}
	return err
}

// recovery is the verification of one log.
type recovery struct {
	l     *Log
	d     *Dir
	fs    vfs.FS
	hints recoveryHints

	files     dirFiles
	epochs    epochWitness
	segs      segmentSet
	end       int64
	cut       int64 // bytes cut off as a torn tail
	rewritten int   // first segment whose content or indexes were touched
	app       *appender
}

func (r *recovery) run() error {
	l := r.l
	l.sparse.Store(r.hints.cleaned || l.cfg.Load().Compact)
	var err error
	if r.files, err = r.scanDir(); err != nil {
		return err
	}
	if r.files.gapsBelow == 0 && r.hints.cleaned {
		r.files.gapsBelow = gapsAnywhere // the file is lost
	}
	if r.files.gapsBelow > 0 {
		l.sparse.Store(true)
		l.sparseNoted = r.files.gapsBelow == gapsAnywhere
	}
	if err := r.readEpochs(); err != nil {
		return err
	}
	if err := r.openSegments(); err != nil {
		return err
	}
	if err := r.rebuildEpochs(); err != nil {
		return err
	}
	if err := r.verify(); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	if err := r.recoverEpochs(); err != nil {
		return err
	}
	if err := r.d.rebuildProducers(l, r.files.snapshots, r.hints.frontier); err != nil {
		return err
	}
	return r.makeDurable()
}

// makeDurable syncs what was verified above the frontier, and what was derived
// from it, which must not be older.
func (r *recovery) makeDurable() error {
	l := r.l
	job := flushJob{debt: l.unsynced}
	if r.end > r.hints.frontier || r.cut > 0 || !r.hints.known {
		job.segs = r.segs[min(r.rewritten, len(r.segs)-1):]
		job.debt |= debtDir
	}
	if r.hints.frontier == 0 && !l.TopicID().IsZero() {
		job.debt |= debtMeta | debtDir
	}
	if err := l.sync(job); err != nil {
		return err
	}
	l.unsynced = 0
	l.durable.Store(r.end)
	return nil
}

func (r *recovery) report(took time.Duration) {
	if r.cut > 0 {
		r.d.opts.Logger.Warn("cut a torn tail that had never been durable", slog.String("topic", r.l.tp.Topic),
			slog.Int("partition", int(r.l.tp.Partition)), slog.Int64("bytes", r.cut), slog.Int64("end", r.end),
			slog.Int64("frontier", r.hints.frontier))
	}
	if f := r.d.opts.Events.Recovered; f != nil {
		f(r.l.tp, took, r.cut)
	}
}

// openSegments builds the list of segments from the file sizes.
func (r *recovery) openSegments() error {
	for _, base := range r.files.logs {
		s := newSegment(r.l.path, base)
		info, err := r.fs.Stat(s.path(suffixLog))
		if err != nil {
			return err
		}
		s.size.Store(info.Size)
		r.segs = append(r.segs, s)
	}
	if len(r.segs) == 0 {
		if r.hints.frontier > r.hints.start {
			return r.lost(r.l.path, 0, r.hints.start, "no segment file is left")
		}
		r.segs = segmentSet{newSegment(r.l.path, r.hints.start)}
	}
	if first := r.segs[0]; r.hints.known && first.base > max(r.hints.start, r.hints.frontier) {
		if r.hints.frontier > r.hints.start {
			return r.lost(first.path(suffixLog), 0, r.hints.start, "the segments before it are missing")
		}
		// Nothing was durable, and what came first did not survive.
		if err := r.removeAll(); err != nil {
			return err
		}
		r.segs = segmentSet{newSegment(r.l.path, r.hints.start)}
	}
	if first := r.segs[0]; r.hints.startOK && first.base > r.hints.start {
		return r.lost(first.path(suffixLog), 0, r.hints.start, "the segments before it are missing")
	}
	for i, s := range r.segs[1:] {
		r.segs[i].next.Store(s.base)
	}
	r.segs.active().next.Store(math.MaxInt64)
	return r.removeBelowStart()
}

// removeBelowStart finishes a removal of old segments that was under way: any of
// them may be left.
func (r *recovery) removeBelowStart() error {
	n := 0
	for n < len(r.segs)-1 && r.segs[n].next.Load() <= r.hints.start {
		n++
	}
	if n == 0 {
		return nil
	}
	for _, s := range r.segs[:n] {
		if err := removeSegmentFiles(r.d, s); err != nil {
			return err
		}
	}
	r.segs = r.segs[n:]
	return r.fs.SyncDir(r.l.path)
}

// lost reports that something that was durable is missing.
func (r *recovery) lost(file string, pos, offset int64, reason string, args ...any) error {
	return &CorruptionError{File: file, Position: pos, Offset: offset, Reason: fmt.Sprintf(reason, args...)}
}

// verify walks the segments from the one that holds the frontier, and looks at
// the ends of those before it. It finds the end of the log.
func (r *recovery) verify() error {
	first := max(r.segs.find(r.hints.frontier), 0)
	if first > 0 && r.segs[first].base == r.hints.frontier {
		first-- // its end must meet the frontier
	}
	for _, s := range r.segs[:first] {
		if err := r.checkEnd(s); err != nil {
			return err
		}
	}
	r.rewritten = first
	for i := first; i < len(r.segs); i++ {
		s := r.segs[i]
		want := s.next.Load()
		end, err := r.verifySegment(s, i == len(r.segs)-1)
		if err != nil {
			return err
		}
		r.end = end
		if i == len(r.segs)-1 {
			break
		}
		if end == want || r.cut == 0 && r.mayGap(want) {
			s.next.Store(want)
			continue
		}
		if end < r.hints.frontier {
			return r.lost(s.path(suffixLog), s.size.Load(), end, "the segment ends before the next one begins at %d", want)
		}
		return r.dropAfter(i)
	}
	return nil
}

// mayGap tells whether a segment may end early although the next one begins at
// offset to.
func (r *recovery) mayGap(to int64) bool {
	return !r.l.contiguous() && (!r.hints.known || to <= max(r.hints.frontier, r.files.gapsBelow))
}

// checkEnd looks at the last batches of a segment that was closed and durable:
// it must end where the next one begins.
func (r *recovery) checkEnd(s *segment) error {
	h, err := r.d.files.acquire(s, kindLog)
	if err != nil {
		return err
	}
	defer r.d.files.release(h)
	size := s.size.Load()
	pos, next, err := r.trustedStart(s, h, s.next.Load(), size)
	if err != nil {
		return err
	}
	w := newWalker(h, pos, size, next, walkRules{contiguous: r.l.contiguous(), limit: s.next.Load()})
	defer w.close()
	for {
		if _, _, err = w.step(); err != nil {
			break
		}
	}
	if bad, ok := errors.AsType[*badBatch](err); ok {
		return r.lost(s.path(suffixLog), bad.pos, bad.offset, "%s", bad.reason)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if r.l.contiguous() && w.next != s.next.Load() {
		return r.lost(s.path(suffixLog), size, w.next, "the file ends early, the next segment begins at %d", s.next.Load())
	}
	return nil
}

// trustedStart is a batch boundary at or before offset taken from the index, if
// the batch there bears the index out, else the start of the segment.
func (r *recovery) trustedStart(s *segment, log io.ReaderAt, offset, size int64) (pos, next int64, err error) {
	e, found, err := r.l.searchIndex(s, offset)
	if err != nil {
		return 0, 0, err
	}
	if found && e.pos > 0 && e.pos+record.HeaderSize <= size {
		var head [record.HeaderSize]byte
		if err := readFull(log, head[:], e.pos); err != nil {
			return 0, 0, err
		}
		b := record.Batch(head[:])
		if b.Magic() == 2 && b.LastOffset() == e.offset && b.BaseOffset() > s.base && b.BaseOffset() <= e.offset {
			return e.pos, b.BaseOffset(), nil
		}
	}
	return 0, s.base, nil
}

// dropAfter removes the segments behind i, which hold nothing durable.
func (r *recovery) dropAfter(i int) error {
	for j := len(r.segs) - 1; j > i; j-- {
		r.cut += r.segs[j].size.Load()
		if err := removeSegmentFiles(r.d, r.segs[j]); err != nil {
			return err
		}
		if err := r.fs.SyncDir(r.l.path); err != nil {
			return err
		}
	}
	r.segs = r.segs[:i+1]
	return r.sealLast()
}

// sealLast prepares the last segment for appends.
func (r *recovery) sealLast() error {
	_, err := r.verifySegment(r.segs.active(), true)
	return err
}

// settle fixes the offsets of the verified log and makes it durable.
func (r *recovery) settle() error {
	l := r.l
	start := max(r.hints.start, r.segs[0].base)
	if start > r.end {
		// The log was to begin behind everything that is left of it.
		if err := r.restartAt(start); err != nil {
			return err
		}
	}
	l.segs.Store(&r.segs)
	l.app = r.app
	l.start.Store(start)
	l.end.Store(r.end)
	return nil
}

// removeAll removes every segment; none holds anything durable that is wanted.
func (r *recovery) removeAll() error {
	for j := len(r.segs) - 1; j >= 0; j-- {
		r.cut += r.segs[j].size.Load()
		if err := removeSegmentFiles(r.d, r.segs[j]); err != nil {
			return err
		}
	}
	return r.fs.SyncDir(r.l.path)
}

func (r *recovery) restartAt(start int64) error {
	if err := r.removeAll(); err != nil {
		return err
	}
	s := newSegment(r.l.path, start)
	f, err := r.fs.Create(s.path(suffixLog))
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	r.segs, r.end, r.rewritten = segmentSet{s}, start, 0
	r.app = r.l.newAppender(s, r.d.opts.Now().UnixMilli())
	return nil
}
