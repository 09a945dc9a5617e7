package adminhttp

import (
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// BenchmarkScrape is a scrape of a broker with 10,000 partitions.
func BenchmarkScrape(b *testing.B) {
	logs := func() iter.Seq[Log] {
		return func(yield func(Log) bool) {
			for i := range 10_000 {
				if !yield(Log{Topic: "topic-" + strconv.Itoa(i/10), Partition: int32(i % 10)}) {
					return
				}
			}
		}
	}
	m := NewMetrics(MetricsOptions{})
	m.SetSources(Sources{Logs: logs})
	h := m.Handler()
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
