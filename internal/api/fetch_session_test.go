package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The transcripts under testdata/fetch_session tell the life of incremental
// fetch sessions. Session ids are shown as s1, s2 … in the order in which they
// appear; 0 is "no session".
//
//	topic name=t id=1 partitions=2    create a topic
//	drop name=t
//	produce t-0 [n]                   append n batches
//	advance 3m                        let time pass
//	fetch session=s1 epoch=2 [version=12] [as=User:x]
//	t:0@5                             partition 0 of t from offset 5
//	-t:0                              forget it
func TestFetchSessionTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/fetch_session", func(t *testing.T, path string) {
		s := &sessionScript{t: t, broker: newBroker(t), names: map[int32]string{0: "0"}, now: time.Unix(1_000_000, 0), ids: map[string]byte{}}
		s.broker.api.sessions.now = func() time.Time { return s.now }
		datadriven.RunTest(t, path, s.run)
	})
}

type sessionScript struct {
	t      *testing.T
	broker *broker
	names  map[int32]string
	ids    map[string]byte
	now    time.Time
}

func (s *sessionScript) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "topic":
		var name string
		var id, partitions int
		d.ScanArgs(t, "name", &name)
		d.ScanArgs(t, "id", &id)
		d.ScanArgs(t, "partitions", &partitions)
		s.ids[name] = byte(id)
		s.broker.topic(name, byte(id), partitions)
		return ""
	case "drop":
		s.broker.drop(d.CmdArgs[0].Vals[0])
		return ""
	case "produce":
		name, index, _ := strings.Cut(d.CmdArgs[0].Key, "-")
		n := 1
		if len(d.CmdArgs) > 1 {
			n, _ = strconv.Atoi(d.CmdArgs[1].Key)
		}
		p, _ := strconv.Atoi(index)
		fill(t, s.partition(name, int32(p)), n)
		return ""
	case "advance":
		by, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(by)
		return ""
	case "fetch":
		return s.fetch(d)
	}
	t.Fatalf("unknown command %s", d.Cmd)
	return ""
}

func (s *sessionScript) partition(topic string, index int32) *fakePartition {
	for tp, p := range s.broker.partitions {
		if tp.Topic == topic && tp.Partition == index {
			return p
		}
	}
	s.t.Fatalf("no partition %s-%d", topic, index)
	return nil
}

func (s *sessionScript) fetch(d *datadriven.TestData) string {
	session, epoch, version, as := "0", 0, 12, AnonymousPrincipal
	d.MaybeScanArgs(s.t, "session", &session)
	d.ScanArgs(s.t, "epoch", &epoch)
	d.MaybeScanArgs(s.t, "version", &version)
	d.MaybeScanArgs(s.t, "as", &as)
	var id int32 = 12345 // of no session
	for k, v := range s.names {
		if v == session {
			id = k
		}
	}
	var wants []want
	req := fetchOf(id, int32(epoch))
	for line := range strings.Lines(d.Input) {
		line = strings.TrimSpace(line)
		rest, forget := strings.CutPrefix(line, "-")
		topic, rest, _ := strings.Cut(rest, ":")
		partition, offset, _ := strings.Cut(rest, "@")
		p, _ := strconv.Atoi(partition)
		o, _ := strconv.ParseInt(offset, 10, 64)
		if forget {
			req.ForgottenTopics = append(req.ForgottenTopics, kmsg.FetchRequestForgottenTopic{Topic: topic, TopicID: topicID(s.ids[topic]), Partitions: []int32{int32(p)}})
		} else {
			wants = append(wants, target(topic, s.ids[topic], int32(p), o))
		}
	}
	req.Topics = fetchOf(0, 0, wants...).Topics
	s.broker.conn.Principal = as
	return s.show(ask[*kmsg.FetchResponse](s.t, s.broker, int16(version), req))
}

func (s *sessionScript) show(resp *kmsg.FetchResponse) string {
	if _, known := s.names[resp.SessionID]; !known {
		s.names[resp.SessionID] = fmt.Sprintf("s%d", len(s.names))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s session=%s\n", name(resp.ErrorCode), s.names[resp.SessionID])
	for _, t := range resp.Topics {
		topic := t.Topic
		for n, id := range s.ids {
			if topic == "" && topicID(id) == t.TopicID {
				topic = n
			}
		}
		for _, p := range t.Partitions {
			fmt.Fprintf(&b, "  %s-%d %s hw=%d batches=%d\n", topic, p.Partition, name(p.ErrorCode), p.HighWatermark, len(p.RecordBatches)/len(plainBatch()))
		}
	}
	sessions, partitions := s.broker.api.sessions.counts()
	fmt.Fprintf(&b, "cache: %d sessions, %d partitions\n", sessions, partitions)
	return b.String()
}

func TestSessionEpochsWrap(t *testing.T) {
	for in, want := range map[int32]int32{-1: -1, 0: 1, 1: 2, 1<<31 - 1: 1} {
		if got := nextEpoch(in); got != want {
			t.Errorf("after %d comes %d, want %d", in, got, want)
		}
	}
}

// However many sessions and partitions clients ask for, the cache keeps to its
// limits.
func TestSessionCacheIsBounded(t *testing.T) {
	c := newSessionCache(10, 100, time.Now)
	var results []fetchResult
	for i := range int32(30) {
		results = append(results, fetchResult{fetchTarget: fetchTarget{fetchKey: fetchKey{topic: "t", partition: i}}})
	}
	var ids []int32
	for range 20 {
		if id := c.open("p", false, results); id != noSession {
			ids = append(ids, id)
		}
	}
	if n, partitions := c.counts(); n != 3 || partitions != 90 {
		t.Errorf("%d sessions with %d partitions", n, partitions)
	}
	var more []fetchTarget
	for i := range int32(50) {
		more = append(more, fetchTarget{fetchKey: fetchKey{topic: "u", partition: i}})
	}
	if _, _, err := c.advance(sessionRequest{id: ids[0], epoch: 1, principal: "p", targets: more}); err == nil {
		t.Error("a session grew beyond the limit")
	}
	if n, partitions := c.counts(); n != 2 || partitions != 60 {
		t.Errorf("%d sessions with %d partitions", n, partitions)
	}
	c = newSessionCache(0, 100, time.Now)
	if id := c.open("p", false, results); id != noSession {
		t.Error("a session was opened without slots")
	}
}

// A busy partition goes behind the quiet ones.
func TestSessionOrderIsFair(t *testing.T) {
	b := newBroker(t)
	parts := b.topic("t", 1, 3)
	resp := ask[*kmsg.FetchResponse](t, b, 12, fetchOf(0, 0, target("t", 1, 0, 0), target("t", 1, 1, 0), target("t", 1, 2, 0)))
	id := resp.SessionID
	var order [][]int32
	for epoch := int32(1); epoch <= 3; epoch++ {
		fill(t, parts[0], 1)
		fill(t, parts[1], 1)
		req := fetchOf(id, epoch)
		req.MaxBytes = 1 // the first partition with data wins
		var got []int32
		for _, topic := range ask[*kmsg.FetchResponse](t, b, 12, req).Topics {
			for _, p := range topic.Partitions {
				if len(p.RecordBatches) > 0 {
					got = append(got, p.Partition)
				}
			}
		}
		order = append(order, got)
	}
	if !slices.EqualFunc(order, [][]int32{{0}, {1}, {0}}, slices.Equal) {
		t.Errorf("%v", order)
	}
}
