package adminhttp

import (
	"fmt"
	"iter"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"
)

// scrape returns the series of milena's own metrics, one per line.
func scrape(t testing.TB, m *Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: %d\n%s", w.Code, w.Body)
	}
	text := w.Body.String()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		t.Fatalf("not a Prometheus text: %v", err)
	}
	var series []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "milena_") {
			series = append(series, strings.TrimSpace(line))
		}
	}
	slices.Sort(series)
	return series
}

func mustHave(t *testing.T, series []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(series, w) {
			t.Errorf("no %s in\n%s", w, strings.Join(series, "\n"))
		}
	}
}

func TestRequests(t *testing.T) {
	m := NewMetrics(MetricsOptions{Version: "1.2", Revision: "abc"})
	for range 3 {
		m.Requests.Done(0, 13, 3*time.Millisecond, 100, 40)
	}
	m.Requests.Done(0, 9, 20*time.Second, 100, 40)
	m.Requests.Done(1, 18, time.Microsecond, 1, 2)
	m.Requests.Error(0, 6)
	m.Requests.Error(0, 6)
	m.Requests.Error(0, -1)
	m.Requests.Error(0, 0)
	m.Requests.Panicked()
	for _, bad := range []int16{-1, 128, 32767} {
		m.Requests.Done(bad, 0, 0, 0, 0)
		m.Requests.Done(0, bad, 0, 0, 0)
		m.Requests.Error(bad, 1)
		m.Requests.Error(1, max(bad, 255))
	}
	got := scrape(t, m)
	mustHave(t, got,
		`milena_requests_total{api="Produce",version="13"} 3`,
		`milena_requests_total{api="Produce",version="9"} 1`,
		`milena_requests_total{api="Fetch",version="18"} 1`,
		`milena_request_errors_total{api="Produce",error="NOT_LEADER_FOR_PARTITION"} 2`,
		`milena_request_errors_total{api="Produce",error="UNKNOWN_SERVER_ERROR"} 1`,
		`milena_request_duration_seconds_bucket{api="Produce",le="0.0025"} 0`,
		`milena_request_duration_seconds_bucket{api="Produce",le="0.005"} 3`,
		`milena_request_duration_seconds_bucket{api="Produce",le="30"} 4`,
		`milena_request_bytes_total{api="Produce"} 400`,
		`milena_response_bytes_total{api="Fetch"} 2`,
		`milena_request_panics_total 1`,
	)
	for _, s := range got {
		if strings.HasPrefix(s, "milena_request_errors_total") && strings.Contains(s, "Fetch") {
			t.Errorf("unexpected %s", s)
		}
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	topic := m.Topics.Topic("orders")
	for name, fn := range map[string]func(){
		"request": func() { m.Requests.Done(1, 18, time.Millisecond, 100, 1000) },
		"error":   func() { m.Requests.Error(1, 3) },
		"topic":   func() { topic.Produced(10, 1000); topic.Fetched(1000); m.Topics.Topic("orders") },
		"flush":   func() { m.Log.Flushed(time.Millisecond, 7) },
	} {
		fn()
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestTopicsAreBounded(t *testing.T) {
	m := NewMetrics(MetricsOptions{MaxTopics: 2})
	for i := range 5 {
		m.Topics.Topic(fmt.Sprint("t", i)).Produced(1, 10)
	}
	m.Topics.Topic("t0").Fetched(7)
	mustHave(t, scrape(t, m),
		`milena_topic_messages_in_total{topic="t0"} 1`,
		`milena_topic_messages_in_total{topic="(other)"} 3`,
		`milena_topic_bytes_out_total{topic="t0"} 7`,
		`milena_messages_in_total 5`, `milena_bytes_in_total 50`, `milena_bytes_out_total 7`,
	)
	m.Topics.Forget("t0")
	m.Topics.Forget("never")
	m.Topics.Topic("t9").Produced(1, 10)
	got := scrape(t, m)
	mustHave(t, got, `milena_topic_messages_in_total{topic="t9"} 1`, `milena_messages_in_total 6`)
	if slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, `"t0"`) }) {
		t.Error("a forgotten topic is still there")
	}
}

