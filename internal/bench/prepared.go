package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

const (
	preparedBatches  = 8       // distinct ones, sent in turn
	preparedRequest  = 1 << 20 // bytes that a request without a number of partitions stays below
	preparedInFlight = 5       // as an idempotent producer has
	produceVersion   = 8       // the newest one without compact fields, which are dearer to write by hand
	produceTimeoutMs = 30_000
)

// prepareBatches makes the batches of a prepared run: as many records as fit.
func prepareBatches(o *Options) (batches []record.Batch, records int) {
	payload, now := makePayload(o), time.Now().UnixMilli()
	records = max(1, (int(o.BatchBytes)-record.HeaderSize)/(o.RecordSize+12))
	rng := rand.New(rand.NewPCG(1, 7))
	for range preparedBatches {
		b := record.NewBuilder(record.BuilderOptions{Codec: o.Codec})
		for range records {
			at := rng.IntN(len(payload) - o.RecordSize)
			if o.Compressible > 0 && o.RecordSize > 0 {
				at -= at % o.RecordSize
			}
			b.Append(now, nil, payload[at:at+o.RecordSize])
		}
		batches = append(batches, b.Build())
	}
	return batches, records
}

// soleLeader is the address of the broker that leads all partitions.
func soleLeader(ctx context.Context, o *Options) (string, error) {
	cl, err := kgo.NewClient(o.clientOptions()...)
	if err != nil {
		return "", err
	}
	defer cl.Close()
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(o.Topic)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return "", err
	}
	leader := int32(-1)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if leader >= 0 && p.Leader != leader {
				return "", errors.New("prepared and raw runs need one broker that leads all partitions")
			}
			leader = p.Leader
		}
	}
	for _, b := range resp.Brokers {
		if b.NodeID == leader {
			return net.JoinHostPort(b.Host, fmt.Sprint(b.Port)), nil
		}
	}
	return "", fmt.Errorf("topic %s has no leader", o.Topic)
}

// preparedProducer is one connection.
type preparedProducer struct {
	l          *load
	conn       *Conn
	batches    []record.Batch
	records    int // of a batch
	partitions int // of the topic
	each       int // partitions of a request
	flying     chan time.Time
}

// prepared drives one connection: this goroutine sends, another one reads.
func (l *load) prepared(ctx, sending context.Context, index int) error {
	conn, err := Dial(ctx, l.leader)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	window := l.o.MaxInFlight
	if window == 0 {
		window = preparedInFlight
	}
	p := &preparedProducer{
		l: l, conn: conn, batches: l.batches, records: l.perBatch, partitions: l.partitions,
		each: l.o.RequestPartitions, flying: make(chan time.Time, window-1), // the one being answered is out of it
	}
	if p.each == 0 {
		p.each = preparedRequest / len(p.batches[0])
	}
	p.each = min(max(p.each, 1), p.partitions)
	answered := make(chan error, 1)
	go func() { answered <- p.answers() }()
	err = p.send(sending, index)
	close(p.flying)
	if err != nil {
		_ = conn.SetDeadline(time.Unix(1, 0)) // nothing more will be answered
	}
	return errors.Join(<-answered, err)
}

// send writes requests until the time or the records are used up.
func (p *preparedProducer) send(ctx context.Context, index int) error {
	l, share := p.l, time.Duration(p.records*p.each)
	pace := pacer{start: time.Now().Add(l.interval() * time.Duration(index) / time.Duration(l.o.Producers)), interval: l.interval() * share}
	rng := rand.New(rand.NewPCG(uint64(index), 11))
	order := rng.Perm(p.partitions)
	var heads []byte
	for n := 0; ctx.Err() == nil && l.left.Add(-int64(share)) >= 0; n++ {
		due, ok := pace.wait(ctx, int64(n))
		if !ok {
			return nil
		}
		p.flying <- due // blocks while the window is full; the reader takes all of them in the end
		l.sent.Add(int64(share))
		var request net.Buffers
		heads, request = p.request(heads[:0], n, order)
		if _, err := request.WriteTo(p.conn.Conn); err != nil {
			return fmt.Errorf("producing: %w", err)
		}
	}
	return nil
}

// request makes request n. Batches are not copied: they go out from where they
// are, between the heads of their partitions.
func (p *preparedProducer) request(heads []byte, n int, order []int) (head []byte, out net.Buffers) {
	b := binary.BigEndian
	batch := p.batches[n%len(p.batches)]
	heads = append(heads, 0, 0, 0, 0)
	heads = b.AppendUint16(b.AppendUint16(heads, 0), produceVersion)
	heads = b.AppendUint32(heads, uint32(n))
	heads = append(b.AppendUint16(heads, 12), "milena-bench"...)
	heads = b.AppendUint16(heads, 0xffff) // no transactional id
	heads = b.AppendUint16(heads, uint16(p.acks()))
	heads = b.AppendUint32(heads, produceTimeoutMs)
	heads = b.AppendUint32(heads, 1)
	heads = append(b.AppendUint16(heads, uint16(len(p.l.o.Topic))), p.l.o.Topic...)
	heads = b.AppendUint32(heads, uint32(p.each))
	first := len(heads) + 8
	for i := range p.each {
		heads = b.AppendUint32(heads, uint32(order[(n*p.each+i)%len(order)]))
		heads = b.AppendUint32(heads, uint32(len(batch)))
	}
	b.PutUint32(heads, uint32(len(heads)+p.each*len(batch)-4))
	out = append(out, heads[:first], batch)
	for i := 1; i < p.each; i++ {
		out = append(out, heads[first+(i-1)*8:first+i*8], batch)
	}
	return heads, out
}

func (p *preparedProducer) acks() int16 {
	if p.l.o.Acks == "1" {
		return 1
	}
	return -1
}

// answers counts what is confirmed, in the order of the requests.
func (p *preparedProducer) answers() error {
	m, records := p.l.meter, int64(p.records*p.each)
	resp := kmsg.NewPtrProduceResponse()
	var failed error
	for due := range p.flying {
		if failed != nil {
			continue // the sender must not block
		}
		body, err := p.conn.read(false)
		if err == nil {
			resp.Version = produceVersion
			err = resp.ReadFrom(body)
		}
		if err == nil {
			err = produceError(resp)
		}
		if err != nil {
			failed = fmt.Errorf("producing: %w", err)
			m.fail(failed)
			_ = p.conn.SetDeadline(time.Unix(1, 0))
			continue
		}
		m.countMany(due, records, records*int64(p.l.o.RecordSize))
	}
	return failed
}

func produceError(resp *kmsg.ProduceResponse) error {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("%s partition %d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
