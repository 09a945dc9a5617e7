package record

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// The lz4 frame format, as far as Kafka uses it, little-endian:
//
//	magic(4) FLG(1) BD(1) [content size(8)] HC(1)
//	{ size(4; top bit = stored) block [xxh32(4)] }  0(4) [xxh32 of contents(4)]
//
// Written: independent 64 KiB blocks, no checksums, the only settings Java's
// reader and writer agree on everywhere. Read: any block size, block and content
// checksums, linked blocks.
const (
	lz4Magic     = 0x184D2204
	lz4Header    = "\x04\x22\x4d\x18\x60\x40\x82" // version 1, independent; 64 KiB; header checksum
	lz4BlockSize = 64 << 10
	lz4Stored    = 1 << 31

	lz4FlagVersion      = 0xc0
	lz4FlagIndependent  = 0x20
	lz4FlagBlockSum     = 0x10
	lz4FlagContentSize  = 0x08
	lz4FlagContentSum   = 0x04
	lz4FlagDict         = 0x01
	lz4FastLevel        = 9   // Kafka's default level means the fast compressor
	maxLz4Ratio         = 255 // a run length byte yields 255 bytes
	lz4DictWindow       = 64 << 10
	lz4BlockSizeIDFirst = 4
)

var (
	lz4Fast = sync.Pool{New: func() any { return new(lz4.Compressor) }}
	lz4High = sync.Pool{New: func() any { return new(lz4.CompressorHC) }}
)

func compressLz4(dst, src []byte, level int) ([]byte, error) {
	compress, done := lz4Compressor(level)
	defer done()
	dst = append(dst, lz4Header...)
	for len(src) > 0 {
		block := src[:min(len(src), lz4BlockSize)]
		src = src[len(block):]
		at := len(dst)
		need := 4 + lz4.CompressBlockBound(len(block))
		if cap(dst)-at < need {
			dst = append(dst, make([]byte, need)...)
		}
		dst = dst[:at+need]
		n, err := compress(block, dst[at+4:])
		if err != nil {
			return nil, err
		}
		if n == 0 || n >= len(block) { // incompressible
			n = copy(dst[at+4:], block)
			binary.LittleEndian.PutUint32(dst[at:], uint32(n)|lz4Stored)
		} else {
			binary.LittleEndian.PutUint32(dst[at:], uint32(n))
		}
		dst = dst[:at+4+n]
	}
	return append(dst, 0, 0, 0, 0), nil
}

// lz4Compressor picks the compressor for Kafka's level 1–17: 9 is the fast one,
// the others set the search depth, of which the library has nine.
func lz4Compressor(level int) (compress func(src, dst []byte) (int, error), done func()) {
	if level == DefaultLevel || level == lz4FastLevel {
		c := lz4Fast.Get().(*lz4.Compressor)
		return c.CompressBlock, func() { lz4Fast.Put(c) }
	}
	c := lz4High.Get().(*lz4.CompressorHC)
	c.Level = lz4.CompressionLevel(1 << (8 + min(max(level, 1), 9)))
	return c.CompressBlock, func() { lz4High.Put(c) }
}

// lz4Frame is what a frame header says.
type lz4Frame struct {
	blockMax   int
	linked     bool
	blockSum   bool
	contentSum bool
}

func decompressLz4(dst, src []byte, maxBytes int) ([]byte, error) {
	f, src, err := readLz4Header(src)
	if err != nil {
		return nil, err
	}
	for {
		if len(src) < 4 {
			return nil, malformed("lz4 frame has no end mark", nil)
		}
		size := binary.LittleEndian.Uint32(src)
		src = src[4:]
		if size == 0 {
			break
		}
		n := int(size &^ lz4Stored)
		if n > f.blockMax || n > len(src) {
			return nil, malformed("lz4 block is longer than its frame allows", nil)
		}
		block := src[:n]
		src = src[n:]
		if f.blockSum {
			if len(src) < 4 || binary.LittleEndian.Uint32(src) != xxh32(block) {
				return nil, malformed("lz4 block checksum", nil)
			}
			src = src[4:]
		}
		if dst, err = f.appendBlock(dst, block, size&lz4Stored != 0); err != nil {
			return nil, err
		}
		if len(dst) > maxBytes {
			return nil, tooLarge(maxBytes)
		}
	}
	if f.contentSum && (len(src) < 4 || binary.LittleEndian.Uint32(src) != xxh32(dst)) {
		return nil, malformed("lz4 content checksum", nil)
	}
	return dst, nil // what follows the frame is ignored, as Java does
}

