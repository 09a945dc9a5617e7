package record

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/klauspost/compress/s2"
)

// Java clients wrap snappy in the xerial framing: a 16-byte header (magic,
// version 1, compatible version 1) and then blocks, each an int32 length and a
// raw snappy block. Other clients send one raw block. Both are read, the
// framing is written.
const (
	xerialHeader    = "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	xerialMagicSize = 8
	xerialBlock     = 32 << 10

	// maxSnappyRatio is a copy element of 3 bytes that yields 64, rounded up.
	maxSnappyRatio = 22
)

func compressSnappy(dst, src []byte) []byte {
	dst = append(dst, xerialHeader...)
	for len(src) > 0 {
		block := src[:min(len(src), xerialBlock)]
		src = src[len(block):]
		at := len(dst)
		need := 4 + s2.MaxEncodedLen(len(block))
		if cap(dst)-at < need {
			dst = append(dst, make([]byte, need)...)
		}
		dst = dst[:at+need]
		n := len(s2.EncodeSnappy(dst[at+4:], block))
		binary.BigEndian.PutUint32(dst[at:], uint32(n))
		dst = dst[:at+4+n]
	}
	return dst
}

func decompressSnappy(dst, src []byte, maxBytes int) ([]byte, error) {
	if len(src) < len(xerialHeader) || !bytes.Equal(src[:xerialMagicSize], []byte(xerialHeader[:xerialMagicSize])) {
		return appendSnappyBlock(dst, src, maxBytes)
	}
	src = src[len(xerialHeader):]
	var err error
	for len(src) > 0 {
		if len(src) < 4 {
			return nil, malformed("snappy block length is cut off", nil)
		}
		n := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(n) > uint64(len(src)) {
			return nil, malformed("snappy block is longer than the payload", nil)
		}
		if dst, err = appendSnappyBlock(dst, src[:n], maxBytes); err != nil {
			return nil, err
		}
		src = src[n:]
	}
	return dst, nil
}

// appendSnappyBlock believes the size a block declares only as far as the
// block's own length can produce it.
func appendSnappyBlock(dst, block []byte, maxBytes int) ([]byte, error) {
	n, err := s2.DecodedLen(block)
	switch {
	case err != nil:
		return nil, malformed("snappy block header", err)
	case n > maxBytes-len(dst):
		return nil, tooLarge(maxBytes)
	case n > maxSnappyRatio*len(block):
		return nil, malformed("snappy block declares more than it can hold", nil)
	}
	at := len(dst)
	if cap(dst)-at < n {
		bigger := make([]byte, at, min(max(at+n, 2*cap(dst)), max(maxBytes, at+n)))
		copy(bigger, dst)
		dst = bigger
	}
	// A block whose literals are cut off may yield less than it declared: s2
	// reports that as an error too.
	out, err := s2.Decode(dst[at:at+n:at+n], block)
	if err != nil || len(out) != n || n == math.MaxInt {
		return nil, malformed("snappy block", err)
	}
	return dst[:at+n], nil
}
