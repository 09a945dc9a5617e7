package adminhttp

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	namespace = "milena"

	defaultMaxTopics = 1000
	defaultMaxSeries = 20_000

	maxScrapes    = 2
	scrapeTimeout = 30 * time.Second
)

// MetricsOptions configures Metrics; zero fields have defaults.
type MetricsOptions struct {
	Version, Revision string
	// MaxTopics bounds the topics with counters of their own.
	MaxTopics int
	// MaxSeries bounds the series of each per-partition and per-group metric.
	MaxSeries int
}

// Metrics holds every instrument of one broker in a registry of its own, so that
// brokers in one process stay apart.
type Metrics struct {
	registry *prometheus.Registry
	sources  atomic.Pointer[Sources]

	Requests    Requests
	Topics      Topics
	Connections Connections
	Log         LogEvents
}

// NewMetrics returns instruments that are all at zero.
func NewMetrics(o MetricsOptions) *Metrics {
	if o.MaxTopics == 0 {
		o.MaxTopics = defaultMaxTopics
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = defaultMaxSeries
	}
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(o),
		newSourceCollector(&m.sources, o.MaxSeries),
	)
	m.Requests.init(m.registry)
	m.Topics.init(m.registry, o.MaxTopics)
	m.Connections.init(m.registry)
	m.Log.init(m.registry)
	return m
}

func buildInfo(o MetricsOptions) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Version of this broker; the value is always 1.",
		ConstLabels: prometheus.Labels{"version": o.Version, "revision": o.Revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// SetSources says where gauges are read from; it may be called again, for
// example with nothing when the broker stops.
func (m *Metrics) SetSources(s Sources) { m.sources.Store(&s) }

// Registry is for instruments of other packages.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler serves a scrape. A source that fails costs its own series only.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes, Timeout: scrapeTimeout,
		EnableOpenMetrics: true,
	})
}

func counter(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}
}

func gauge(name, help string) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}
}

func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}
}

// latencyBuckets reach from a request served from memory to one that waits for
// its full timeout.
var latencyBuckets = []float64{
	.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30,
}