func TestEvents(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	m.Connections.Opened("PLAINTEXT")
	m.Connections.Opened("PLAINTEXT")
	m.Connections.Closed("PLAINTEXT", "idle")
	m.Connections.Rejected("PLAINTEXT", "per_ip")
	m.Log.Flushed(150*time.Microsecond, 4)
	m.Log.DirOffline()
	m.Log.Quarantined()
	m.Log.Corruption()
	m.Log.Rolled()
	m.Log.Deleted(500)
	m.Log.Recovered(time.Second, 12)
	m.Log.Cleaned(1000, 400)
	m.Log.Cleaned(1000, 1001) // grew: must not panic
	mustHave(t, scrape(t, m),
		`milena_connections{listener="PLAINTEXT"} 1`,
		`milena_connections_accepted_total{listener="PLAINTEXT"} 2`,
		`milena_connections_closed_total{listener="PLAINTEXT",reason="idle"} 1`,
		`milena_connections_rejected_total{listener="PLAINTEXT",reason="per_ip"} 1`,
		`milena_log_flush_duration_seconds_count 1`,
		`milena_log_flush_duration_seconds_bucket{le="0.0002"} 1`,
		`milena_log_flushed_logs_total 4`, `milena_log_dir_failures_total 1`, `milena_log_quarantined_total 1`,
		`milena_log_corruptions_total 1`, `milena_log_segments_rolled_total 1`, `milena_log_deleted_bytes_total 500`,
		`milena_log_recovery_truncated_bytes_total 12`, `milena_log_cleaned_bytes_total 600`, `milena_log_cleanings_total 2`,
	)
}

func allSources() Sources {
	return Sources{
		RequestMemory: func() (int64, int64) { return 12, 1000 },
		LogDirs: func() []LogDir {
			return []LogDir{{"/a", true, 0, 5, 10}, {"/b", false, 2, -1, -1}}
		},
		Logs:   func() iter.Seq[Log] { return slices.Values([]Log{{"t", 0, 100, 2, 5, 50, 40, 30}}) },
		Groups: func() iter.Seq[Group] { return slices.Values([]Group{{"g", "Stable", 2}, {"h", "Empty", 0}}) },
		GroupOffsets: func() iter.Seq[GroupOffset] {
			return slices.Values([]GroupOffset{{"g", "t", 0, 45, 5, 1500 * time.Millisecond}, {"g", "t", 1, 1, 2, -1}})
		},
		Raft: func() Raft {
			return Raft{Term: 3, Commit: 9, Applied: 8, Leader: 1, IsLeader: true, LogBytes: 77, Waiting: 2}
		},
		Cluster: func() Cluster { return Cluster{Brokers: 1, Topics: 2, Partitions: 5, ActiveController: true} },
	}
}

