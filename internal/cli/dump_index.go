package cli

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"strings"

	"github.com/milena-io/milena/internal/record"
)

type offsetEntry struct {
	Offset   int64 `json:"offset"`
	Position int64 `json:"position"`
}

type timeEntry struct {
	Timestamp int64 `json:"timestamp"`
	Offset    int64 `json:"offset"`
}

// indexEntries cuts an index into entries. Trailing zeros are room for entries
// to come; a partial entry at the end is a problem.
func (d *dumper) indexEntries(size int) (base int64, entries [][]byte, err error) {
	if base, err = segmentBase(d.path); err != nil {
		return 0, nil, err
	}
	data, err := d.content()
	if err != nil {
		return 0, nil, err
	}
	if len(data)%size != 0 {
		d.problem("%d bytes are no whole number of entries of %d bytes", len(data), size)
	}
	for ; len(data) >= size; data = data[size:] {
		if len(entries) > 0 && len(strings.Trim(string(data[:size]), "\x00")) == 0 {
			break
		}
		entries = append(entries, data[:size])
	}
	return base, entries, nil
}

func (d *dumper) offsetIndex() error {
	base, raw, err := d.indexEntries(8)
	if err != nil {
		return err
	}
	batches, err := d.siblingBatches(".index")
	if err != nil {
		return err
	}
	last := offsetEntry{-1, -1}
	for _, b := range raw {
		e := offsetEntry{base + int64(int32(binary.BigEndian.Uint32(b))), int64(int32(binary.BigEndian.Uint32(b[4:])))}
		if e.Offset <= last.Offset || e.Position <= last.Position {
			d.problem("entry %d at %d follows entry %d at %d: both must grow", e.Offset, e.Position, last.Offset, last.Position)
		}
		last = e
		if d.verify && batches != nil {
			if b, ok := batches.at(e.Position); !ok || b.last != e.Offset {
				d.problem("entry %d points to position %d, where no batch ends with that offset", e.Offset, e.Position)
			}
		}
		if err := d.show(e, func(w io.Writer) { fmt.Fprintf(w, "offset: %d position: %d\n", e.Offset, e.Position) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) timeIndex() error {
	base, raw, err := d.indexEntries(12)
	if err != nil {
		return err
	}
	batches, err := d.siblingBatches(".timeindex")
	if err != nil {
		return err
	}
	last := timeEntry{-1, -1}
	for _, b := range raw {
		e := timeEntry{int64(binary.BigEndian.Uint64(b)), base + int64(int32(binary.BigEndian.Uint32(b[8:])))}
		if e.Timestamp <= last.Timestamp || e.Offset < last.Offset {
			d.problem("entry %d at offset %d follows entry %d at offset %d: both must grow", e.Timestamp, e.Offset, last.Timestamp, last.Offset)
		}
		last = e
		if d.verify && batches != nil {
			if max, ok := batches.maxTimestamp(e.Offset); !ok || max != e.Timestamp {
				d.problem("entry %d at offset %d: the largest timestamp up to there is %d", e.Timestamp, e.Offset, max)
			}
		}
		if err := d.show(e, func(w io.Writer) { fmt.Fprintf(w, "timestamp: %d offset: %d\n", e.Timestamp, e.Offset) }); err != nil {
			return err
		}
	}
	return nil
}

// batchRange is what an index can be checked against.
type batchRange struct{ pos, first, last, maxTS int64 }

// batchTable lists the batches of a segment in order; maxTS is the largest
// timestamp so far.
type batchTable []batchRange

// siblingBatches lists the batches of the segment that an index belongs to,
// when it is being verified; nil when there is no such segment.
func (d *dumper) siblingBatches(suffix string) (batchTable, error) {
	if !d.verify {
		return nil, nil
	}
	t := batchTable{}
	largest := int64(-1)
	_, _, err := eachBatch(strings.TrimSuffix(d.path, suffix)+".log", func(pos int64, b record.Batch) error {
		largest = max(largest, b.MaxTimestamp())
		t = append(t, batchRange{pos, b.BaseOffset(), b.LastOffset(), largest})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return t, nil // damage of the segment itself is reported with the segment
}

func (t batchTable) at(pos int64) (batchRange, bool) {
	i := sort.Search(len(t), func(i int) bool { return t[i].pos >= pos })
	if i == len(t) || t[i].pos != pos {
		return batchRange{}, false
	}
	return t[i], true
}

func (t batchTable) maxTimestamp(offset int64) (int64, bool) {
	i := sort.Search(len(t), func(i int) bool { return t[i].last >= offset })
	if i == len(t) {
		return -1, false
	}
	return t[i].maxTS, true
}
