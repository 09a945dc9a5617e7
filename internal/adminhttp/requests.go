package adminhttp

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	maxAPIKey     = 127
	maxAPIVersion = 31
	maxErrorCode  = 255
)

// Requests counts requests by API. Series appear with the first request of
// their kind; after that counting is a few atomic additions.
type Requests struct {
	total, errs, in, out *prometheus.CounterVec
	duration             *prometheus.HistogramVec
	panics               prometheus.Counter
	apis                 [maxAPIKey + 1]apiInstruments
}

// apiInstruments caches the series of one API.
type apiInstruments struct {
	common   atomic.Pointer[apiCommon]
	versions [maxAPIVersion + 1]atomic.Pointer[prometheus.Counter]
	errs     [maxErrorCode + 1]atomic.Pointer[prometheus.Counter] // by code plus one
}

type apiCommon struct {
	duration prometheus.Observer
	in, out  prometheus.Counter
}

func (r *Requests) init(reg *prometheus.Registry) {
	api := []string{"api"}
	r.total = prometheus.NewCounterVec(counter("requests_total", "Requests answered."), []string{"api", "version"})
	r.errs = prometheus.NewCounterVec(counter("request_errors_total", "Errors in answers, by Kafka's error name; one answer may hold several."), []string{"api", "error"})
	r.in = prometheus.NewCounterVec(counter("request_bytes_total", "Bytes of requests."), api)
	r.out = prometheus.NewCounterVec(counter("response_bytes_total", "Bytes of answers."), api)
	r.duration = prometheus.NewHistogramVec(histogram("request_duration_seconds",
		"Time from a request's last byte to its answer's last byte, including what the client asked to wait.", latencyBuckets), api)
	r.panics = prometheus.NewCounter(counter("request_panics_total", "Requests whose handler panicked."))
	reg.MustRegister(r.total, r.errs, r.in, r.out, r.duration, r.panics)
}

// Done counts an answered request.
func (r *Requests) Done(key, version int16, took time.Duration, requestBytes, responseBytes int) {
	if key < 0 || key > maxAPIKey || version < 0 || version > maxAPIVersion {
		return // never answered normally, and not to become a series
	}
	a := &r.apis[key]
	c := a.common.Load()
	if c == nil {
		name := apiName(key)
		c = &apiCommon{r.duration.WithLabelValues(name), r.in.WithLabelValues(name), r.out.WithLabelValues(name)}
		a.common.Store(c)
	}
	cached(&a.versions[version], func() prometheus.Counter {
		return r.total.WithLabelValues(apiName(key), strconv.Itoa(int(version)))
	}).Inc()
	c.duration.Observe(took.Seconds())
	c.in.Add(float64(requestBytes))
	c.out.Add(float64(responseBytes))
}

// Error counts one error code of an answer; 0 is none and not counted.
func (r *Requests) Error(key, code int16) {
	if key < 0 || key > maxAPIKey || code == 0 || code < -1 || code >= maxErrorCode {
		return
	}
	cached(&r.apis[key].errs[code+1], func() prometheus.Counter {
		return r.errs.WithLabelValues(apiName(key), errorName(code))
	}).Inc()
}

// Panicked counts a handler that panicked.
func (r *Requests) Panicked() { r.panics.Inc() }

// cached resolves a series once. Two first calls may both resolve it and get
// the same one.
func cached(p *atomic.Pointer[prometheus.Counter], resolve func() prometheus.Counter) prometheus.Counter {
	if c := p.Load(); c != nil {
		return *c
	}
	c := resolve()
	p.Store(&c)
	return c
}

func apiName(key int16) string { return kmsg.NameForKey(key) }

func errorName(code int16) string {
	if e, ok := errors.AsType[*kerr.Error](kerr.ErrorForCode(code)); ok {
		return e.Message
	}
	return strconv.Itoa(int(code))
}
