package record

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxZstdWindow is what Java's decoder accepts; the window is not allocated,
	// because whole payloads are decoded into one buffer.
	maxZstdWindow = 128 << 20
	// zstdEncodeWindow keeps an encoder's tables small; batches rarely exceed it.
	zstdEncodeWindow = 1 << 20
	// maxZstdBlock is what one block can yield, however small it is.
	maxZstdBlock = 128 << 10
	// zstdFirstRoom is the least capacity to start decoding with.
	zstdFirstRoom = 64 << 10
	// zstdSlack is how far the upper bound from block headers may be above the
	// limit before a payload is refused undecoded.
	zstdSlack = 2

	zstdBlockHeader = 3
	zstdChecksum    = 4
	zstdRaw         = 0
	zstdRLE         = 1
	zstdCompressed  = 2
)

var (
	zstdMu       sync.Mutex
	zstdEncoders [zstd.SpeedBestCompression + 1]*zstd.Encoder
	zstdDecoder  = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
	})
)

// zstdEncoder returns the shared encoder of a level; EncodeAll is safe for
// concurrent use and keeps its own pool of states.
func zstdEncoder(level int) (*zstd.Encoder, error) {
	if level == DefaultLevel {
		level = 3
	}
	speed := zstd.EncoderLevelFromZstd(level)
	zstdMu.Lock()
	defer zstdMu.Unlock()
	if zstdEncoders[speed] == nil {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithWindowSize(zstdEncodeWindow),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		zstdEncoders[speed] = e
	}
	return zstdEncoders[speed], nil
}

func compressZstd(dst, src []byte, level int) ([]byte, error) {
	e, err := zstdEncoder(level)
	if err != nil {
		return nil, err
	}
	if len(src) == 0 {
		// The encoder writes nothing for no input, which Java can't read.
		return append(dst, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00), nil
	}
	return e.EncodeAll(src, dst), nil
}

// decompressZstd reads the block headers first: their sum is an upper bound of
// the output that no payload can pass. The decoder is then free to grow its
// buffer with what it really produces, at most to that bound.
func decompressZstd(dst, src []byte, maxBytes int) ([]byte, error) {
	bound, err := zstdBound(src)
	switch {
	case err != nil:
		return nil, err
	case bound.least > int64(maxBytes) || bound.most > zstdSlack*int64(maxBytes)+maxZstdBlock:
		return nil, tooLarge(maxBytes)
	}
	d, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	if want := max(8*len(src), zstdFirstRoom); cap(dst) < want {
		dst = make([]byte, 0, min(int64(want), bound.most+maxZstdBlock))
	}
	out, err := d.DecodeAll(src, dst[:0])
	if err != nil {
		return nil, malformed("zstd frame", err)
	}
	if len(out) > maxBytes {
		return nil, tooLarge(maxBytes)
	}
	return out, nil
}

// zstdOutput brackets what frames decompress to.
type zstdOutput struct{ least, most int64 }

// zstdBound walks the frames of src by their block headers.
func zstdBound(src []byte) (zstdOutput, error) {
	var total zstdOutput
	for len(src) > 0 {
		var h zstd.Header
		if err := h.Decode(src); err != nil {
			return total, malformed("zstd header", err)
		}
		if h.HeaderSize > len(src) {
			return total, malformed("zstd header is cut off", nil)
		}
		src = src[h.HeaderSize:]
		if h.Skippable {
			if uint64(h.SkippableSize) > uint64(len(src)) {
				return total, malformed("zstd frame is cut off", nil)
			}
			src = src[h.SkippableSize:]
			continue
		}
		frame, rest, err := zstdBlocks(src)
		if err != nil {
			return total, err
		}
		if h.HasFCS {
			size := int64(min(h.FrameContentSize, 1<<62))
			if size < frame.least || size > frame.most {
				return total, malformed("zstd frame declares a size its blocks can't have", nil)
			}
			frame = zstdOutput{size, size}
		}
		if src = rest; h.HasCheckSum {
			src = src[min(zstdChecksum, len(src)):]
		}
		total.least += frame.least
		total.most += frame.most
	}
	return total, nil
}

func zstdBlocks(src []byte) (out zstdOutput, rest []byte, err error) {
	for last := false; !last; {
		if len(src) < zstdBlockHeader {
			return out, nil, malformed("zstd frame is cut off", nil)
		}
		h := int(src[0]) | int(src[1])<<8 | int(src[2])<<16
		src = src[zstdBlockHeader:]
		last = h&1 != 0
		size, stored := h>>3, h>>3
		switch h >> 1 & 3 {
		case zstdRaw:
			out.least += int64(size)
			out.most += int64(size)
		case zstdRLE:
			out.least += int64(size)
			out.most += int64(size)
			stored = 1
		case zstdCompressed:
			out.most += maxZstdBlock
		default:
			return out, nil, malformed("zstd block type", nil)
		}
		if size > maxZstdBlock || stored > len(src) {
			return out, nil, malformed("zstd block is longer than its frame allows", nil)
		}
		src = src[stored:]
	}
	return out, src, nil
}
