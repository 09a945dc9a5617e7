// Package adminhttp is what an operator's tools see of a broker: its metrics
// and the HTTP server for them.
//
//	/metrics       Prometheus text or OpenMetrics
//	/healthz       200 while the process serves and every log directory is online
//	/readyz        200 once every start-up step is done, else 503 with reasons
//	/debug/pprof/  Go's profiles, only when switched on
//	/              links to the above
//
// Two kinds of metrics: counters and histograms that the broker feeds as things
// happen (Metrics and its methods), and gauges that are read from the broker
// when somebody scrapes (Sources). Names begin with milena_ and go on with the
// noun that Kafka's own metric has.
//
// # Invariants
//
//   - Feeding a metric allocates nothing once its series exists, takes no lock
//     and never blocks: it happens on the request path.
//   - The number of series is bounded: topics, partitions and group offsets
//     beyond a limit are left out and counted in milena_metrics_dropped_series.
//   - Label values that come from clients are valid UTF-8, of bounded length and
//     distinct, so that no group id can break a scrape.
//   - The server only reads. It accepts GET and HEAD, bounds connections, header
//     sizes and times, and shows no secrets and no record contents.
//
// # Concurrency
//
// Everything may be used from any goroutine. Source functions are called from
// the goroutine of a scrape, at most two at a time.
package adminhttp
