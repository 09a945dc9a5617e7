package group

import (
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// FuzzSubscription: no input panics, reads outside, or visits more topics than
// its bytes can hold; what the codec can read is read alike.
func FuzzSubscription(f *testing.F) {
	f.Add(consumerMetadata("orders", "bills"))
	f.Add(consumerMetadata())
	f.Add([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, 'x'})
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var topics []string
		err := parseSubscription(b, func(topic []byte) { topics = append(topics, string(topic)) })
		if len(topics) > len(b)/2 {
			t.Fatalf("%d topics in %d bytes", len(topics), len(b))
		}
		if len(b) < 6 || binary.BigEndian.Uint16(b) > 3 {
			return
		}
		m := kmsg.NewConsumerMemberMetadata()
		if m.ReadFrom(b) != nil {
			return
		}
		if err != nil || len(topics) != len(m.Topics) {
			t.Fatalf("codec reads %q, we read %q, %v", m.Topics, topics, err)
		}
		for i := range topics {
			if topics[i] != m.Topics[i] {
				t.Fatalf("codec reads %q, we read %q", m.Topics, topics)
			}
		}
	})
}

// FuzzApply: no key and value in the log makes replay or start panic, and what
// was accepted survives being written again.
func FuzzApply(f *testing.F) {
	value := newGroupValue(5)
	value.Members = []kmsg.GroupMetadataValueMember{{MemberID: "m", InstanceID: ref("i"), Subscription: consumerMetadata("a"), Assignment: []byte("x")}}
	value.ProtocolType, value.Protocol, value.Leader = "consumer", ref("range"), ref("m")
	group := metadataRecord("g", value)
	offset := offsetRecord("g", "t", 1, committed{offset: 5, metadata: "m", expiresAt: noExpiry, topicID: [16]byte{1}})
	expiring := offsetRecord("g", "t", 1, committed{offset: 5, expiresAt: 9})
	for _, r := range []shard.Record{group, offset, expiring, metadataRecord("g", nil), offsetTombstone("g", "t", 1)} {
		f.Add(r.Key, r.Value, int64(-1))
		f.Add(r.Key, r.Value, int64(3))
	}
	f.Add([]byte{0, 3, 0, 1, 'g', 0, 0}, []byte{0, 0}, int64(-1)) // another kind of group
	f.Fuzz(func(t *testing.T, key, val []byte, producer int64) {
		h := newHost(testConfig())
		h.log = []shard.Entry{
			{Offset: 0, Key: group.Key, Value: group.Value, ProducerID: -1},
			{Offset: 1, Key: offset.Key, Value: offset.Value, ProducerID: -1},
			{Offset: 2, Key: key, Value: val, ProducerID: producer},
			{Offset: 3, ProducerID: producer, Marker: shard.CommitMarker},
		}
		h.lead()
		h.submit(Describe{Groups: []string{"g"}})
		h.submit(List{})
		h.advance(8 * 24 * 3_600_000)
		live := replicated(h.m)
		if got := replicated(replay(h.cfg, h.log)); got != live {
			t.Fatalf("live\n%s\nreplay\n%s", live, got)
		}
	})
}
