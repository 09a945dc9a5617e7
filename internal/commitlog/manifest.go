package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/vfs"
)

// manifestFile describes every log of a directory at a clean shutdown. It lets
// the next start look at no log at all, and is gone while the directory is open.
const manifestFile = "milena.manifest"

const manifestMagic = "milenaM1"

// Flags of a log in the manifest.
const (
	manifestSparse = 1 << iota
	manifestUnstable
)

// manifestLog is one log in the manifest.
type manifestLog struct {
	tp       base.TopicPartition
	id       base.UUID
	sparse   bool
	unstable bool // transactions may be undecided
	start    int64
	end      int64
	snapshot int64 // offset of a snapshot, -1: none, noProducers: none needed
	epochs   []epoch.Entry
	segs     []manifestSegment
}

type manifestSegment struct{ base, size, maxTS, maxAt int64 }

var errManifest = errors.New("malformed shutdown manifest")

// encodeManifest lays the logs out as doc.go describes.
func encodeManifest(dir base.UUID, logs []manifestLog) []byte {
	b := append(make([]byte, 0, 64+96*len(logs)), manifestMagic...)
	b = append(b, dir[:]...)
	b = binary.AppendUvarint(b, uint64(len(logs)))
	for _, l := range logs {
		b = binary.AppendUvarint(b, uint64(len(l.tp.Topic)))
		b = append(b, l.tp.Topic...)
		b = binary.AppendVarint(b, int64(l.tp.Partition))
		b = append(b, l.id[:]...)
		flags := byte(0)
		if l.sparse {
			flags |= manifestSparse
		}
		if l.unstable {
			flags |= manifestUnstable
		}
		b = append(b, flags)
		b = binary.AppendVarint(b, l.start)
		b = binary.AppendVarint(b, l.end)
		b = binary.AppendVarint(b, l.snapshot)
		b = binary.AppendUvarint(b, uint64(len(l.epochs)))
		for _, e := range l.epochs {
			b = binary.AppendVarint(b, int64(e.Epoch))
			b = binary.AppendVarint(b, e.Start)
		}
		b = binary.AppendUvarint(b, uint64(len(l.segs)))
		for _, s := range l.segs {
			b = binary.AppendVarint(b, s.base)
			b = binary.AppendVarint(b, s.size)
			b = binary.AppendVarint(b, s.maxTS)
			b = binary.AppendVarint(b, s.maxAt)
		}
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// manifestReader decodes; after the first error everything reads as zero.
type manifestReader struct {
	b   []byte
	bad bool
}

func (r *manifestReader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *manifestReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *manifestReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads a number of elements that take at least size bytes each.
func (r *manifestReader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *manifestReader) uuid() (u base.UUID) {
	copy(u[:], r.bytes(uint64(len(u))))
	return u
}

// parseManifest reads a manifest. Every error means the same: verify the logs.
func parseManifest(data []byte, dir base.UUID) ([]manifestLog, error) {
	if len(data) < len(manifestMagic)+16+4 || string(data[:len(manifestMagic)]) != manifestMagic {
		return nil, errManifest
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: wrong checksum", errManifest)
	}
	r := manifestReader{b: body[len(manifestMagic):]}
	if id := r.uuid(); id != dir {
		return nil, fmt.Errorf("%w: it was written for directory %s", errManifest, id)
	}
	n := r.count(24)
	logs := make([]manifestLog, 0, n)
	for range n {
		l := r.log()
		if err := l.check(); r.bad || err != nil {
			return nil, errors.Join(errManifest, err)
		}
		logs = append(logs, l)
	}
	if r.bad || len(r.b) != 0 {
		return nil, errManifest
	}
	return logs, nil
}

func (r *manifestReader) log() (l manifestLog) {
	l.tp.Topic = string(r.bytes(r.uvarint()))
	l.tp.Partition = int32(r.varint())
	l.id = r.uuid()
	if flags := r.bytes(1); len(flags) == 1 {
		l.sparse = flags[0]&manifestSparse != 0
		l.unstable = flags[0]&manifestUnstable != 0
	}
	l.start, l.end, l.snapshot = r.varint(), r.varint(), r.varint()
	for range r.count(2) {
		l.epochs = append(l.epochs, epoch.Entry{Epoch: int32(r.varint()), Start: r.varint()})
	}
	for range r.count(4) {
		l.segs = append(l.segs, manifestSegment{base: r.varint(), size: r.varint(), maxTS: r.varint(), maxAt: r.varint()})
	}
	return l
}

// check refuses what can't be true of any log.
func (l *manifestLog) check() error {
	if err := base.ValidateTopicName(l.tp.Topic); err != nil || l.tp.Partition < 0 {
		return fmt.Errorf("partition %q", l.tp)
	}
	if len(l.segs) == 0 || l.start < l.segs[0].base || l.end < l.start {
		return fmt.Errorf("%s: range %d to %d", l.tp, l.start, l.end)
	}
	prev := int64(-1)
	for _, s := range l.segs {
		if s.base <= prev || s.size < 0 || s.size > math.MaxInt32 || s.base > l.end {
			return fmt.Errorf("%s: segment %d of %d bytes", l.tp, s.base, s.size)
		}
		prev = s.base
	}
	return nil
}

// readManifest returns the logs of a clean shutdown, or none.
func (d *Dir) readManifest() (map[base.TopicPartition]*Log, error) {
	path := filepath.Join(d.opts.Path, manifestFile)
	data, err := vfs.ReadFile(d.opts.FS, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("commitlog: read %s: %w", path, err)
	}
	entries, err := parseManifest(data, d.id)
	if err != nil {
		d.opts.Logger.Warn("shutdown manifest can't be trusted, verifying all logs", slog.String("file", path), slog.Any("error", err))
		return nil, nil
	}
	logs := make(map[base.TopicPartition]*Log, len(entries))
	for i := range entries {
		logs[entries[i].tp] = d.logFromManifest(&entries[i])
	}
	return logs, nil
}

func (d *Dir) logFromManifest(m *manifestLog) *Log {
	l := newLog(d, m.tp, m.id)
	l.sparse.Store(m.sparse)
	l.unstable.Store(m.unstable)
	l.snapshot = m.snapshot
	for _, e := range m.epochs {
		l.epochs.Assign(e.Epoch, e.Start)
	}
	set := make(segmentSet, len(m.segs))
	for i, ms := range m.segs {
		s := newSegment(l.path, ms.base)
		s.size.Store(ms.size)
		s.setMaxTime(ms.maxTS, ms.maxAt)
		s.next.Store(m.end)
		if i > 0 {
			set[i-1].next.Store(ms.base)
		}
		set[i] = s
	}
	l.segs.Store(&set)
	l.start.Store(m.start)
	l.end.Store(m.end)
	l.durable.Store(m.end)
	return l
}

// describe is the log's entry in the manifest.
func (l *Log) describe() manifestLog {
	m := manifestLog{
		tp: l.tp, id: l.TopicID(), sparse: l.sparse.Load(), unstable: l.unstable.Load(), start: l.start.Load(), end: l.end.Load(),
		snapshot: l.snapshot, epochs: l.epochs.Entries(),
	}
	for _, s := range *l.segs.Load() {
		m.segs = append(m.segs, manifestSegment{
			base: s.base, size: s.size.Load(), maxTS: s.maxTS.Load(), maxAt: s.maxAt.Load(),
		})
	}
	return m
}

// removeManifest makes sure that the next start does not believe what will not
// be true any more: removed, and durably so, before anything can be appended.
func (d *Dir) removeManifest() error {
	err := d.opts.FS.Remove(filepath.Join(d.opts.Path, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.opts.FS.SyncDir(d.opts.Path)
}
