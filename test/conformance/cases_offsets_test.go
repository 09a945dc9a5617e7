package conformance

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

func deleteRecords(t topic, partition int32, offset int64) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	dt, dp := kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
	dt.Topic, dp.Partition, dp.Offset = t.name, partition, offset
	dt.Partitions = append(dt.Partitions, dp)
	req.Topics, req.TimeoutMillis = append(req.Topics, dt), 5000
	return req
}

func epochEnd(t topic, partition, current, epoch int32) *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	et, ep := kmsg.NewOffsetForLeaderEpochRequestTopic(), kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	et.Topic, ep.Partition, ep.CurrentLeaderEpoch, ep.LeaderEpoch = t.name, partition, current, epoch
	et.Partitions = append(et.Partitions, ep)
	req.ReplicaID, req.Topics = -1, append(req.Topics, et)
	return req
}

var offsetScenarios = []scenario{
	{name: "list offsets", key: kmsg.ListOffsets, run: func(s *script) {
		t, empty, stamped := s.topic("t", 2), s.topic("empty", 1), s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
		s.fill(t, 0, "a", "b", "c")
		s.quiet(produce(t, 0, -1, s.batch(record.BuilderOptions{}, rec{50, "k", "late"}, rec{20, "k", "early"})))
		s.quiet(produce(t, 0, -1, s.batch(record.BuilderOptions{Codec: record.Gzip}, rec{30, "k", "x"}, rec{40, "k", "y"})))
		for ts := int64(-8); ts < 0; ts++ {
			s.ask(fmt.Sprintf("special %d", ts), listOffsets(t, 0, ts))
			s.ask(fmt.Sprintf("special %d, empty", ts), listOffsets(empty, 0, ts))
		}
		for _, k := range []int64{0, 1, 2, 3, 20, 25, 35, 40, 45, 50, 51} {
			s.ask(fmt.Sprintf("time %d", k), listOffsets(t, 0, s.ts(k)))
		}
		s.ask("time 0 of 1970", listOffsets(t, 0, 0))
		s.ask("end of time", listOffsets(t, 0, 1<<62))
		s.ask("time, empty", listOffsets(empty, 0, s.ts(0)))
		s.fill(stamped, 0, "a")
		s.ask("stamped, time", listOffsets(stamped, 0, s.ts(0)))
		s.ask("stamped, newest", listOffsets(stamped, 0, -3))
		s.ask("unknown topic", listOffsets(s.noTopic(), 0, -1))
		s.ask("bad topic name", listOffsets(topic{name: "a/b"}, 0, -1))
		s.ask("unknown partition", listOffsets(t, 2, -1))
		s.ask("negative partition", listOffsets(t, -1, -1))
		for _, epoch := range []int32{0, 4, -3} {
			r := listOffsets(t, 0, -1)
			r.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
			s.ask(fmt.Sprintf("leader epoch %d", epoch), r)
		}
		for _, level := range []int8{1, 7} {
			r := listOffsets(t, 0, -1)
			r.IsolationLevel = level
			s.ask(fmt.Sprintf("isolation %d", level), r)
		}
		for _, id := range []int32{-2, 5} {
			r := listOffsets(t, 0, -1)
			r.ReplicaID = id
			s.ask(fmt.Sprintf("replica %d", id), r)
		}
		twice := listOffsets(t, 0, -1)
		twice.Topics[0].Partitions = append(twice.Topics[0].Partitions, listOffsets(t, 0, -2).Topics[0].Partitions...)
		s.ask("a partition twice", twice)
		none := listOffsets(t, 0, -1)
		none.Topics = nil
		s.ask("no topics", none)
		s.quiet(deleteRecords(t, 0, 2))
		s.ask("trimmed, first", listOffsets(t, 0, -2))
		s.ask("trimmed, local", listOffsets(t, 0, -4))
		s.ask("trimmed, time", listOffsets(t, 0, s.ts(0)))
	}},
	{name: "delete records", key: kmsg.DeleteRecords, run: func(s *script) {
		t := s.topic("t", 2)
		compacted := s.topic("compacted", 1, "cleanup.policy", "compact")
		s.fill(t, 0, "a", "b", "c")
		s.fill(compacted, 0, "a")
		s.ask("past the end", deleteRecords(t, 0, 4))
		s.ask("offset -2", deleteRecords(t, 0, -2))
		s.ask("2", deleteRecords(t, 0, 2))
		s.ask("1 afterwards", deleteRecords(t, 0, 1))
		s.ask("to the end", deleteRecords(t, 0, -1))
		s.ask("empty", deleteRecords(t, 1, 0))
		s.ask("compacted", deleteRecords(compacted, 0, 1))
		s.ask("unknown topic", deleteRecords(s.noTopic(), 0, 1))
		s.ask("bad topic name", deleteRecords(topic{name: "a/b"}, 0, 1))
		s.ask("unknown partition", deleteRecords(t, 5, 1))
		s.ask("negative partition", deleteRecords(t, -1, 1))
		s.ask("internal topic", deleteRecords(topic{name: "__consumer_offsets"}, 0, 0))
		none := deleteRecords(t, 0, 1)
		none.Topics = nil
		s.ask("no topics", none)
		none = deleteRecords(t, 0, 1)
		none.Topics[0].Partitions = nil
		s.ask("no partitions", none)
		timeout := deleteRecords(t, 0, -1)
		timeout.TimeoutMillis = 0
		s.ask("no time", timeout)
	}},
	{name: "end of epoch", key: kmsg.OffsetForLeaderEpoch, run: func(s *script) {
		t := s.topic("t", 2)
		s.ask("empty log", epochEnd(t, 0, -1, 0))
		s.fill(t, 0, "a", "b")
		for _, epoch := range []int32{0, 1, -1, -2, 99} {
			s.ask(fmt.Sprintf("epoch %d", epoch), epochEnd(t, 0, -1, epoch))
		}
		s.ask("current epoch", epochEnd(t, 0, 0, 0))
		s.ask("future epoch", epochEnd(t, 0, 3, 0))
		s.ask("unknown topic", epochEnd(s.noTopic(), 0, -1, 0))
		s.ask("unknown partition", epochEnd(t, 9, -1, 0))
		none := epochEnd(t, 0, -1, 0)
		none.Topics = nil
		s.ask("no topics", none)
	}},
}
