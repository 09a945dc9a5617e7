package quorum

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/milena-io/milena/internal/vfs"
)

// scan is what reading a log's segments gives.
type scan struct {
	segments []segmentHead
	records  []walRecord // without heads
	state    hardState   // newest
	at       position
	end      int64 // where the last segment's blocks end
	dirty    int64 // bytes of a torn block after end
	seal     *missingSeal
}

// missingSeal is a segment that was being left when the power failed.
type missingSeal struct {
	name       string
	off, dirty int64
	block      []byte
}

// listSegments gives the numbers of the segments, and complains about gaps.
func listSegments(fs vfs.FS, path string) ([]uint64, error) {
	entries, err := fs.List(path)
	if err != nil {
		return nil, fmt.Errorf("quorum: list %s: %w", path, err)
	}
	var out []uint64
	for _, e := range entries {
		if !strings.HasSuffix(e.Name, ".wal") {
			continue
		}
		n, err := segmentNumber(filepath.Join(path, e.Name))
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	slices.Sort(out)
	for i := 1; i < len(out); i++ {
		if out[i] != out[i-1]+1 {
			return nil, &CorruptionError{File: filepath.Join(path, segmentName(out[i-1]+1)), Offset: -1, Reason: "segment is missing"}
		}
	}
	return out, nil
}

// segmentNumber is the number in a segment's name.
func segmentNumber(name string) (uint64, error) {
	base := filepath.Base(name)
	n, err := strconv.ParseUint(strings.TrimSuffix(base, ".wal"), 10, 64)
	if err != nil || segmentName(n) != base {
		return 0, &CorruptionError{File: name, Offset: -1, Reason: "not a name that a segment can have"}
	}
	return n, nil
}

// scanLog reads all segments and checks everything that can be checked without
// the snapshots. It changes nothing.
func scanLog(fs vfs.FS, path string, voter Voter, numbers []uint64) (*scan, error) {
	s := &scan{}
	for i, n := range numbers {
		name := filepath.Join(path, segmentName(n))
		data, err := vfs.ReadFile(fs, name)
		if err != nil {
			return nil, fmt.Errorf("quorum: read %s: %w", name, err)
		}
		r := segmentReader{scan: s, name: name, data: data, voter: voter, salt: saltOf(voter), later: len(numbers) - 1 - i}
		if err := r.read(n, i == 0); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// segmentReader adds one segment to a scan.
type segmentReader struct {
	*scan
	name  string
	data  []byte
	voter Voter
	salt  uint32
	later int // segments after this one
	// seen, if set, hears of every good block.
	seen func(off int64, sequence uint64, records []walRecord)
}

func (r *segmentReader) corrupt(off int64, format string, args ...any) error {
	return &CorruptionError{File: r.name, Offset: off, Reason: fmt.Sprintf(format, args...)}
}

func (r *segmentReader) read(number uint64, first bool) error {
	off, err := r.readHead(number, first)
	if err != nil {
		return err
	}
	headEnd, sealed := off, false
	for !sealed {
		n, seal, ok := r.readBlock(off)
		if !ok {
			break
		}
		off, sealed = off+n, seal
	}
	rest := r.data[off:]
	r.end, r.dirty = off, 0
	switch {
	case sealed && !allZero(rest):
		return r.corrupt(off, "data after the end of a sealed segment")
	case sealed && r.later == 0:
		return r.corrupt(-1, "the segment is complete, but the one after it is missing")
	case r.seal != nil && (off > headEnd || r.later > 0):
		return r.corrupt(0, "the segment is in use, but the one before it does not end properly")
	case sealed:
		return nil
	case !allZero(rest):
		r.dirty = int64(len(rest))
		if err := r.explainTorn(off); err != nil {
			return err
		}
	}
	if r.later == 1 {
		r.expectSeal(off)
	} else if r.later > 1 {
		return r.corrupt(off, "the segment ends here, but later segments exist")
	}
	return nil
}

// expectSeal goes on as if the seal at off had been written. The next segment
// tells whether that can be.
func (r *segmentReader) expectSeal(off int64) {
	m := &missingSeal{name: r.name, off: off, dirty: r.dirty}
	m.block, r.at = appendBlock(nil, []byte{kindSeal}, r.at, r.salt)
	r.seal = m
}

// firstBlock decodes the first block, whoever wrote it.
func (r *segmentReader) firstBlock() (blockHead, []walRecord, error) {
	h, ok := parseHead(r.data)
	if !ok || int(h.length) > len(r.data)-blockHeader || !h.bodyOK(r.data[blockHeader:blockHeader+int(h.length)]) {
		return h, nil, r.corrupt(0, "the segment's first block is damaged")
	}
	records, err := parseRecords(r.data[blockHeader:blockHeader+int(h.length)], nil)
	if err != nil || len(records) != 1 || records[0].kind != kindHead {
		return h, nil, r.corrupt(0, "the segment's first block is not a head of version %d", walVersion)
	}
	return h, records, nil
}

// readHead checks the first block and returns where the second one starts.
func (r *segmentReader) readHead(number uint64, first bool) (int64, error) {
	h, records, err := r.firstBlock()
	if err != nil {
		return 0, err
	}
	head := records[0].head
	if head.voter != r.voter {
		return 0, &IdentityError{Path: filepath.Dir(r.name), Found: head.voter, Expected: r.voter}
	}
	if first {
		r.at = position{h.sequence - 1, h.chain}
	}
	switch {
	case head.segment != number:
		return 0, r.corrupt(0, "the file holds segment %d", head.segment)
	case !h.follows(r.at, r.salt):
		return 0, r.corrupt(0, "the segment does not continue the one before")
	case head.size != uint64(len(r.data)):
		return 0, r.corrupt(int64(len(r.data)), "the segment has %d bytes, it was created with %d", len(r.data), head.size)
	}
	r.at = position{h.sequence, h.crc}
	r.state = head.state
	r.segments = append(r.segments, head)
	if r.seen != nil {
		r.seen(0, h.sequence, records)
	}
	return int64(blockHeader) + int64(h.length), nil
}

// readBlock takes in the block at off and returns its size.
func (r *segmentReader) readBlock(off int64) (size int64, seal, ok bool) {
	rest := r.data[off:]
	h, ok := parseHead(rest)
	if !ok || !h.follows(r.at, r.salt) || int(h.length) > len(rest)-blockHeader {
		return 0, false, false
	}
	n := blockHeader + int(h.length)
	if !h.bodyOK(rest[blockHeader:n]) {
		return 0, false, false
	}
	before := len(r.records)
	records, err := parseRecords(rest[blockHeader:n], r.records)
	if err != nil {
		return 0, false, false
	}
	for _, rec := range records[before:] {
		switch rec.kind {
		case kindState:
			r.state = rec.state
		case kindSeal:
			seal = true
		case kindHead:
			return 0, false, false
		}
	}
	r.records = records
	r.at = position{h.sequence, h.crc}
	if r.seen != nil {
		r.seen(off, h.sequence, records[before:])
	}
	return int64(n), seal, true
}

// explainTorn returns nil if what is at off can be the torn end of a write that
// never completed, and a *CorruptionError if it can't.
func (r *segmentReader) explainTorn(off int64) error {
	for p := off + blockAlign; p+blockHeader <= int64(len(r.data)); p += blockAlign {
		if h, ok := parseHead(r.data[p:]); ok && h.salt == r.salt && h.sequence > r.at.sequence+1 {
			return r.corrupt(off, "damaged block; the later one at byte %d proves that it had been written completely", p)
		}
	}
	rest := r.data[off:]
	h, ok := parseHead(rest)
	switch {
	case !ok && (allZero(rest[:min(len(rest), blockHeader)]) || allZero(rest[min(len(rest), blockHeader):])):
		return nil // a body never is all zeros
	case !ok:
		return r.corrupt(off, "damaged block header")
	case !h.follows(r.at, r.salt):
		return r.corrupt(off, "block %d where block %d of this log belongs", h.sequence, r.at.sequence+1)
	case int(h.length) > len(rest)-blockHeader:
		return r.corrupt(off, "block of %d bytes reaches past the end of the segment", h.length)
	}
	body, after := rest[blockHeader:blockHeader+h.length], rest[blockHeader+h.length:]
	switch {
	case h.bodyOK(body):
		return r.corrupt(off, "block with a good checksum holds no valid records")
	case !hasZeroSector(body, off+blockHeader) && body[len(body)-1] != 0:
		return r.corrupt(off, "checksum mismatch in a block that had been written completely")
	case !allZero(after):
		return r.corrupt(off, "data after the last block")
	}
	return nil
}

// openWAL continues a scanned log: it completes an interrupted change of
// segments, clears a torn block, and makes what was read durable (a killed
// process may have left it in the page cache only).
func openWAL(fs vfs.FS, path string, voter Voter, segmentBytes int64, s *scan) (*wal, error) {
	w := &wal{fs: fs, path: path, voter: voter, salt: saltOf(voter), bytes: segmentBytes, at: s.at, state: s.state, segments: s.segments, off: s.end}
	w.last = s.lastPoint()
	if m := s.seal; m != nil {
		f, err := openCleared(fs, m.name, m.off, m.dirty)
		if err == nil {
			err = writeSeal(f, m.name, m.block, m.off)
		}
		if err != nil {
			return nil, fmt.Errorf("quorum: %w", err)
		}
	}
	var err error
	if w.file, err = openCleared(fs, w.name(), s.end, s.dirty); err != nil {
		return nil, fmt.Errorf("quorum: %w", err)
	}
	return w, nil
}

// openCleared opens a segment, overwrites a torn block with zeros and syncs.
func openCleared(fs vfs.FS, name string, off, dirty int64) (vfs.File, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	if dirty > 0 {
		_, err = f.WriteAt(make([]byte, dirty), off)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("clear the torn end of %s: %w", name, err), f.Close())
	}
	return f, nil
}

// lastPoint is the last entry that the log was told of.
func (s *scan) lastPoint() logPoint {
	last := s.segments[len(s.segments)-1].before
	for _, r := range s.records {
		switch r.kind {
		case kindEntry:
			last = logPoint{r.entry.GetIndex(), r.entry.GetTerm()}
		case kindSnapshot:
			if r.point.index > last.index {
				last = r.point
			}
		}
	}
	return last
}
