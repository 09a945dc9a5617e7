package commitlog

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/milena-io/milena/internal/record"
)

// countingReader counts what is read through it.
type countingReader struct {
	r    io.ReaderAt
	read int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.read += len(p)
	return c.r.ReadAt(p, off)
}

// A walk for headers finds the same batches as one that checks them, whatever
// their sizes, and leaves out what large ones contain.
func TestWalkOfHeadersSkipsContents(t *testing.T) {
	var file []byte
	offset := int64(7)
	add := func(b record.Batch) {
		b.SetBaseOffset(offset)
		offset = b.NextOffset()
		file = append(file, b...)
	}
	for range 3 {
		add(makeBatch(1, 20, 1))
		add(makeBatch(2, 300_000, 1))
		add(record.ControlBatch(record.Abort, 0, 1, 0, 5))
		add(makeBatch(1, skipFrom, 1))
		add(makeBatch(1, 2*walkBuffer, 1))
	}
	type place struct{ pos, first, next int64 }
	walk := func(crc bool) (places []place, read int) {
		r := &countingReader{r: bytes.NewReader(file)}
		w := newWalker(r, 0, int64(len(file)), 7, walkRules{contiguous: true, crc: crc})
		defer w.close()
		for {
			b, pos, err := w.step()
			if errors.Is(err, io.EOF) {
				return places, r.read
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.IsControl() && len(b) != b.Size() {
				t.Fatalf("a control batch of %d bytes came with %d", b.Size(), len(b))
			}
			places = append(places, place{pos, b.BaseOffset(), b.NextOffset()})
		}
	}
	want, _ := walk(true)
	got, read := walk(false)
	if len(want) != 15 || len(got) != len(want) {
		t.Fatalf("%d batches with contents, %d without", len(want), len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("batch %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	if read > len(file)/2 {
		t.Errorf("read %d bytes of %d", read, len(file))
	}
}
