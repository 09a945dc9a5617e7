package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/record"
)

// stampSize is what an end-to-end record carries in front of its value: the
// run it belongs to and when it was due, in nanoseconds since the run's start.
const stampSize = 16

// load drives the producers of one run.
type load struct {
	o       *Options
	meter   *meter
	payload []byte   // random bytes, of which every value is a slice
	keys    [][]byte // nil for records without key
	// stamp is the run's mark, 0 when records carry none.
	stamp uint64
	left  atomic.Int64 // records still to send
	sent  atomic.Int64
	seen  chan struct{} // in runs of one record at a time: the last one was read

	// of prepared runs
	leader     string
	partitions int
	batches    []record.Batch
	perBatch   int
}

func newLoad(o *Options, m *meter, stamp uint64) *load {
	l := &load{o: o, meter: m, stamp: stamp, payload: makePayload(o)}
	l.left.Store(1 << 62)
	if o.Records > 0 {
		l.left.Store(o.Records)
	}
	for i := range o.Keys {
		l.keys = append(l.keys, []byte("key-"+strconv.Itoa(i)))
	}
	return l
}

// makePayload makes many values' worth of bytes, so that a compressor does not
// find one record in the other. The filler share is a run of one letter in
// every value-sized stretch.
func makePayload(o *Options) []byte {
	buf := make([]byte, max(1<<20, 4*o.RecordSize))
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(buf)
	if filler := int(float64(o.RecordSize) * o.Compressible); filler > 0 {
		for at := 0; at < len(buf); at += o.RecordSize {
			for i := at; i < min(at+filler, len(buf)); i++ {
				buf[i] = 'x'
			}
		}
	}
	return buf
}

// done is the share of the run that is over.
func (l *load) done() float64 {
	if l.o.Records > 0 {
		return float64(l.sent.Load()) / float64(l.o.Records)
	}
	return min(1, time.Since(l.meter.started).Seconds()/(l.o.Duration+l.o.Warmup).Seconds())
}

// run drives all producers until the records or the time are used up, and
// waits until everything sent is confirmed.
func (l *load) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sending := ctx
	if l.o.Duration > 0 {
		var cancel context.CancelFunc
		sending, cancel = context.WithDeadline(ctx, l.meter.started.Add(l.o.Warmup+l.o.Duration))
		defer cancel()
	}
	g := &group{stop: stop}
	for i := range l.o.Producers {
		g.run(func() error {
			if l.batches != nil {
				return l.prepared(ctx, sending, i)
			}
			return l.producer(ctx, sending, i, stop)
		})
	}
	g.wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// producer sends one producer's share.
func (l *load) producer(ctx, sending context.Context, index int, stop context.CancelCauseFunc) error {
	opts, err := l.o.producerOptions()
	if err != nil {
		return err
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := l.send(sending, cl, index, stop); err != nil {
		return err
	}
	if err := cl.Flush(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("waiting for the last records: %w", err)
	}
	return nil
}

// pending is a record under way, reused when it is confirmed.
type pending struct {
	kgo.Record
	due   time.Time
	stand int64  // how many records it stands for when it is confirmed
	value []byte // own memory of stamped records
}

// standFor is how many records one stands for in a run flat out for a time:
// reading the clock twice for each would cost as much as a fifth of sending it.
const standFor = 16

func (l *load) send(ctx context.Context, cl *kgo.Client, index int, stop context.CancelCauseFunc) error {
	free := sync.Pool{New: func() any { return new(pending) }}
	interval := l.interval()
	// Producers take turns instead of sending all at the same moment.
	pace := pacer{start: time.Now().Add(interval * time.Duration(index) / time.Duration(l.o.Producers)), interval: interval}
	unhurried := context.WithoutCancel(ctx) // what was sent is waited for
	rng := rand.New(rand.NewPCG(uint64(index), 7))
	every := int64(1)
	if interval == 0 && l.o.Records == 0 && l.stamp == 0 {
		every = standFor
	}
	for n := int64(0); ctx.Err() == nil && l.left.Add(-1) >= 0; n++ {
		p := free.Get().(*pending)
		p.stand = 0
		if n%every == every-1 {
			due, ok := pace.wait(ctx, n)
			if !ok {
				return nil
			}
			p.due, p.stand = due, every
		}
		l.fill(p, rng)
		l.sent.Add(1)
		cl.Produce(unhurried, &p.Record, func(r *kgo.Record, err error) {
			if err != nil {
				l.meter.fail(err)
				stop(fmt.Errorf("producing: %w", err))
				return
			}
			if p.stand > 0 {
				l.meter.countMany(p.due, p.stand, p.stand*int64(len(r.Key)+len(r.Value)))
			}
			free.Put(p)
		})
		if l.seen != nil && !l.awaitRead(ctx) {
			return nil
		}
	}
	return nil
}

// awaitRead waits until the record that was just sent has been read.
func (l *load) awaitRead(ctx context.Context) bool {
	select {
	case <-l.seen:
		return true
	case <-ctx.Done():
		return false
	}
}

// interval is the time between two records of one producer, 0 flat out.
func (l *load) interval() time.Duration {
	if l.o.Rate == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) * float64(l.o.Producers) / l.o.Rate)
}

func (l *load) fill(p *pending, rng *rand.Rand) {
	p.Record = kgo.Record{}
	at := rng.IntN(len(l.payload) - l.o.RecordSize)
	if l.o.Compressible > 0 && l.o.RecordSize > 0 {
		at -= at % l.o.RecordSize
	}
	p.Value = l.payload[at : at+l.o.RecordSize]
	if l.stamp != 0 {
		p.value = append(p.value[:0], p.Value...)
		p.Value = p.value
		binary.BigEndian.PutUint64(p.Value, l.stamp)
		binary.BigEndian.PutUint64(p.Value[8:], uint64(p.due.Sub(l.meter.started)))
	}
	if len(l.keys) > 0 {
		p.Key = l.keys[rng.IntN(len(l.keys))]
	}
}

// pacer says when each record of a producer is due.
type pacer struct {
	start    time.Time
	interval time.Duration
}

// wait blocks until record n is due and returns that moment, which is now when
// there is no rate. A producer that has fallen behind does not wait, and the
// moment it returns lies in the past.
func (p pacer) wait(ctx context.Context, n int64) (due time.Time, ok bool) {
	if p.interval == 0 {
		return time.Now(), true
	}
	due = p.start.Add(time.Duration(n) * p.interval)
	ahead := time.Until(due)
	if ahead <= 0 {
		return due, true
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-timer.C:
		return due, true
	case <-ctx.Done():
		return due, false
	}
}
