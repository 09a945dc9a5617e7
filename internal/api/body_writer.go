package api

import "github.com/twmb/franz-go/pkg/kbin"

// bodyWriter appends the parts of a message whose form depends on whether the
// version is flexible (KIP-482). Produce and Fetch answers use it.
type bodyWriter struct {
	dst      []byte
	flexible bool
}

func (e *bodyWriter) int16(v int16) { e.dst = kbin.AppendInt16(e.dst, v) }
func (e *bodyWriter) int32(v int32) { e.dst = kbin.AppendInt32(e.dst, v) }
func (e *bodyWriter) int64(v int64) { e.dst = kbin.AppendInt64(e.dst, v) }

func (e *bodyWriter) arrayLen(n int) {
	if e.flexible {
		e.dst = kbin.AppendCompactArrayLen(e.dst, n)
	} else {
		e.dst = kbin.AppendArrayLen(e.dst, n)
	}
}

func (e *bodyWriter) nullArray() {
	if e.flexible {
		e.dst = kbin.AppendCompactNullableArrayLen(e.dst, 0, true)
	} else {
		e.dst = kbin.AppendNullableArrayLen(e.dst, 0, true)
	}
}

func (e *bodyWriter) string(s string) {
	if e.flexible {
		e.dst = kbin.AppendCompactString(e.dst, s)
	} else {
		e.dst = kbin.AppendString(e.dst, s)
	}
}

// nullableString writes null for an empty string.
func (e *bodyWriter) nullableString(s string) {
	var p *string
	if s != "" {
		p = &s
	}
	if e.flexible {
		e.dst = kbin.AppendCompactNullableString(e.dst, p)
	} else {
		e.dst = kbin.AppendNullableString(e.dst, p)
	}
}

// bytesLen writes the length prefix of n bytes that follow.
func (e *bodyWriter) bytesLen(n int) {
	if e.flexible {
		e.dst = kbin.AppendUvarint(e.dst, uint32(n)+1)
	} else {
		e.dst = kbin.AppendInt32(e.dst, int32(n))
	}
}

// tags opens a list of n tagged fields; in old versions there is none.
func (e *bodyWriter) tags(n int) {
	if e.flexible {
		e.dst = kbin.AppendUvarint(e.dst, uint32(n))
	}
}

func (e *bodyWriter) noTags() { e.tags(0) }

// tagged writes one tagged field; only valid in flexible versions.
func (e *bodyWriter) tagged(tag uint32, body func(*bodyWriter)) {
	inner := bodyWriter{flexible: true}
	body(&inner)
	e.dst = kbin.AppendUvarint(e.dst, tag)
	e.dst = kbin.AppendUvarint(e.dst, uint32(len(inner.dst)))
	e.dst = append(e.dst, inner.dst...)
}

// leader writes the current leader of a partition (KIP-951).
func (e *bodyWriter) leader(l leaderHint) {
	e.int32(int32(l.id))
	e.int32(l.epoch)
	e.noTags()
}

// nodes writes where the leaders named in an answer are (KIP-951).
func (e *bodyWriter) nodes(nodes []node) {
	e.arrayLen(len(nodes))
	for _, n := range nodes {
		e.int32(int32(n.id))
		e.string(n.host)
		e.int32(n.port)
		e.nullableString(n.rack)
		e.noTags()
	}
}

// with lets fn append to the buffer that wire hands out.
func (e *bodyWriter) with(fn func()) func([]byte) []byte {
	return func(dst []byte) []byte {
		e.dst = dst
		fn()
		dst, e.dst = e.dst, nil
		return dst
	}
}
