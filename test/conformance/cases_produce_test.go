package conformance

import (
	"encoding/binary"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

var produceScenarios = []scenario{
	{name: "produce", key: kmsg.Produce, run: func(s *script) {
		t := s.topic("t", 2)
		s.ask("acks 1", produce(t, 0, 1, s.plain("a")))
		s.ask("acks all", produce(t, 0, -1, s.plain("b", "c")))
		s.ask("acks 2", produce(t, 0, 2, s.plain("x")))
		s.ask("acks -2", produce(t, 0, -2, s.plain("x")))
		s.askInVain("null records", produce(t, 0, -1, nil))
		s.ask("empty records", produce(t, 0, -1, []byte{}))
		s.ask("unknown topic", produce(s.noTopic(), 0, -1, s.plain("x")))
		s.ask("unknown partition", produce(t, 2, -1, s.plain("x")))
		s.ask("negative partition", produce(t, -1, -1, s.plain("x")))
		s.ask("bad topic name", produce(topic{"a/b", unknownID}, 0, -1, s.plain("x")))
		s.ask("no topic name", produce(topic{}, 0, -1, s.plain("x")))
		two := produce(t, 0, -1, s.plain("d"))
		two.Topics[0].Partitions = append(two.Topics[0].Partitions, produce(t, 1, -1, s.plain("e")).Topics[0].Partitions...)
		two.Topics = append(two.Topics, produce(s.noTopic(), 0, -1, s.plain("x")).Topics...)
		s.ask("good and bad", two)
		none := produce(t, 0, -1, nil)
		none.Topics = nil
		s.ask("no topics", none)
		none = produce(t, 0, -1, nil)
		none.Topics[0].Partitions = nil
		s.ask("no partitions", none)
		zero := produce(t, 0, -1, s.plain("f"))
		zero.TimeoutMillis = 0
		s.ask("no time", zero)
		s.reaches(t, 5)
		s.ask("stored", fetch(t, 0, 0))
	}},
	{name: "produce, acks 0", key: kmsg.Produce, run: func(s *script) {
		t := s.topic("t", 1)
		send := func(req kmsg.Request) {
			s.prepare(req)
			if err := s.main.send(req); err != nil {
				s.fail("%v", err)
			}
		}
		send(produce(t, 0, 0, s.plain("a")))
		s.reaches(t, 1)
		s.ask("after a good one", fetch(t, 0, 0))
		send(produce(t, 7, 0, s.plain("a")))
		s.ask("after a bad one", fetch(t, 0, 0))
		send(produce(t, 0, 0, nil))
		s.askInVain("after null records", fetch(t, 0, 0))
	}},
	{name: "produce, batches", key: kmsg.Produce, run: func(s *script) {
		t, next := s.topic("t", 30), int32(0)
		send := func(step string, b []byte) { // each to a partition of its own
			r := s.ask(step, produce(t, next, -1, b)).(*kmsg.ProduceResponse)
			if len(r.Topics) == 1 && r.Topics[0].Partitions[0].ErrorCode == 0 {
				s.ask(step+", stored", fetch(t, next, 0))
			}
			next++
		}
		send("two batches", append(s.plain("a"), s.plain("b")...))
		send("count zero", spoil(s.plain("a"), func(b []byte) { binary.BigEndian.PutUint32(b[57:], 0) }))
		send("bad CRC", func() []byte { b := s.plain("x"); b[len(b)-1] ^= 1; return b }())
		for magic := range byte(4) {
			if magic != 2 {
				send("magic "+string('0'+magic), spoil(s.plain("x"), func(b []byte) { b[16] = magic }))
			}
		}
		send("cut short", s.plain("a long value")[:70])
		send("ten bytes", s.plain("x")[:10])
		send("stray bytes", append(s.plain("x"), 1, 2, 3))
		send("length too small", spoil(s.plain("x"), func(b []byte) { binary.BigEndian.PutUint32(b[8:], 20) }))
		send("length negative", spoil(s.plain("x"), func(b []byte) { binary.BigEndian.PutUint32(b[8:], 0xffffffff) }))
		send("count too high", spoil(s.plain("x", "y"), func(b []byte) { binary.BigEndian.PutUint32(b[57:], 3) }))
		send("count negative", spoil(s.plain("x", "y"), func(b []byte) { binary.BigEndian.PutUint32(b[57:], 0xffffffff) }))
		send("last offset delta too high", spoil(s.plain("x", "y"), func(b []byte) { binary.BigEndian.PutUint32(b[23:], 7) }))
		send("last offset delta too low", spoil(s.plain("x", "y"), func(b []byte) { binary.BigEndian.PutUint32(b[23:], 0) }))
		send("base offset 5", spoil(s.plain("x"), func(b []byte) { b[7] = 5 }))
		send("leader epoch 9", spoil(s.plain("c"), func(b []byte) { b[15] = 9 }))
		send("control batch", record.ControlBatch(record.Commit, 0, 1, 0, s.ts(0)))
		send("unknown attributes", spoil(s.plain("d"), func(b []byte) { b[21] = 0x40 }))
		send("delete horizon", spoil(s.plain("x"), func(b []byte) { b[22] |= 0x40 }))
		send("log append time", spoil(s.plain("x"), func(b []byte) { b[22] |= 8 }))
		send("transactional without producer", spoil(s.plain("x"), func(b []byte) { b[22] |= 16 }))
		send("unknown codec", spoil(s.plain("x"), func(b []byte) { b[22] |= 5 }))
		send("garbage instead of gzip", spoil(s.plain("x"), func(b []byte) { b[22] |= 1 }))
		send("garbage after the records", func() []byte {
			b := append(s.plain("x"), 1, 2, 3)
			return spoil(b, func(b []byte) { binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12)) })
		}())
	}},
	{name: "produce, times", key: kmsg.Produce, run: func(s *script) {
		t, stamped := s.topic("t", 1), s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
		strict := s.topic("strict", 1, "message.timestamp.before.max.ms", "60000", "message.timestamp.after.max.ms", "60000")
		at := func(ts ...int64) []byte {
			b := record.NewBuilder(record.BuilderOptions{})
			for _, ms := range ts {
				b.Append(ms, []byte("k"), []byte("v"))
			}
			return b.Build()
		}
		s.ask("none", produce(t, 0, -1, at(-1)))
		s.ask("long ago", produce(t, 0, -1, at(0)))
		s.ask("two hours ahead", produce(t, 0, -1, at(s.ts(0)+3*3600_000)))
		s.ask("second record far ahead", produce(t, 0, -1, at(s.ts(0), s.ts(0)+3*3600_000)))
		s.ask("wrong maximum", produce(t, 0, -1, spoil(at(s.ts(0)), func(b []byte) { b[42] ^= 1 })))
		s.ask("maximum of -1", produce(t, 0, -1, spoil(at(s.ts(0)), func(b []byte) { binary.BigEndian.PutUint64(b[35:], 1<<64-1) })))
		s.ask("too old", produce(strict, 0, -1, at(s.ts(0))))
		s.ask("third record too old", produce(strict, 0, -1, at(s.ts(3600), s.ts(3600), s.ts(0))))
		s.ask("stamped", produce(stamped, 0, -1, at(s.ts(0), s.ts(1))))
		s.ask("stamped ahead", produce(stamped, 0, -1, at(s.ts(0)+3*3600_000)))
		s.ask("stored stamped", fetch(stamped, 0, 0))
	}},
	{name: "produce, compacted", key: kmsg.Produce, run: func(s *script) {
		t := s.topic("t", 1, "cleanup.policy", "compact")
		both := s.topic("both", 1, "cleanup.policy", "compact,delete")
		s.ask("keys", produce(t, 0, -1, s.plain("a", "b")))
		s.ask("no key", produce(t, 0, -1, s.batch(record.BuilderOptions{}, rec{0, "", "x"})))
		s.ask("empty key", produce(t, 0, -1, s.batch(record.BuilderOptions{}, rec{0, "-", "x"})))
		s.ask("some without key", produce(t, 0, -1, s.batch(record.BuilderOptions{}, rec{0, "k", "x"}, rec{0, "", "x"}, rec{0, "k", "x"}, rec{0, "", "x"})))
		s.ask("second batch without key", produce(t, 0, -1, append(s.plain("a"), s.batch(record.BuilderOptions{}, rec{0, "", "x"})...)))
		s.ask("compressed without key", produce(t, 0, -1, s.batch(record.BuilderOptions{Codec: record.Gzip}, rec{0, "", "x"})))
		s.ask("tombstone", produce(t, 0, -1, s.batch(record.BuilderOptions{}, rec{0, "k", ""})))
		s.ask("both policies, no key", produce(both, 0, -1, s.batch(record.BuilderOptions{}, rec{0, "", "x"})))
		s.ask("stored", fetch(t, 0, 0))
	}},
	{name: "produce, sizes", key: kmsg.Produce, run: func(s *script) {
		t := s.topic("t", 1, "max.message.bytes", "300")
		s.ask("fits", produce(t, 0, -1, s.plain(strings.Repeat("v", 200))))
		s.ask("too large", produce(t, 0, -1, s.plain(strings.Repeat("v", 400))))
		s.ask("second batch too large", produce(t, 0, -1, append(s.plain("a"), s.plain(strings.Repeat("v", 400))...)))
		s.ask("compressed it fits", produce(t, 0, -1, s.batch(record.BuilderOptions{Codec: record.Gzip}, rec{0, "k", strings.Repeat("v", 400)})))
		again := s.topic("again", 1, "max.message.bytes", "300", "compression.type", "uncompressed")
		s.ask("too large once decompressed", produce(again, 0, -1, s.batch(record.BuilderOptions{Codec: record.Gzip}, rec{0, "k", strings.Repeat("v", 400)})))
		s.ask("stored decompressed", fetch(again, 0, 0))
		segment := s.topic("segment", 1, "segment.bytes", "1048576", "max.message.bytes", "3000000")
		s.ask("larger than a segment", produce(segment, 0, -1, s.plain(strings.Repeat("v", 1100000))))
		s.ask("stored", fetch(t, 0, 0))
	}},
	{name: "produce, codecs", key: kmsg.Produce, run: func(s *script) {
		t := s.topic("t", 1)
		gzip := s.topic("gzip", 1, "compression.type", "gzip")
		none := s.topic("none", 1, "compression.type", "uncompressed")
		for _, c := range []record.Codec{record.None, record.Gzip, record.Snappy, record.Lz4, record.Zstd} {
			b := func() []byte {
				return s.batch(record.BuilderOptions{Codec: c}, rec{0, "k", "aaaaaaaaaaaa"}, rec{1, "k", ""})
			}
			s.ask(c.String(), produce(t, 0, -1, b()))
			s.ask(c.String()+" to gzip", produce(gzip, 0, -1, b()))
			s.ask(c.String()+" to none", produce(none, 0, -1, b()))
		}
		s.ask("stored", fetch(t, 0, 0))
		s.ask("stored gzip", fetch(gzip, 0, 0))
		s.ask("stored none", fetch(none, 0, 0))
	}},
	{name: "produce, guarded", key: kmsg.Produce, run: func(s *script) {
		s.ask("internal topic", produce(topic{"__consumer_offsets", unknownID}, 0, 1, s.plain("x")))
		t := s.topic("t", 1, "min.insync.replicas", "2")
		s.ask("too few replicas, acks all", produce(t, 0, -1, s.plain("x")))
		s.ask("too few replicas, acks 1", produce(t, 0, 1, s.plain("a")))
		s.reaches(t, 2)
		s.ask("stored", fetch(t, 0, 0))
		named := produce(t, 0, 1, s.plain("x"))
		named.TransactionID = ptr("tx")
		s.ask("transactional id, plain batch", named)
		d := s.topic("deleted", 1)
		s.removes(d)
		s.ask("deleted topic", produce(d, 0, -1, s.plain("x")))
	}},
}

// reaches waits until a partition's records up to an offset can be read.
func (s *script) reaches(t topic, offset int64) {
	s.untilAt(listOffsets(t, 0, -1), 11, func(r kmsg.Response) bool {
		return r.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].Offset >= offset
	})
}

// removes deletes a topic and waits until it is gone.
func (s *script) removes(t topic) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = &t.name
	req.Topics, req.TimeoutMillis = append(req.Topics, one), 10000
	s.quietAt(req, served[req.Key()].Max)
	s.untilAt(listOffsets(t, 0, 0), 11, func(r kmsg.Response) bool {
		return errorName(r.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode) == "UNKNOWN_TOPIC_OR_PARTITION"
	})
}