func TestSources(t *testing.T) {
	m := NewMetrics(MetricsOptions{Version: "1.2", Revision: "abc"})
	before := len(scrape(t, m))
	m.SetSources(allSources())
	got := scrape(t, m)
	mustHave(t, got,
		`milena_request_memory_bytes 12`, `milena_request_memory_limit_bytes 1000`,
		`milena_log_dir_online{dir="/a"} 1`, `milena_log_dir_online{dir="/b"} 0`, `milena_log_dir_free_bytes{dir="/a"} 5`,
		`milena_log_dir_quarantined_replicas{dir="/b"} 2`,
		`milena_log_size_bytes{partition="0",topic="t"} 100`, `milena_log_end_offset{partition="0",topic="t"} 50`,
		`milena_log_high_watermark{partition="0",topic="t"} 40`, `milena_log_last_stable_offset{partition="0",topic="t"} 30`,
		`milena_groups{state="Stable"} 1`, `milena_group_members{group="g"} 2`,
		`milena_group_committed_offset{group="g",partition="0",topic="t"} 45`,
		`milena_group_lag_records{group="g",partition="0",topic="t"} 5`,
		`milena_group_lag_seconds{group="g",partition="0",topic="t"} 1.5`,
		`milena_raft_term 3`, `milena_raft_leader_id 1`, `milena_raft_is_leader 1`, `milena_raft_commit_index 9`,
		`milena_raft_applied_index 8`, `milena_raft_waiting_proposals 2`, `milena_topics 2`, `milena_active_controller 1`,
		`milena_metrics_dropped_series{metric="log"} 0`,
	)
	for _, s := range got {
		if strings.HasPrefix(s, `milena_group_lag_seconds{group="g",partition="1"`) || strings.HasPrefix(s, `milena_log_dir_free_bytes{dir="/b"}`) {
			t.Errorf("an unknown value is shown: %s", s)
		}
	}
	m.SetSources(Sources{})
	if after := len(scrape(t, m)); after != before+3 { // the dropped-series gauges
		t.Errorf("%d series without sources, %d before", after, before)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	m := NewMetrics(MetricsOptions{MaxSeries: 10})
	m.SetSources(Sources{Logs: func() iter.Seq[Log] {
		return func(yield func(Log) bool) {
			for i := range int32(15) {
				if !yield(Log{Topic: "t", Partition: i}) {
					return
				}
			}
		}
	}})
	got := scrape(t, m)
	n := 0
	for _, s := range got {
		if strings.HasPrefix(s, "milena_log_size_bytes") {
			n++
		}
	}
	mustHave(t, got, `milena_metrics_dropped_series{metric="log"} 5`)
	if n != 10 {
		t.Errorf("%d partitions", n)
	}
}

// Whatever clients call their groups, a scrape has one series for each.
func TestGroupNamesCannotBreakAScrape(t *testing.T) {
	bad := "\xff"
	disguised := label(bad) // valid as it is, and what bad becomes
	if label(disguised) == disguised {
		t.Errorf("%q and %q have the same label", bad, disguised)
	}
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) string {
			s := string(rapid.SliceOfN(rapid.SampledFrom([]byte("a\"\\\n{}\x00\x80\xff")), 1, 5).Draw(t, "bytes"))
			return strings.Repeat(s, rapid.SampledFrom([]int{1, 300}).Draw(t, "times"))
		}), 1, 8, rapid.ID[string]).Draw(rt, "groups")
		m := NewMetrics(MetricsOptions{})
		m.SetSources(Sources{Groups: func() iter.Seq[Group] {
			return func(yield func(Group) bool) {
				for _, n := range names {
					if !yield(Group{ID: n, State: "Empty"}) {
						return
					}
				}
			}
		}})
		n := 0
		for _, s := range scrape(t, m) {
			if strings.HasPrefix(s, "milena_group_members{") {
				n++
				if len(s) > 3*maxLabelBytes {
					rt.Fatalf("a label of %d bytes", len(s))
				}
			}
		}
		if n != len(names) {
			rt.Fatalf("%d series of %d groups", n, len(names))
		}
	})
}

// The names are what dashboards and alerts are built on: a change must be meant.
func TestNamesAreStable(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	m.Requests.Done(0, 13, 0, 0, 0)
	m.Requests.Error(0, 1)
	m.Topics.Topic("t")
	m.Connections.Opened("l")
	m.Connections.Closed("l", "r")
	m.Connections.Rejected("l", "r")
	m.SetSources(allSources())
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "milena_") {
			if f.GetHelp() == "" {
				t.Errorf("%s has no help text", f.GetName())
			}
			var labels []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			fmt.Fprintf(&got, "%s %s %s\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ","))
		}
	}
	want, err := os.ReadFile("testdata/names.txt")
	if err != nil || got.String() != string(want) {
		t.Errorf("metrics are now:\n%s\n(%v)", got.String(), err)
	}
}

func BenchmarkRequestDone(b *testing.B) {
	m := NewMetrics(MetricsOptions{})
	b.ReportAllocs()
	for b.Loop() {
		m.Requests.Done(0, 13, time.Millisecond, 1000, 40)
	}
}
