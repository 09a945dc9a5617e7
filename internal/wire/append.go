package wire

import "encoding/binary"

// Primitives of the protocol for hand-made encoders; each appends to dst.

// AppendInt8 appends one byte.
func AppendInt8(dst []byte, v int8) []byte { return append(dst, byte(v)) }

// AppendBool appends 0 or 1.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendInt16 appends two bytes.
func AppendInt16(dst []byte, v int16) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v)) }

// AppendInt32 appends four bytes.
func AppendInt32(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }

// AppendInt64 appends eight bytes.
func AppendInt64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

// AppendUvarint appends an unsigned varint.
func AppendUvarint(dst []byte, v uint32) []byte { return binary.AppendUvarint(dst, uint64(v)) }

// AppendArrayLen appends an array's count in the encoding of a flexible version
// or not.
func AppendArrayLen(dst []byte, flexible bool, n int) []byte {
	if flexible {
		return AppendUvarint(dst, uint32(n+1))
	}
	return AppendInt32(dst, int32(n))
}

// AppendBytesLen appends the length before bytes or records that follow.
func AppendBytesLen(dst []byte, flexible bool, n int) []byte { return AppendArrayLen(dst, flexible, n) }

// AppendString appends a string.
func AppendString(dst []byte, flexible bool, s string) []byte {
	if flexible {
		dst = AppendUvarint(dst, uint32(len(s)+1))
	} else {
		dst = AppendInt16(dst, int16(len(s)))
	}
	return append(dst, s...)
}

// AppendNullString appends s or null.
func AppendNullString(dst []byte, flexible bool, s *string) []byte {
	switch {
	case s != nil:
		return AppendString(dst, flexible, *s)
	case flexible:
		return append(dst, 0)
	default:
		return AppendInt16(dst, -1)
	}
}

// AppendNoTags ends a structure of a flexible version, and is nothing in others.
func AppendNoTags(dst []byte, flexible bool) []byte {
	if flexible {
		return append(dst, 0)
	}
	return dst
}
