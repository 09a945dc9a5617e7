package wire

import "encoding/binary"

// RequestHeader is the head of every request. ClientID is a copy, nil for null.
type RequestHeader struct {
	Key, Version  int16
	CorrelationID int32
	ClientID      *string
}

// fixedHeader is key, version and correlation id.
const fixedHeader = 2 + 2 + 4

// ParseHeader splits a frame, without its size, into header and body. For an API
// key or version that has no schema it returns ErrUnsupported with what it
// could read: always key, version and correlation id. An ApiVersions request of
// a version above ours is read as flexible, since all of those are.
func ParseHeader(frame []byte, lim Limits) (h RequestHeader, body []byte, err error) {
	if len(frame) < fixedHeader {
		return h, nil, &MalformedError{Header: true, Offset: len(frame), Reason: faultShort.reason}
	}
	h.Key = int16(binary.BigEndian.Uint16(frame))
	h.Version = int16(binary.BigEndian.Uint16(frame[2:]))
	h.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:]))
	r, ok := Versions(h.Key)
	if !ok || (h.Version < r.Min || h.Version > r.Max) && h.Key != apiVersionsKey {
		return h, nil, ErrUnsupported
	}
	lim = lim.withDefaults()
	w := walker{p: frame[fixedHeader:], maxTags: lim.MaxUnknownTags}
	// The client id keeps its two-byte length even in a flexible header.
	n := w.length(flagNullable, 2)
	if n > len(w.p) {
		w.fail(faultShort)
	}
	if w.fault == nil && n >= 0 {
		id := string(w.p[:n])
		h.ClientID = &id
		w.p = w.p[n:]
	}
	if w.fault == nil && r.Flexible(h.Version) {
		w.tags("\x00")
	}
	if w.fault != nil {
		return h, nil, &MalformedError{
			Key: h.Key, Version: h.Version, Header: true, Offset: len(frame) - len(w.p),
			Reason: w.fault.reason, limit: w.fault.limit,
		}
	}
	if h.Version < r.Min || h.Version > r.Max {
		return h, w.p, ErrUnsupported
	}
	return h, w.p, nil
}

// AppendResponseHeader appends the correlation id and, where the version has
// them, empty tags. The response to a version without a schema is the oldest.
func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlationID))
	if r, ok := Versions(key); ok && key != apiVersionsKey && r.Flexible(version) {
		dst = append(dst, 0)
	}
	return dst
}