// appendBlock may overshoot the caller's limit by one block, at most 4 MiB and
// at most 255 times the block's own length.
func (f lz4Frame) appendBlock(dst, block []byte, stored bool) ([]byte, error) {
	if stored {
		return append(dst, block...), nil
	}
	at := len(dst)
	room := min(f.blockMax, maxLz4Ratio*len(block))
	if cap(dst)-at < room {
		bigger := make([]byte, at, max(at+room, min(2*cap(dst), 2*at+room)))
		copy(bigger, dst)
		dst = bigger
	}
	var n int
	var err error
	if f.linked {
		n, err = lz4.UncompressBlockWithDict(block, dst[at:at+room], dst[max(0, at-lz4DictWindow):at])
	} else {
		n, err = lz4.UncompressBlock(block, dst[at:at+room])
	}
	if err != nil {
		return nil, malformed("lz4 block", err)
	}
	return dst[:at+n], nil
}

func readLz4Header(src []byte) (lz4Frame, []byte, error) {
	var f lz4Frame
	if len(src) < len(lz4Header) || binary.LittleEndian.Uint32(src) != lz4Magic {
		return f, nil, malformed("not an lz4 frame", nil)
	}
	flags, id := src[4], int(src[5]>>4)
	if flags&lz4FlagVersion != 0x40 || flags&lz4FlagDict != 0 || id < lz4BlockSizeIDFirst || id > 7 {
		return f, nil, malformed("lz4 frame settings", nil)
	}
	end := 6
	if flags&lz4FlagContentSize != 0 {
		end += 8 // not needed: the output grows block by block
	}
	if len(src) <= end || src[end] != byte(xxh32(src[4:end])>>8) {
		return f, nil, malformed("lz4 header checksum", nil)
	}
	f.blockMax = 1 << (8 + 2*id)
	f.linked = flags&lz4FlagIndependent == 0
	f.blockSum = flags&lz4FlagBlockSum != 0
	f.contentSum = flags&lz4FlagContentSum != 0
	return f, src[end+1:], nil
}

const (
	xxPrime1 uint32 = 2654435761
	xxPrime2 uint32 = 2246822519
	xxPrime3 uint32 = 3266489917
	xxPrime4 uint32 = 668265263
	xxPrime5 uint32 = 374761393
)

// xxh32 is the 32-bit xxHash with seed 0, the checksum of lz4 frames.
func xxh32(p []byte) uint32 {
	h := xxPrime5
	n := uint32(len(p))
	if len(p) >= 16 {
		// Constant expressions would overflow, hence the variables.
		p1, p2 := xxPrime1, xxPrime2
		v := [4]uint32{p1 + p2, p2, 0, -p1}
		for ; len(p) >= 16; p = p[16:] {
			for i := range v {
				lane := binary.LittleEndian.Uint32(p[4*i:])
				v[i] = bits.RotateLeft32(v[i]+lane*xxPrime2, 13) * xxPrime1
			}
		}
		h = bits.RotateLeft32(v[0], 1) + bits.RotateLeft32(v[1], 7) + bits.RotateLeft32(v[2], 12) + bits.RotateLeft32(v[3], 18)
	}
	h += n
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*xxPrime3, 17) * xxPrime4
	}
	for _, c := range p {
		h = bits.RotateLeft32(h+uint32(c)*xxPrime5, 11) * xxPrime1
	}
	h = (h ^ h>>15) * xxPrime2
	h = (h ^ h>>13) * xxPrime3
	return h ^ h>>16
}
