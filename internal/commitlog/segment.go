package commitlog

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
)

// Suffixes of the files of a segment and of files on their way in or out.
const (
	suffixLog      = ".log"
	suffixIndex    = ".index"
	suffixTime     = ".timeindex"
	suffixSnapshot = ".snapshot"
	suffixTxn      = txnindex.Suffix
	suffixDeleted  = ".deleted"
	suffixCleaned  = ".cleaned"
	suffixSwap     = ".swap"
)

// segmentSuffixes are the files that share a segment's fate.
var segmentSuffixes = [...]string{suffixLog, suffixIndex, suffixTime, suffixTxn, suffixSnapshot}

// unknownTime marks a segment whose largest timestamp has not been looked up.
const unknownTime = math.MinInt64

// fileKind indexes the open handles of a segment.
type fileKind uint8

const (
	kindLog fileKind = iota
	kindIndex
	kindTime
	kinds
)

var kindSuffix = [kinds]string{suffixLog, suffixIndex, suffixTime}

// segment is one .log file and what belongs to it. Nothing of it is in memory
// but these few words: indexes are searched on disk.
type segment struct {
	dir  string
	base int64

	size  atomic.Int64 // bytes that readers may see; the file may be longer while preallocated
	next  atomic.Int64 // one past the last offset of the segment
	maxTS atomic.Int64 // largest timestamp, or unknownTime while inactive and not looked up
	maxAt atomic.Int64 // last offset of the batch that has it

	rebuilt atomic.Bool // indexes were found wrong and rebuilt: once is enough
	dead    atomic.Bool // removed or replaced: must not be opened again
	handles [kinds]*handle
}

func newSegment(dir string, base int64) *segment {
	s := &segment{dir: dir, base: base}
	s.next.Store(base)
	s.maxTS.Store(unknownTime)
	return s
}

func (s *segment) path(suffix string) string { return segmentPath(s.dir, s.base, suffix) }

// segmentPath is <dir>/<offset in 20 digits><suffix>.
func segmentPath(dir string, offset int64, suffix string) string {
	return filepath.Join(dir, offsetName(offset)+suffix)
}

func offsetName(offset int64) string {
	digits := strconv.FormatInt(offset, 10)
	return "00000000000000000000"[:20-len(digits)] + digits
}

// parseSegmentName splits 20 digits from what follows.
func parseSegmentName(name string) (offset int64, suffix string, ok bool) {
	if len(name) < 20 {
		return 0, "", false
	}
	offset, err := strconv.ParseInt(name[:20], 10, 64)
	if err != nil || offset < 0 || strings.ContainsAny(name[:20], "+-_") {
		return 0, "", false
	}
	return offset, name[20:], true
}

// setMaxTime publishes the largest timestamp and where it is.
func (s *segment) setMaxTime(ts, at int64) {
	s.maxAt.Store(at)
	s.maxTS.Store(ts)
}

// segmentSet is an immutable list of segments by rising base offset; the last
// one is active. Readers work on the set they loaded.
type segmentSet []*segment

// find is the index of the segment that may hold offset: the last one whose
// base is not above it, or -1.
func (ss segmentSet) find(offset int64) int {
	lo, hi := 0, len(ss)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if ss[mid].base <= offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

func (ss segmentSet) active() *segment { return ss[len(ss)-1] }
