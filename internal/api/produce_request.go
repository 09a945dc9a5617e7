package api

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kbin"

	"github.com/milena-io/milena/internal/base"
)

// produceRequest is a decoded Produce body. Records are sub-slices of the body;
// partitions of all topics lie in one slice.
//
//	v3+   transactional id, acks, timeout, [ topic, [ partition, records ] ]
//	v9+   compact lengths and tagged fields
//	v13+  topic id instead of topic name (KIP-516)
type produceRequest struct {
	version       int16
	transactional bool // a transactional id was given
	txnID         string
	acks          int16
	timeoutMs     int32
	topics        []produceTopic
	parts         []producePart
}

// produceTopic covers parts[first:end].
type produceTopic struct {
	name       string
	id         base.UUID
	first, end int
}

const (
	keyProduce = 0

	produceFlexible   = 9
	produceByID       = 13
	produceZstd       = 7 // first version that may carry zstd
	produceErrorInfo  = 8 // record errors and error message
	produceLeaderInfo = 10
)

var errMalformed = errors.New("api: malformed request body")

// What a decoded partition takes is not charged to anybody, so there may be only
// so many: some in any case, and then as many as could carry a batch. The
// smallest one has 61 bytes, for a topic and a partition.
const (
	freeElements    = 1024
	bytesPerElement = 32
)

// The fewest bytes that an element takes, in any version: those of the flexible
// ones, whose lengths and tagged fields take a byte each.
const (
	minTopicBytes     = 3 // name, partitions, tagged fields
	minPartitionBytes = 6 // index, records, tagged fields
)

// decodeProduce reads a body of version 3 to 13. It fails beyond maxElements
// topics and partitions together, or beyond as many as fit into the body if each
// partition has a batch.
func decodeProduce(version int16, body []byte, maxElements int) (*produceRequest, error) {
	d := bodyReader{Reader: kbin.Reader{Src: body}, flexible: version >= produceFlexible}
	req := &produceRequest{version: version}
	maxElements = min(maxElements, freeElements+len(body)/bytesPerElement)
	if id := d.nullableString(); id != nil {
		req.transactional, req.txnID = true, *id
	}
	req.acks = d.Int16()
	req.timeoutMs = d.Int32()
	topics := d.arrayLen(minTopicBytes)
	for range topics {
		if maxElements--; maxElements < 0 || !d.Ok() {
			return nil, errMalformed
		}
		t := produceTopic{first: len(req.parts)}
		if version >= produceByID {
			t.id = d.Uuid()
		} else {
			t.name = d.string()
		}
		parts := d.arrayLen(minPartitionBytes)
		for range parts {
			if maxElements--; maxElements < 0 || !d.Ok() {
				return nil, errMalformed
			}
			req.parts = append(req.parts, producePart{index: d.Int32(), records: d.nullableBytes()})
			d.skipTags()
		}
		d.skipTags()
		t.end = len(req.parts)
		if t.end > t.first { // a topic without partitions has no answer either
			req.topics = append(req.topics, t)
		}
	}
	d.skipTags()
	if d.Complete() != nil || d.bad {
		return nil, errMalformed
	}
	return req, nil
}

// bodyReader reads the parts of a message whose form depends on whether the
// version is flexible (KIP-482).
type bodyReader struct {
	kbin.Reader
	flexible bool
	bad      bool
}

// arrayLen reads an array length and refuses one whose elements of at least
// minSize bytes can't fit into what remains. A null array counts as malformed.
func (d *bodyReader) arrayLen(minSize int) int {
	var n int32
	if d.flexible {
		n = d.CompactArrayLen()
	} else {
		n = d.ArrayLen()
	}
	if n < 0 || int(n) > len(d.Src)/minSize {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *bodyReader) string() string {
	if d.flexible {
		return d.CompactString()
	}
	return d.String()
}

func (d *bodyReader) nullableString() *string {
	if d.flexible {
		return d.CompactNullableString()
	}
	return d.NullableString()
}

func (d *bodyReader) nullableBytes() []byte {
	if d.flexible {
		return d.CompactNullableBytes()
	}
	return d.NullableBytes()
}

// skipTags steps over tagged fields without keeping any. Each costs at least
// two bytes of body, so the loop is bounded by the frame.
func (d *bodyReader) skipTags() {
	if !d.flexible {
		return
	}
	for n := d.Uvarint(); n > 0 && d.Ok(); n-- {
		d.Uvarint() // tag
		d.Span(int(d.Uvarint()))
	}
}
