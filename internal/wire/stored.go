package wire

import "math"

// Stored is the shape of a value of __consumer_offsets in a flexible version:
// the ones with tagged fields. As for requests, a decoder that believes a count
// of them must see only what was checked.
//
//	version int16 | fields | tagged fields
type Stored string

// The flexible versions of Kafka's values, as programs of walk.go.
const (
	// OffsetCommitValue4: offset and leader epoch, metadata, commit time; tag 0 is the topic id.
	OffsetCommitValue4 Stored = "\x01\x02" + "\x01\x0c" + "\x04" + "\x01\x08" + "\x0f\x01\x00\x02\x01\x10"
	// GroupMetadataValue4: protocol type, generation, protocol, leader, time of
	// the state; members with id, instance, client id, host, two timeouts,
	// subscription and assignment.
	GroupMetadataValue4 Stored = "\x01\x02" + "\x04" + "\x01\x04" + "\x05" + "\x05" + "\x01\x08" +
		"\x0c\x0f\x0a" + "\x04\x05\x04\x04" + "\x01\x08" + "\x08\x08" + "\x0f\x00" + "\x0f\x00"
)

// Complete tells whether value has every field, and as many elements and tagged
// fields as it says. What follows the last field is ignored, as Kafka does.
func (s Stored) Complete(value []byte) bool {
	w := walker{p: value, maxElements: math.MaxInt, maxTags: DefaultMaxUnknownTags}
	w.run(string(s))
	return w.fault == nil
}
