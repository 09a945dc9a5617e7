package commitlog

import (
	"errors"
	"io/fs"
	"math"

	"github.com/milena-io/milena/internal/record"
)

// cleanPlan says what of a log could be compacted now. Segments below dirty have
// been compacted before; those from there to end may be; the rest may not.
type cleanPlan struct {
	log       *Log
	set       segmentSet // as it was when the plan was made
	start     int64      // of the log
	dirty     int64      // first offset that was never cleaned
	end       int64      // base offset of the first segment that must not be cleaned
	committed int64      // the high watermark

	cleanBytes, dirtyBytes int64

	overdue bool // max.compaction.lag.ms has passed for some of it
}

// ratio is the share of dirty bytes, as min.cleanable.dirty.ratio wants it.
func (p *cleanPlan) ratio() float64 {
	return float64(p.dirtyBytes) / float64(max(1, p.cleanBytes+p.dirtyBytes))
}

// due tells whether it is worth the work.
func (p *cleanPlan) due() bool {
	return p.dirtyBytes > 0 && (p.overdue || p.ratio() > p.log.Config().MinCleanableDirtyRatio)
}

// rollMs is the age at which a segment is closed. Only closed segments can be
// compacted, so max.compaction.lag.ms shortens it, as in Kafka.
func (c *Config) rollMs() int64 {
	if c.Compact && c.MaxCompactionLagMs > 0 {
		return min(c.MaxCompactionLagMs, c.SegmentMs)
	}
	return c.SegmentMs
}

// planClean applies Kafka's rules for what may be cleaned: nothing of the active
// segment, nothing at or above the last stable offset (and so the high
// watermark), nothing that is not durable, and nothing that may have been
// written within min.compaction.lag.ms. checkpoint is where the last clean
// ended; one outside the log says nothing.
func (l *Log) planClean(checkpoint int64, nowMs int64) (cleanPlan, error) {
	// The set is loaded last: everything below the high watermark is in it.
	p := cleanPlan{log: l, committed: l.hw.Load(), start: l.start.Load()}
	stable, err := l.stableBelow(p.committed)
	if err != nil {
		return p, err
	}
	p.set = *l.segs.Load()
	p.dirty = checkpoint
	if checkpoint < p.start || checkpoint > l.end.Load() {
		p.dirty = p.start
	}
	if len(p.set) < 2 {
		p.end = p.dirty
		return p, nil
	}
	limit := min(stable, l.durable.Load(), p.set.active().base)
	recent, err := p.firstRecent(nowMs)
	if err != nil {
		return p, err
	}
	limit = max(p.dirty, min(limit, recent))
	p.end = p.set[max(0, p.set.find(limit))].base
	for _, s := range p.set[max(0, p.set.find(p.dirty)):] {
		if s.base >= p.end {
			break
		}
		p.dirtyBytes += s.size.Load()
	}
	for _, s := range p.set {
		if s.base >= p.dirty {
			break
		}
		p.cleanBytes += s.size.Load()
	}
	if p.dirtyBytes > 0 {
		p.overdue, err = p.lagExceeded(nowMs)
	}
	return p, err
}

// stableBelow is the high watermark hw, or the first undecided offset below it.
func (l *Log) stableBelow(hw int64) (int64, error) {
	first, unstable, err := l.FirstUnstableOffset(hw)
	if err != nil || !unstable {
		return hw, err
	}
	return min(hw, first), nil
}

// dirtySegments are the closed segments from the one that holds dirty on.
func (p *cleanPlan) dirtySegments() segmentSet {
	return p.set[max(0, min(p.set.find(p.dirty), len(p.set)-1)) : len(p.set)-1]
}

// firstRecent is the base offset of the first segment that may hold a record
// younger than min.compaction.lag.ms. Records without timestamps are as old as
// their file.
func (p *cleanPlan) firstRecent(nowMs int64) (int64, error) {
	lag := p.log.Config().MinCompactionLagMs
	if lag <= 0 {
		return math.MaxInt64, nil
	}
	for _, s := range p.dirtySegments() {
		ts, err := p.log.ageOf(s)
		if err != nil {
			return 0, err
		}
		if ts > nowMs-lag {
			return s.base, nil
		}
	}
	return math.MaxInt64, nil
}

// lagExceeded tells whether a dirty segment begins with a record older than
// max.compaction.lag.ms. Segments below end are looked at only: an older one
// that can't be cleaned yet would not be helped.
func (p *cleanPlan) lagExceeded(nowMs int64) (bool, error) {
	lag := p.log.Config().MaxCompactionLagMs
	if lag >= math.MaxInt64/2 {
		return false, nil
	}
	for _, s := range p.dirtySegments() {
		if s.base >= p.end {
			break
		}
		ts, err := p.log.firstTime(s)
		if err != nil {
			return false, err
		}
		if ts > 0 && ts < nowMs-max(lag, 0) {
			return true, nil
		}
	}
	return false, nil
}

// firstTime is the largest timestamp of a segment's first batch, -1 if empty.
func (l *Log) firstTime(s *segment) (int64, error) {
	if s.size.Load() < record.HeaderSize {
		return -1, nil
	}
	h, err := l.d.files.acquire(s, kindLog)
	if err != nil {
		return -1, err
	}
	defer l.d.files.release(h)
	var head [record.HeaderSize]byte
	if err := readFull(h, head[:], 0); err != nil {
		return -1, err
	}
	return record.Batch(head[:]).MaxTimestamp(), nil
}

// cleanGroup is a run of neighbouring segments that become one.
type cleanGroup struct {
	segs segmentSet
	end  int64 // offsets of the group are below it
}

// groupSegments packs the segments below limit into groups that fit one segment
// by size, index size and offset range, so that compacting does not leave ever
// smaller files. The segments from limit on stay as they are.
func (p *cleanPlan) groupSegments(limit int64) ([]cleanGroup, error) {
	cfg := p.log.Config()
	var groups []cleanGroup
	var size, index, times int64
	for i, s := range p.set {
		if s.base >= limit || s.base >= p.end {
			break
		}
		n, t, err := p.indexSizes(s)
		if err != nil {
			return nil, err
		}
		end := p.set[i+1].base // the active segment is never in a group
		if g := len(groups) - 1; g >= 0 && size+s.size.Load() <= min(cfg.SegmentBytes, math.MaxInt32) &&
			index+n <= cfg.SegmentIndexBytes && times+t <= cfg.SegmentIndexBytes &&
			end-1-groups[g].segs[0].base <= math.MaxInt32 {
			groups[g].segs, groups[g].end = append(groups[g].segs, s), end
			size, index, times = size+s.size.Load(), index+n, times+t
			continue
		}
		groups = append(groups, cleanGroup{segs: segmentSet{s}, end: end})
		size, index, times = s.size.Load(), n, t
	}
	return groups, nil
}

func (p *cleanPlan) indexSizes(s *segment) (index, times int64, err error) {
	for suffix, n := range map[string]*int64{suffixIndex: &index, suffixTime: &times} {
		info, err := p.log.d.opts.FS.Stat(s.path(suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, 0, err
		}
		*n = info.Size
	}
	return index, times, nil
}
