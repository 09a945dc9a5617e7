package wire

import (
	"encoding/binary"
	"io"
)

// SizePrefix is the bytes before a frame.
const SizePrefix = 4

// frameStep bounds how far the buffer of ReadFrame runs ahead of the bytes that
// have come.
const frameStep = 64 << 10

// ParseSize reads the length before a frame; a negative one or one above
// maxBytes is a *SizeError.
func ParseSize(prefix [SizePrefix]byte, maxBytes int) (int, error) {
	n := int(int32(binary.BigEndian.Uint32(prefix[:])))
	if n < 0 || n > maxBytes {
		return 0, &SizeError{Size: n, Max: maxBytes}
	}
	return n, nil
}

// ReadFrame reads size bytes from r into buf, reusing its memory. The buffer
// grows with the bytes received, at most doubling: a client that announces a
// large frame and sends nothing costs one step.
func ReadFrame(r io.Reader, buf []byte, size int) ([]byte, error) {
	buf = buf[:0]
	for len(buf) < size {
		if len(buf) == cap(buf) {
			bigger := make([]byte, len(buf), min(size, max(frameStep, 2*len(buf))))
			copy(bigger, buf)
			buf = bigger
		}
		part := buf[len(buf):min(size, cap(buf))]
		n, err := io.ReadFull(r, part)
		buf = buf[:len(buf)+n]
		if err != nil {
			if err == io.EOF { // inside a frame it is no regular end
				err = io.ErrUnexpectedEOF
			}
			return buf, err
		}
	}
	return buf, nil
}
