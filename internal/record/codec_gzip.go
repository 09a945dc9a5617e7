package record

import (
	"bytes"
	"errors"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipWriters has one pool per level from -1 to 9.
var (
	gzipWriters [11]sync.Pool
	gzipReaders sync.Pool
)

type gzipReader struct {
	src bytes.Reader
	z   gzip.Reader
}

type appendWriter struct{ b []byte }

func (w *appendWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

func compressGzip(dst, src []byte, level int) ([]byte, error) {
	if level == DefaultLevel {
		level = gzip.DefaultCompression
	}
	level = min(max(level, gzip.DefaultCompression), gzip.BestCompression)
	pool := &gzipWriters[level+1]
	out := &appendWriter{b: dst}
	z, ok := pool.Get().(*gzip.Writer)
	if !ok {
		var err error
		if z, err = gzip.NewWriterLevel(out, level); err != nil {
			return nil, err
		}
	}
	z.Reset(out)
	_, err := z.Write(src)
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	z.Reset(io.Discard) // so that the pool holds no caller's memory
	pool.Put(z)
	return out.b, nil
}

// decompressGzip grows the output with what the stream really yields: the size
// in a gzip trailer can't be trusted.
func decompressGzip(dst, src []byte, maxBytes int) ([]byte, error) {
	r, ok := gzipReaders.Get().(*gzipReader)
	if !ok {
		r = new(gzipReader)
	}
	defer func() {
		r.src.Reset(nil)
		gzipReaders.Put(r)
	}()
	r.src.Reset(src)
	if err := r.z.Reset(&r.src); err != nil {
		return nil, malformed("gzip header", err)
	}
	limit := maxBytes + 1 // one more byte than allowed shows the excess
	if maxBytes == math.MaxInt {
		limit = maxBytes
	}
	for {
		if len(dst) == cap(dst) {
			if dst = grown(dst, limit); len(dst) == cap(dst) {
				return nil, tooLarge(maxBytes)
			}
		}
		n, err := r.z.Read(dst[len(dst):min(cap(dst), limit)])
		dst = dst[:len(dst)+n]
		if len(dst) > maxBytes {
			return nil, tooLarge(maxBytes)
		}
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return nil, malformed("gzip stream", err)
		}
	}
}
