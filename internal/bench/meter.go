package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// meter counts one stream of records: what producers have confirmed, or what
// consumers have read. Counting starts when the warm-up is over.
type meter struct {
	records, bytes, errors atomic.Int64
	lastNanos              atomic.Int64 // of the last counted record, since the meter's start
	firstErr               atomic.Pointer[error]
	latency                *recorder

	started  time.Time
	measured time.Time // when counting starts
	total    *hdrhistogram.Histogram
}

func newMeter(warmup time.Duration) *meter {
	now := time.Now()
	return &meter{latency: newRecorder(), started: now, measured: now.Add(warmup), total: newHistogram()}
}

// count adds one record that was due at the given moment. Latency is not
// recorded when due is zero.
func (m *meter) count(due time.Time, size int) { m.countMany(due, 1, int64(size)) }

// countMany adds records that were due at the same moment, or have none.
func (m *meter) countMany(due time.Time, records, bytes int64) {
	now := time.Now()
	if due.IsZero() && now.Before(m.measured) || !due.IsZero() && due.Before(m.measured) {
		return // warm-up, including what was sent in it and confirmed after
	}
	m.records.Add(records)
	m.bytes.Add(bytes)
	m.lastNanos.Store(int64(now.Sub(m.started)))
	if !due.IsZero() {
		m.latency.record(now.Sub(due), records)
	}
}

func (m *meter) fail(err error) {
	m.errors.Add(1)
	m.firstErr.CompareAndSwap(nil, &err)
}

// err is the first failure.
func (m *meter) err() error {
	if p := m.firstErr.Load(); p != nil {
		return *p
	}
	return nil
}

// seconds is the measured span: to the last record counted.
func (m *meter) seconds() float64 {
	return max(0, (time.Duration(m.lastNanos.Load()) - m.measured.Sub(m.started)).Seconds())
}

// watch reports progress every interval until the context ends. done is the
// share of the run that is over.
func (m *meter) watch(ctx context.Context, interval time.Duration, done func() float64, report func(Progress)) {
	if report == nil {
		report = func(Progress) {}
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var records, bytes int64
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r, b, span := m.records.Load(), m.bytes.Load(), now.Sub(last).Seconds()
			report(Progress{
				Elapsed: now.Sub(m.started), Warming: now.Before(m.measured.Add(interval / 2)), Records: r, Fraction: done(),
				Rate: float64(r-records) / span, MBRate: float64(b-bytes) / span / 1e6,
				Latency: summarize(m.latency.drain(m.total)), Errors: m.errors.Load(),
			})
			records, bytes, last = r, b, now
		}
	}
}

// Throughput is a stream's final count.
type Throughput struct {
	Records       int64   `json:"records"`
	Bytes         int64   `json:"bytes"`
	Errors        int64   `json:"errors"`
	Seconds       float64 `json:"seconds"`
	RecordsPerSec float64 `json:"recordsPerSec"`
	MBPerSec      float64 `json:"mbPerSec"`
	Latency       Latency `json:"latency"`
}

// finish sums the stream up. Nothing may be counted afterwards.
func (m *meter) finish() *Throughput {
	m.latency.drain(m.total)
	t := &Throughput{Records: m.records.Load(), Bytes: m.bytes.Load(), Errors: m.errors.Load(), Seconds: m.seconds(), Latency: summarize(m.total)}
	if t.Seconds > 0 {
		t.RecordsPerSec, t.MBPerSec = float64(t.Records)/t.Seconds, float64(t.Bytes)/t.Seconds/1e6
	}
	return t
}

// group runs goroutines and stops all of them at the first error.
type group struct {
	wg   sync.WaitGroup
	stop context.CancelCauseFunc
}

func (g *group) run(f func() error) {
	g.wg.Go(func() {
		if err := f(); err != nil {
			g.stop(err)
		}
	})
}
