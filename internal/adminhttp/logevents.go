package adminhttp

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// LogEvents counts what happens to logs on disk. Its methods fit the event
// functions of package commitlog.
type LogEvents struct {
	flush                                          prometheus.Histogram
	flushedLogs, offline, quarantined, corruptions prometheus.Counter
	rolled, deletedBytes, truncatedBytes           prometheus.Counter
	cleaned, cleanedBytes                          prometheus.Counter
	recovery                                       prometheus.Histogram
}

// flushBuckets are finer than requests' at the low end: a shared fdatasync takes
// 0.1 ms on a good disk.
var flushBuckets = []float64{.00005, .0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

func (l *LogEvents) init(reg *prometheus.Registry) {
	l.flush = prometheus.NewHistogram(histogram("log_flush_duration_seconds", "Duration of one group commit, of one log or of many with one sync.", flushBuckets))
	l.flushedLogs = prometheus.NewCounter(counter("log_flushed_logs_total", "Logs flushed, summed over group commits."))
	l.offline = prometheus.NewCounter(counter("log_dir_failures_total", "Log directories taken offline by an I/O error."))
	l.quarantined = prometheus.NewCounter(counter("log_quarantined_total", "Replicas taken out of service because of damage below the durable frontier."))
	l.corruptions = prometheus.NewCounter(counter("log_corruptions_total", "Damaged data found on disk; never served."))
	l.rolled = prometheus.NewCounter(counter("log_segments_rolled_total", "Segments closed and followed by a new one."))
	l.deletedBytes = prometheus.NewCounter(counter("log_deleted_bytes_total", "Bytes dropped by retention."))
	l.truncatedBytes = prometheus.NewCounter(counter("log_recovery_truncated_bytes_total", "Bytes of torn writes cut off at start-up."))
	l.cleaned = prometheus.NewCounter(counter("log_cleanings_total", "Compaction passes."))
	l.cleanedBytes = prometheus.NewCounter(counter("log_cleaned_bytes_total", "Bytes that compaction has freed."))
	l.recovery = prometheus.NewHistogram(histogram("log_recovery_duration_seconds", "Time to recover one log at start-up.", flushBuckets))
	reg.MustRegister(l.flush, l.flushedLogs, l.offline, l.quarantined, l.corruptions, l.rolled, l.deletedBytes, l.truncatedBytes,
		l.cleaned, l.cleanedBytes, l.recovery)
}

// Flushed counts one group commit over some logs.
func (l *LogEvents) Flushed(took time.Duration, logs int) {
	l.flush.Observe(took.Seconds())
	l.flushedLogs.Add(float64(logs))
}

// DirOffline counts a log directory that failed.
func (l *LogEvents) DirOffline() { l.offline.Inc() }

// Quarantined counts a replica taken out of service.
func (l *LogEvents) Quarantined() { l.quarantined.Inc() }

// Corruption counts damaged data.
func (l *LogEvents) Corruption() { l.corruptions.Inc() }

// Rolled counts a new segment.
func (l *LogEvents) Rolled() { l.rolled.Inc() }

// Deleted counts bytes dropped by retention.
func (l *LogEvents) Deleted(bytes int64) { l.deletedBytes.Add(positive(bytes)) }

// Recovered counts one log's recovery.
func (l *LogEvents) Recovered(took time.Duration, truncatedBytes int64) {
	l.recovery.Observe(took.Seconds())
	l.truncatedBytes.Add(positive(truncatedBytes))
}

// Cleaned counts one compaction pass.
func (l *LogEvents) Cleaned(before, after int64) {
	l.cleaned.Inc()
	l.cleanedBytes.Add(positive(before - after))
}

// positive keeps a counter from panicking; a rewritten segment may grow a little.
func positive(n int64) float64 { return float64(max(0, n)) }
