package commitlog

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/milena-io/milena/internal/vfs"
)

// The file milena.sparse says where the offsets of a log may have gaps. Empty,
// or unreadable, it means anywhere: the log is a copy of a compacted one. Else
// only below the offset in it, since only that was compacted here, and what was
// appended behind is whole; recovery can then tell a segment that lost its
// unsynced end from one that was compacted:
//
//	1841 5d0c3a7f      offset, CRC-32C of its digits
const gapsAnywhere = math.MaxInt64

func encodeGaps(below int64) []byte {
	digits := strconv.FormatInt(below, 10)
	return fmt.Appendf(nil, "%s %08x\n", digits, crc32.Checksum([]byte(digits), castagnoli))
}

func parseGaps(data []byte) int64 {
	digits, sum, ok := strings.Cut(strings.TrimSuffix(string(data), "\n"), " ")
	below, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || below <= 0 || sum != fmt.Sprintf("%08x", crc32.Checksum([]byte(digits), castagnoli)) {
		return gapsAnywhere
	}
	return below
}

// gapsBelow reads the file of a log directory; 0 means no gaps.
func gapsBelow(fsys vfs.FS, dir string) (int64, error) {
	data, err := vfs.ReadFile(fsys, filepath.Join(dir, sparseFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseGaps(data), nil
}

// allowGaps notes durably that offsets below limit may have gaps.
func (l *Log) allowGaps(limit int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	have, err := gapsBelow(l.d.opts.FS, l.path)
	if err == nil && have < limit {
		err = vfs.WriteFileAtomic(l.d.opts.FS, filepath.Join(l.path, sparseFile), encodeGaps(limit))
	}
	if err != nil {
		return l.cleanError("mark "+l.path, err)
	}
	l.sparse.Store(true)
	return nil
}
