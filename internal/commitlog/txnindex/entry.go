// Package txnindex keeps the aborted transactions of one segment, so that a
// read_committed fetch can tell a consumer which records to skip.
//
// A .txnindex file is a run of entries of 34 bytes, all big-endian, in the order
// in which the abort markers lie in the log:
//
//	0        2                 10                18                26                34
//	+--------+-----------------+-----------------+-----------------+-----------------+
//	| version| producer id     | first offset    | last offset     | last stable     |
//	| int16=0| int64           | int64, of the   | int64, of the   | offset, int64,  |
//	|        |                 | first record    | abort marker    | after this abort|
//	+--------+-----------------+-----------------+-----------------+-----------------+
//
// An entry lies in the segment of its marker, while the records may lie in
// earlier ones. The last stable offset bounds the search: when it reaches the
// end of the range a reader is interested in, later entries can't concern it.
//
// Invariants: last offsets rise strictly; first ≤ last. A segment without aborts
// has no file. The file carries no checksum (Kafka's format), so Check verifies
// what can be verified and the log rebuilds the file where it must not be
// trusted.
//
// Concurrency: Index is safe for concurrent use; readers see whole entries.
package txnindex

import (
	"encoding/binary"
	"fmt"
)

// EntrySize is the length of one entry on disk.
const EntrySize = 34

const version = 0

// Suffix of the index files.
const Suffix = ".txnindex"

// Entry is one aborted transaction.
type Entry struct {
	ProducerID       int64
	FirstOffset      int64 // first record of the transaction
	LastOffset       int64 // the abort marker
	LastStableOffset int64 // first undecided offset once this transaction had ended
}

// CorruptError reports an entry that can't be true.
type CorruptError struct {
	Pos    int64 // byte position in the file
	Reason string
}

// Error names the position and the reason.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt transaction index at byte %d: %s", e.Pos, e.Reason)
}

// AppendTo adds the encoded entry to dst.
func (e Entry) AppendTo(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, version)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.ProducerID))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.FirstOffset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.LastOffset))
	return binary.BigEndian.AppendUint64(dst, uint64(e.LastStableOffset))
}

// Encode is the content of an index file.
func Encode(entries []Entry) []byte {
	dst := make([]byte, 0, len(entries)*EntrySize)
	for _, e := range entries {
		dst = e.AppendTo(dst)
	}
	return dst
}

// Parse reads an index file of the segment that begins at base. A file that is
// cut inside an entry, goes backwards or points before the segment is a
// *CorruptError.
func Parse(data []byte, base int64) ([]Entry, error) {
	if rest := len(data) % EntrySize; rest != 0 {
		return nil, &CorruptError{Pos: int64(len(data) - rest), Reason: fmt.Sprintf("%d trailing bytes", rest)}
	}
	if len(data) == 0 {
		return nil, nil
	}
	entries := make([]Entry, 0, len(data)/EntrySize)
	last := base - 1
	for pos := 0; pos < len(data); pos += EntrySize {
		e, err := decode(data[pos:pos+EntrySize], last)
		if err != nil {
			return nil, &CorruptError{Pos: int64(pos), Reason: err.Error()}
		}
		entries, last = append(entries, e), e.LastOffset
	}
	return entries, nil
}

func decode(b []byte, prevLast int64) (Entry, error) {
	if v := int16(binary.BigEndian.Uint16(b)); v != version {
		return Entry{}, fmt.Errorf("version %d, want %d", v, version)
	}
	e := Entry{
		ProducerID:       int64(binary.BigEndian.Uint64(b[2:])),
		FirstOffset:      int64(binary.BigEndian.Uint64(b[10:])),
		LastOffset:       int64(binary.BigEndian.Uint64(b[18:])),
		LastStableOffset: int64(binary.BigEndian.Uint64(b[26:])),
	}
	return e, e.check(prevLast)
}

func (e Entry) check(prevLast int64) error {
	switch {
	case e.ProducerID < 0:
		return fmt.Errorf("producer id %d", e.ProducerID)
	case e.FirstOffset < 0 || e.FirstOffset > e.LastOffset:
		return fmt.Errorf("offsets %d to %d", e.FirstOffset, e.LastOffset)
	case e.LastOffset <= prevLast:
		return fmt.Errorf("marker at %d does not follow %d", e.LastOffset, prevLast)
	case e.LastStableOffset < 0 || e.LastStableOffset > e.LastOffset+1:
		return fmt.Errorf("last stable offset %d with a marker at %d", e.LastStableOffset, e.LastOffset)
	}
	return nil
}
