package conformance

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

// asked is a fetch with changes to its only partition.
func asked(t topic, offset int64, change func(*kmsg.FetchRequest, *kmsg.FetchRequestTopicPartition)) *kmsg.FetchRequest {
	req := fetch(t, 0, offset)
	change(req, &req.Topics[0].Partitions[0])
	return req
}

// session makes a fetch part of a session.
func session(req *kmsg.FetchRequest, id, epoch int32) *kmsg.FetchRequest {
	req.SessionID, req.SessionEpoch = id, epoch
	return req
}

// nothing is an incremental fetch without changes.
func nothing() *kmsg.FetchRequest {
	req := fetch(topic{}, 0, 0)
	req.Topics = nil
	return req
}

var fetchScenarios = []scenario{
	{name: "fetch", key: kmsg.Fetch, run: func(s *script) {
		t := s.topic("t", 2)
		s.ask("empty", fetch(t, 0, 0))
		s.fill(t, 0, "a", "b", "c")
		s.ask("from the start", fetch(t, 0, 0))
		s.ask("from 2", fetch(t, 0, 2))
		s.ask("from the end", fetch(t, 0, 3))
		s.ask("past the end", fetch(t, 0, 4))
		s.ask("negative offset", fetch(t, 0, -1))
		s.ask("unknown topic", fetch(s.noTopic(), 0, 0))
		s.ask("name without id", fetch(topic{name: t.name}, 0, 0))
		s.ask("bad topic name", fetch(topic{"a/b", unknownID}, 0, 0))
		s.ask("unknown partition", fetch(t, 2, 0))
		s.ask("negative partition", fetch(t, -1, 0))
		three := fetch(t, 0, 0)
		three.Topics[0].Partitions = append(three.Topics[0].Partitions, fetch(t, 1, 0).Topics[0].Partitions...)
		three.Topics[0].Partitions = append(three.Topics[0].Partitions, fetch(t, 5, 0).Topics[0].Partitions...)
		s.ask("good and bad", three)
		none := fetch(t, 0, 0)
		none.Topics = nil
		s.ask("no topics", none)
		none = fetch(t, 0, 0)
		none.Topics[0].Partitions = nil
		s.ask("no partitions", none)
	}},
	{name: "fetch, limits", key: kmsg.Fetch, run: func(s *script) {
		t := s.topic("t", 1)
		s.fill(t, 0, strings.Repeat("a", 100), strings.Repeat("b", 100), strings.Repeat("c", 100))
		for step, change := range inOrder(map[string]func(*kmsg.FetchRequest, *kmsg.FetchRequestTopicPartition){
			"partition bytes 1":     func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = 1 },
			"partition bytes 0":     func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = 0 },
			"partition bytes -1":    func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = -1 },
			"partition bytes 400":   func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = 400 },
			"max bytes 1":           func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.MaxBytes = 1 },
			"max bytes 0":           func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.MaxBytes = 0 },
			"min bytes unreachable": func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.MinBytes = 1 << 20 },
			"min bytes, no wait":    func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.MinBytes, r.MaxWaitMillis = 1<<20, 0 },
			"negative wait": func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) {
				r.MinBytes, r.MaxWaitMillis = 1<<20, -5
			},
			"read committed":         func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.IsolationLevel = 1 },
			"unknown isolation":      func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.IsolationLevel = 9 },
			"a rack":                 func(r *kmsg.FetchRequest, _ *kmsg.FetchRequestTopicPartition) { r.Rack = "nowhere" },
			"current epoch":          func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 0 },
			"future epoch":           func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 5 },
			"epoch -5":               func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = -5 },
			"last fetched epoch 0":   func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 0 },
			"last fetched epoch 7":   func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 7 },
			"start offset of a copy": func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.LogStartOffset = 77 },
		}) {
			s.ask(step, asked(t, 0, change))
		}
		s.ask("last fetched epoch 0 past the end", asked(t, 9, func(_ *kmsg.FetchRequest, p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 0 }))
	}},
	{name: "fetch, waiting", key: kmsg.Fetch, run: func(s *script) {
		t := s.topic("t", 1)
		wait := fetch(t, 0, 0)
		wait.MinBytes, wait.MaxWaitMillis = 1, 10000
		got := s.later(wait)
		begin := time.Now()
		s.fill(t, 0, "a")
		r := got("").(*kmsg.FetchResponse)
		s.note("woken by a record", s.norm.batches(r.Topics[0].Partitions[0].RecordBatches)) // the high watermark may come after it
		gone := fetch(t, 0, 1)
		gone.MinBytes, gone.MaxWaitMillis = 1, 10000
		got = s.later(gone)
		s.removes(t)
		r = got("woken by deletion").(*kmsg.FetchResponse)
		if time.Since(begin) > 5*time.Second || len(r.Topics) == 0 {
			s.note("woken by deletion, late", "yes")
		}
	}},
	{name: "fetch, trimmed", key: kmsg.Fetch, run: func(s *script) {
		t := s.topic("t", 1)
		s.fill(t, 0, "a", "b", "c")
		s.quiet(deleteRecords(t, 0, 2))
		s.ask("below the start", fetch(t, 0, 1))
		s.ask("at the start", fetch(t, 0, 2))
		s.quiet(produce(t, 0, -1, s.plain("d", "e", "f")))
		s.quiet(deleteRecords(t, 0, 4))
		s.ask("start inside a batch", fetch(t, 0, 4))
		s.quiet(deleteRecords(t, 0, -1))
		s.ask("nothing left", fetch(t, 0, 6))
	}},
	{name: "fetch, codecs", key: kmsg.Fetch, run: func(s *script) {
		t := s.topic("t", 1)
		for _, c := range []record.Codec{record.Gzip, record.Snappy, record.Lz4, record.Zstd} {
			s.quiet(produce(t, 0, -1, s.batch(record.BuilderOptions{Codec: c}, rec{0, "k", "v"})))
		}
		s.ask("from the start", fetch(t, 0, 0))
		s.ask("zstd", fetch(t, 0, 3))
		z := s.topic("z", 1, "compression.type", "zstd")
		s.fill(z, 0, "a")
		s.ask("a topic of zstd", fetch(z, 0, 0))
	}},
	{name: "fetch, sessions", key: kmsg.Fetch, from: 7, run: func(s *script) {
		t, u := s.topic("t", 2), s.topic("u", 1)
		s.fill(t, 0, "a")
		s.ask("epoch 0 of a session", session(fetch(t, 0, 0), 77, 0))
		s.ask("unknown session", session(nothing(), 77, 1))
		s.ask("epoch -1 of an unknown session", session(fetch(t, 0, 0), 77, -1))
		s.ask("epoch without session", session(nothing(), 0, 5))
		s.ask("empty session", session(nothing(), 0, 0))
		id := s.ask("new session", session(fetch(t, 0, 0), 0, 0)).(*kmsg.FetchResponse).SessionID
		if id == 0 {
			s.fail("no session")
		}
		s.ask("nothing changed", session(nothing(), id, 1))
		s.fill(t, 0, "b")
		s.ask("still from 0", session(nothing(), id, 2))
		s.ask("moved on", session(fetch(t, 0, 2), id, 3))
		s.ask("nothing new", session(nothing(), id, 4))
		s.ask("topic added", session(fetch(u, 0, 0), id, 5))
		s.fill(u, 0, "c")
		s.ask("news of it", session(nothing(), id, 6))
		s.ask("epoch too old", session(nothing(), id, 6))
		s.ask("epoch too new", session(nothing(), id, 9))
		forget := session(nothing(), id, 7)
		f := kmsg.NewFetchRequestForgottenTopic()
		f.Topic, f.TopicID, f.Partitions = u.name, u.id, []int32{0}
		forget.ForgottenTopics = append(forget.ForgottenTopics, f)
		s.ask("forgotten", forget)
		s.ask("bad partition added", session(fetch(t, 9, 0), id, 8))
		s.ask("bad partition again", session(nothing(), id, 9))
		s.ask("unknown topic added", session(fetch(s.noTopic(), 0, 0), id, 10))
		s.ask("unknown topic again", session(nothing(), id, 11))
		s.ask("out of range", session(fetch(t, 0, 99), id, 12))
		s.ask("out of range again", session(nothing(), id, 13))
		s.ask("replaced", session(fetch(t, 0, 1), id, 0))
		s.ask("the old one", session(nothing(), id, 14))
		s.ask("negative epoch", session(fetch(t, 0, 0), id, -5))
		other := s.ask("another", session(fetch(t, 0, 0), 0, 0)).(*kmsg.FetchResponse).SessionID
		s.ask("closed", session(fetch(t, 0, 0), other, -1))
		s.ask("after closing", session(nothing(), other, 1))
	}},
	{name: "fetch, recreated topic", key: kmsg.Fetch, from: 7, run: func(s *script) {
		t := s.topic("t", 1)
		s.fill(t, 0, "a")
		id := s.ask("session", session(fetch(t, 0, 0), 0, 0)).(*kmsg.FetchResponse).SessionID
		s.removes(t)
		s.ask("deleted", fetch(t, 0, 0))
		again := s.topic("t", 1)
		s.fill(again, 0, "b", "c")
		s.ask("old id", fetch(t, 0, 0))
		s.ask("new id", fetch(again, 0, 0))
		s.ask("in the session", session(nothing(), id, 1))
	}},
	{name: "fetch, as a follower", key: kmsg.Fetch, run: func(s *script) {
		t := s.topic("t", 1)
		s.fill(t, 0, "a")
		follow := func(id int32) kmsg.Request {
			r := fetch(t, 0, 0)
			r.ReplicaID, r.ReplicaState.ID = id, id
			return r
		}
		s.ask("debugger", follow(-2))
		s.ask("not a replica", follow(5))
	}},
}
