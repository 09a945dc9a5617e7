package bench

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency sums up a histogram, in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"meanMs"`
	P50   float64 `json:"p50Ms"`
	P95   float64 `json:"p95Ms"`
	P99   float64 `json:"p99Ms"`
	P999  float64 `json:"p999Ms"`
	Max   float64 `json:"maxMs"`
}

const (
	latencyMinUs  = 1
	latencyMaxUs  = int64(10 * time.Minute / time.Microsecond)
	latencyShards = 8
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(latencyMinUs, latencyMaxUs, 3) }

// recorder is a histogram that many goroutines feed: each value goes to one of
// a few histograms at random, so that they seldom wait for each other.
type recorder struct{ shards [latencyShards]recorderShard }

type recorderShard struct {
	mu   sync.Mutex
	hist *hdrhistogram.Histogram
	_    [40]byte // neighbours on one cache line would wait for each other after all
}

func newRecorder() *recorder {
	r := &recorder{}
	for i := range r.shards {
		r.shards[i].hist = newHistogram()
	}
	return r
}

// record adds the latency of n records; what is out of range counts as the
// nearest bound.
func (r *recorder) record(d time.Duration, n int64) {
	us := min(max(d.Microseconds(), latencyMinUs), latencyMaxUs)
	s := &r.shards[rand.IntN(latencyShards)]
	s.mu.Lock()
	_ = s.hist.RecordValues(us, n) // in range, so it cannot fail
	s.mu.Unlock()
}

// drain moves everything recorded since the last drain into total, and returns
// it by itself as well.
func (r *recorder) drain(total *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	out := newHistogram()
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		out.Merge(s.hist)
		s.hist.Reset()
		s.mu.Unlock()
	}
	total.Merge(out)
	return out
}

func summarize(h *hdrhistogram.Histogram) Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	if h.TotalCount() == 0 {
		return Latency{}
	}
	return Latency{
		Count: h.TotalCount(), Mean: h.Mean() / 1000, P50: ms(h.ValueAtQuantile(50)), P95: ms(h.ValueAtQuantile(95)),
		P99: ms(h.ValueAtQuantile(99)), P999: ms(h.ValueAtQuantile(99.9)), Max: ms(h.Max()),
	}
}
