package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Result is what a run found out.
type Result struct {
	Kind       string      `json:"kind"`
	Topic      string      `json:"topic"`
	Partitions int         `json:"partitions"`
	Producers  int         `json:"producers,omitempty"`
	Consumers  int         `json:"consumers,omitempty"`
	RecordSize int         `json:"recordSize,omitempty"`
	Rate       float64     `json:"targetRecordsPerSec,omitempty"`
	Acks       string      `json:"acks,omitempty"`
	Produced   *Throughput `json:"produced,omitempty"`
	Consumed   *Throughput `json:"consumed,omitempty"`
	// ClientCPU is the CPU time of this process, which competes with a broker
	// on the same machine.
	ClientCPU   float64      `json:"clientCpuSeconds,omitempty"`
	Broker      *Usage       `json:"broker,omitempty"`
	Calibration *Calibration `json:"calibration,omitempty"`
}

// Empty tells that a run has measured nothing: no record was counted after the
// warm-up.
func (r *Result) Empty() bool {
	return (r.Produced == nil || r.Produced.Records == 0) && (r.Consumed == nil || r.Consumed.Records == 0)
}

const progressInterval = time.Second

// Produce measures producers.
func Produce(ctx context.Context, o Options, report func(Progress)) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Records == 0 && o.Duration == 0 {
		return nil, errors.New("a number of records or a duration is needed")
	}
	topic, err := prepareTopic(ctx, &o, true)
	if err != nil {
		return nil, err
	}
	res := o.result("produce", topic)
	l := newLoad(&o, nil, 0)
	if o.Prepared {
		if l.leader, err = soleLeader(ctx, &o); err != nil {
			return nil, err
		}
		l.partitions = topic.partitions
		l.batches, l.perBatch = prepareBatches(&o)
	}
	probe := startProbe(o.BrokerPID, o.Warmup)
	m := newMeter(o.Warmup)
	l.meter = m
	err = watched(ctx, m, l.done, report, l.run)
	res.Produced = m.finish()
	res.usage(probe, res.Produced.Bytes)
	return res, errors.Join(err, m.err())
}

// Consume measures consumers on what a topic holds already.
func Consume(ctx context.Context, o Options, report func(Progress)) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	topic, err := prepareTopic(ctx, &o, false)
	if err != nil {
		return nil, err
	}
	if o.Group != "" {
		if err := topic.skipCommitted(ctx, &o); err != nil {
			return nil, err
		}
	}
	wanted := held(topic.starts, topic.ends)
	if o.FanOut || o.Raw {
		wanted *= int64(o.Consumers)
	}
	if o.Records > 0 {
		wanted = min(wanted, o.Records)
	}
	if wanted == 0 {
		return nil, fmt.Errorf("topic %s holds nothing to read; fill it first, for example with: milena bench produce --topic %s", o.Topic, o.Topic)
	}
	if o.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Warmup+o.Duration)
		defer cancel()
	}
	res := o.result("consume", topic)
	r := &reading{o: &o, from: topic.starts, ends: topic.ends, wanted: wanted}
	if o.Raw {
		if r.leader, err = soleLeader(ctx, &o); err != nil {
			return nil, err
		}
	}
	if o.Newest > 0 {
		r.wanted, wanted = 0, 1<<62
	}
	probe := startProbe(o.BrokerPID, o.Warmup)
	m := newMeter(o.Warmup)
	r.meter = m
	r.remaining.Store(wanted)
	err = watched(ctx, m, r.done, report, func(ctx context.Context) error { return r.run(ctx, func() {}) })
	res.Consumed = m.finish()
	res.usage(probe, res.Consumed.Bytes)
	return res, err
}

// EndToEnd measures the way of records from producers to consumers.
func EndToEnd(ctx context.Context, o Options, report func(Progress)) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Records == 0 && o.Duration == 0 {
		return nil, errors.New("a number of records or a duration is needed")
	}
	o.RecordSize = max(o.RecordSize, stampSize)
	o.Group = "" // a group's first assignment would be part of the latency
	topic, err := prepareTopic(ctx, &o, true)
	if err != nil {
		return nil, err
	}
	res := o.result("e2e", topic)
	probe := startProbe(o.BrokerPID, o.Warmup)
	stamp := rand.Uint64() | 1
	produced, consumed := newMeter(o.Warmup), newMeter(o.Warmup)
	consumed.started, consumed.measured = produced.started, produced.measured
	l := newLoad(&o, produced, stamp)
	r := &reading{o: &o, meter: consumed, from: topic.ends, stamp: stamp}
	r.remaining.Store(1 << 62)
	if o.OneAtATime {
		l.seen = make(chan struct{}, 1)
		r.seen = l.seen
	}
	err = watched(ctx, consumed, l.done, report, func(ctx context.Context) error { return both(ctx, l, r) })
	res.Produced, res.Consumed = produced.finish(), consumed.finish()
	res.usage(probe, res.Produced.Bytes)
	return res, errors.Join(err, produced.err())
}

// drainTime is how long consumers may take for what is left when the last
// record is confirmed.
const drainTime = 30 * time.Second

// both runs producers and consumers together. The number of records to read is
// known only when the last one is sent.
func both(ctx context.Context, l *load, r *reading) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, sent := make(chan struct{}), make(chan error, 1)
	go func() {
		select {
		case <-started:
		case <-ctx.Done():
			return
		}
		err := l.run(ctx)
		const never = int64(1) << 62
		if left := r.remaining.Add(l.sent.Load() - never); left <= 0 || err != nil {
			cancel()
		}
		sent <- err
		timeout := time.NewTimer(drainTime)
		defer timeout.Stop()
		select {
		case <-timeout.C:
			cancel()
		case <-ctx.Done():
		}
	}()
	readErr := r.run(ctx, func() { close(started) })
	cancel()
	select {
	case <-started:
	default:
		return readErr // no consumer could be made
	}
	err := errors.Join(<-sent, readErr)
	if left := r.remaining.Load(); err == nil && left > 0 {
		err = fmt.Errorf("%d records were confirmed but not read within %s", left, drainTime)
	}
	return err
}

// watched runs f while progress is reported.
func watched(ctx context.Context, m *meter, done func() float64, report func(Progress), f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		m.watch(ctx, progressInterval, done, report)
	}()
	err := f(ctx)
	cancel()
	<-stopped
	return err
}

func (o *Options) result(kind string, t topicState) *Result {
	r := &Result{Kind: kind, Topic: o.Topic, Partitions: t.partitions}
	if kind != "consume" {
		r.Producers, r.RecordSize, r.Rate, r.Acks = o.Producers, o.RecordSize, o.Rate, o.Acks
	}
	if kind != "produce" {
		r.Consumers = o.Consumers
	}
	return r
}
