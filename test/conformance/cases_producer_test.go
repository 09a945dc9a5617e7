package conformance

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

// producer is an idempotent one.
type producer struct {
	id    int64
	epoch int16
}

func (s *script) newProducer() producer {
	req := kmsg.NewPtrInitProducerIDRequest()
	var p producer
	s.untilAt(req, served[req.Key()].Max, func(resp kmsg.Response) bool { // Kafka fetches ids when the first is wanted
		r := resp.(*kmsg.InitProducerIDResponse)
		p = producer{r.ProducerID, r.ProducerEpoch}
		return r.ErrorCode == 0
	})
	return p
}

// numbered is a batch of n records with a sequence.
func (s *script) numbered(p producer, sequence int32, n int) []byte {
	recs := make([]rec, n)
	for i := range recs {
		recs[i] = rec{int64(i), "k", "v"}
	}
	return s.batch(record.BuilderOptions{Idempotent: true, ProducerID: p.id, ProducerEpoch: p.epoch, BaseSequence: sequence}, recs...)
}

func initProducer(txn *string, timeout int32, id int64, epoch int16) *kmsg.InitProducerIDRequest {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = txn, timeout, id, epoch
	return req
}

func describeProducers(t topic, partitions ...int32) *kmsg.DescribeProducersRequest {
	req := kmsg.NewPtrDescribeProducersRequest()
	one := kmsg.NewDescribeProducersRequestTopic()
	one.Topic, one.Partitions = t.name, partitions
	req.Topics = append(req.Topics, one)
	return req
}

var producerScenarios = []scenario{
	{name: "idempotent produce", key: kmsg.Produce, run: func(s *script) {
		t, p := s.topic("t", 2), s.newProducer()
		send := func(step string, p producer, sequence int32, n int) {
			s.ask(step, produce(t, 0, -1, s.numbered(p, sequence, n)))
		}
		send("first sequence is not 0", p, 3, 1)
		send("0", p, 4, 2)
		send("6", p, 6, 1)
		send("duplicate of the last", p, 6, 1)
		send("duplicate of an older one", p, 4, 2)
		send("half a duplicate", p, 5, 1)
		send("gap", p, 9, 1)
		for i := range int32(6) {
			s.quiet(produce(t, 0, -1, s.numbered(p, 7+i, 1)))
		}
		send("duplicate beyond the window", p, 4, 2)
		send("duplicate at the window's end", p, 8, 1)
		next := producer{p.id, p.epoch + 1}
		send("new epoch, sequence 5", next, 5, 1)
		send("new epoch, sequence 0", next, 0, 1)
		send("old epoch", p, 13, 1)
		send("negative sequence", next, -1, 1)
		send("negative epoch", producer{p.id, -1}, 0, 1)
		send("unknown producer id", producer{987654321, 0}, 0, 1)
		send("no producer id but a sequence", producer{-1, -1}, 0, 1)
		send("no producer id but an epoch", producer{-1, 0}, -1, 1)
		s.ask("two batches of one producer", produce(t, 1, -1, append(s.numbered(p, 0, 1), s.numbered(p, 1, 1)...)))
		s.ask("the same two", produce(t, 1, -1, append(s.numbered(p, 0, 1), s.numbered(p, 1, 1)...)))
		s.ask("acks 1", produce(t, 1, 1, s.numbered(p, 2, 1)))
		s.ask("stored", fetch(t, 0, 0))
		s.ask("producers", describeProducers(t, 0, 1))
	}},
	{name: "idempotent produce, wrap", key: kmsg.Produce, run: func(s *script) {
		t, p := s.topic("t", 1), s.newProducer()
		s.ask("near the end", produce(t, 0, -1, s.numbered(p, 1<<31-3, 2)))
		s.ask("over the end", produce(t, 0, -1, s.numbered(p, 1<<31-1, 3)))
		s.ask("after the end", produce(t, 0, -1, s.numbered(p, 2, 1)))
		s.ask("duplicate", produce(t, 0, -1, s.numbered(p, 1<<31-1, 3)))
		s.ask("zero, not two", produce(t, 0, -1, s.numbered(p, 0, 1)))
		s.ask("stored", fetch(t, 0, 0))
	}},
	{name: "transactional produce", key: kmsg.Produce, run: func(s *script) {
		t, p := s.topic("t", 1), s.newProducer()
		b := s.batch(record.BuilderOptions{Transactional: true, ProducerID: p.id, ProducerEpoch: p.epoch}, rec{0, "k", "v"})
		s.ask("no transactional id", produce(t, 0, -1, b))
	}},
	{name: "init producer id", key: kmsg.InitProducerID, run: func(s *script) {
		s.ask("first", initProducer(nil, 0, -1, -1))
		r := s.ask("second", initProducer(nil, 60000, -1, -1)).(*kmsg.InitProducerIDResponse)
		s.ask("negative timeout", initProducer(nil, -1, -1, -1))
		s.ask("with its own id", initProducer(nil, 0, r.ProducerID, r.ProducerEpoch))
		s.ask("with an unknown id", initProducer(nil, 0, 987654321, 3))
		s.ask("id without epoch", initProducer(nil, 0, 5, -1))
		s.ask("epoch without id", initProducer(nil, 0, -1, 5))
		s.ask("empty transactional id", initProducer(ptr(""), 60000, -1, -1))
	}},
	{name: "init producer id, transactional", key: kmsg.InitProducerID, run: func(s *script) {
		s.ask("transactional id", initProducer(ptr(s.name("tx")), 60000, -1, -1))
	}},
	{name: "describe producers", key: kmsg.DescribeProducers, run: func(s *script) {
		t, p := s.topic("t", 2), s.newProducer()
		s.ask("none", describeProducers(t, 0))
		s.quiet(produce(t, 0, -1, s.numbered(p, 0, 3)))
		s.ask("one", describeProducers(t, 0, 1))
		s.ask("unknown partition", describeProducers(t, 9, -1, 0))
		s.ask("unknown topic", describeProducers(s.noTopic(), 0))
		s.ask("bad topic name", describeProducers(topic{name: "a/b"}, 0))
		s.ask("empty topic name", describeProducers(topic{}, 0))
		s.ask("no partitions", describeProducers(t))
		none := describeProducers(t)
		none.Topics = nil
		s.ask("no topics", none)
	}},
}
