// Package epoch keeps the leader epochs of one log: which epoch begins at which
// offset. Followers and consumers ask it where an epoch ended; truncation after
// a leader change is decided by that answer and never by the high watermark
// (KIP-101, KIP-279, KIP-320).
//
// The file leader-epoch-checkpoint is Kafka's text checkpoint (see package
// checkpoint) with the fields epoch and start offset:
//
//	0
//	2
//	4 0
//	7 1841
//
// Invariants: epochs and start offsets both rise strictly from entry to entry.
//
// Concurrency: a Cache is not safe for concurrent use; the log that owns it
// guards it with its own lock. The zero value is an empty cache and costs no
// allocation.
package epoch

import (
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
)

// FileName is the name of the checkpoint in a partition directory.
const FileName = "leader-epoch-checkpoint"

// Entry says that records of Epoch begin at offset Start.
type Entry struct {
	Epoch int32
	Start int64
}

// Cache maps leader epochs to start offsets.
type Cache struct{ entries []Entry }

// CacheOf holds what Entries of another cache returned.
func CacheOf(entries []Entry) Cache { return Cache{entries: entries} }

// Assign notes that epoch begins at start and reports whether anything changed.
// Entries that contradict the new one (same or later epoch, or same or later
// start) are dropped: the newest word about the tail of the log wins.
func (c *Cache) Assign(epoch int32, start int64) bool {
	if epoch < 0 || start < 0 {
		return false
	}
	if last, ok := c.Latest(); ok && last.Epoch == epoch && last.Start <= start {
		return false
	}
	n := len(c.entries)
	for n > 0 && (c.entries[n-1].Epoch >= epoch || c.entries[n-1].Start >= start) {
		n--
	}
	c.entries = append(c.entries[:n], Entry{Epoch: epoch, Start: start})
	return true
}

// EndOffsetFor answers OffsetsForLeaderEpoch: the largest epoch not above the
// requested one, and the offset where it ended. For the latest epoch that is
// logEnd; for an epoch older than everything known, the requested epoch and the
// start of the first entry; for an unknown newer one (NoEpoch, NoOffset).
func (c *Cache) EndOffsetFor(epoch int32, logEnd int64) (int32, int64) {
	if last, ok := c.Latest(); !ok || epoch == base.NoEpoch || epoch > last.Epoch {
		return base.NoEpoch, base.NoOffset
	} else if epoch == last.Epoch {
		return epoch, logEnd
	}
	higher := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Epoch > epoch })
	if higher == 0 {
		return epoch, c.entries[0].Start
	}
	return c.entries[higher-1].Epoch, c.entries[higher].Start
}

// EpochAt is the epoch in which the record at offset was written; false when
// offset lies before the first entry.
func (c *Cache) EpochAt(offset int64) (int32, bool) {
	i := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start > offset })
	if i == 0 {
		return base.NoEpoch, false
	}
	return c.entries[i-1].Epoch, true
}

// Latest is the newest entry; false when the cache is empty.
func (c *Cache) Latest() (Entry, bool) {
	if len(c.entries) == 0 {
		return Entry{Epoch: base.NoEpoch, Start: base.NoOffset}, false
	}
	return c.entries[len(c.entries)-1], true
}

// TruncateFromEnd forgets epochs that begin at or after end and reports whether
// there were any.
func (c *Cache) TruncateFromEnd(end int64) bool {
	n := len(c.entries)
	for n > 0 && c.entries[n-1].Start >= end {
		n--
	}
	changed := n < len(c.entries)
	c.entries = c.entries[:n]
	return changed
}

// TruncateFromStart forgets epochs that ended at or before start, lets the one
// that contains start begin there, and reports whether anything changed.
func (c *Cache) TruncateFromStart(start int64) bool {
	i := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start > start })
	if i == 0 || i == 1 && c.entries[0].Start == start {
		return false
	}
	c.entries = slices.Delete(c.entries, 0, i-1)
	c.entries[0].Start = start
	return true
}

// Clear forgets everything.
func (c *Cache) Clear() { c.entries = nil }

// Entries is a copy, oldest first.
func (c *Cache) Entries() []Entry { return slices.Clone(c.entries) }

// Encode is the content of the checkpoint file.
func (c *Cache) Encode() []byte {
	dst := checkpoint.AppendHeader(make([]byte, 0, 16+16*len(c.entries)), len(c.entries))
	for _, e := range c.entries {
		dst = strconv.AppendInt(dst, int64(e.Epoch), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, e.Start, 10)
		dst = append(dst, '\n')
	}
	return dst
}

// Parse reads a checkpoint file. Entries that do not rise are damage, reported
// as a *checkpoint.FormatError; the log can rebuild the cache by a scan.
func Parse(data []byte) (Cache, error) {
	var c Cache
	err := checkpoint.ParseLines(data, 2, func(f []string) error {
		ep, err := checkpoint.ParseNumber(f[0], 32)
		if err != nil {
			return err
		}
		start, err := checkpoint.ParseNumber(f[1], 64)
		if err != nil {
			return err
		}
		if last, ok := c.Latest(); ok && (last.Epoch >= int32(ep) || last.Start >= start) {
			return fmt.Errorf("entry %d %d does not rise over %d %d", ep, start, last.Epoch, last.Start)
		}
		c.entries = append(c.entries, Entry{Epoch: int32(ep), Start: start})
		return nil
	})
	if err != nil {
		return Cache{}, err
	}
	return c, nil
}
