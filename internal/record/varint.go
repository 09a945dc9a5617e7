package record

import "encoding/binary"

// Zigzag varints as in protobuf; int32 fields take at most 5 bytes, int64 10.
// The readers return n = 0 when the bytes are cut off or too long.

func varint(b []byte) (v int32, n int) {
	if len(b) > 0 && b[0] < 0x80 { // most fields of a record
		return int32(b[0]>>1) ^ -int32(b[0]&1), 1
	}
	var u uint32
	for i := 0; i < len(b) && i < 5; i++ {
		u |= uint32(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return int32(u>>1) ^ -int32(u&1), i + 1
		}
	}
	return 0, 0
}

func varlong(b []byte) (v int64, n int) {
	var u uint64
	for i := 0; i < len(b) && i < 10; i++ {
		u |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i + 1
		}
	}
	return 0, 0
}

func appendVarint(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

func varintSize(v int64) int {
	n := 1
	for u := uint64(v)<<1 ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
