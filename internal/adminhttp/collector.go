package adminhttp

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLabelBytes bounds label values that clients choose.
const maxLabelBytes = 256

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

var (
	descMemUsed  = desc("request_memory_bytes", "Memory held by requests that are being read or handled.")
	descMemLimit = desc("request_memory_limit_bytes", "Limit of request_memory_bytes; -1 is none.")

	descDirOnline      = desc("log_dir_online", "1 while the log directory is usable.", "dir")
	descDirQuarantined = desc("log_dir_quarantined_replicas", "Replicas of the directory that are out of service because of damage.", "dir")
	descDirFree        = desc("log_dir_free_bytes", "Free space of the directory's file system.", "dir")
	descDirTotal       = desc("log_dir_total_bytes", "Size of the directory's file system.", "dir")

	descLogSize     = desc("log_size_bytes", "Size of a partition's log.", "topic", "partition")
	descLogSegments = desc("log_segments", "Segments of a partition's log.", "topic", "partition")
	descLogStart    = desc("log_start_offset", "First offset of a partition's log.", "topic", "partition")
	descLogEnd      = desc("log_end_offset", "Offset that the next record will get.", "topic", "partition")
	descLogHW       = desc("log_high_watermark", "Offset up to which records are committed.", "topic", "partition")
	descLogStable   = desc("log_last_stable_offset", "Offset up to which no transaction is open.", "topic", "partition")

	descGroups       = desc("groups", "Groups coordinated here, by state.", "state")
	descGroupMembers = desc("group_members", "Members of a group.", "group")
	descCommitted    = desc("group_committed_offset", "Committed offset of a group.", "group", "topic", "partition")
	descLagRecords   = desc("group_lag_records", "Records between a group's committed offset and the end of the partition.", "group", "topic", "partition")
	descLagSeconds   = desc("group_lag_seconds", "Age of the oldest record that a group has not consumed.", "group", "topic", "partition")

	descRaftTerm    = desc("raft_term", "Term of the metadata quorum.")
	descRaftLeader  = desc("raft_leader_id", "Node id of the quorum's leader; -1 when unknown.")
	descRaftIs      = desc("raft_is_leader", "1 on the quorum's leader.")
	descRaftCommit  = desc("raft_commit_index", "Last committed entry of the metadata log.")
	descRaftApplied = desc("raft_applied_index", "Last entry of the metadata log applied here.")
	descRaftBytes   = desc("raft_log_bytes", "Size of the metadata log on disk.")
	descRaftWaiting = desc("raft_waiting_proposals", "Proposals of this node that are not yet applied.")

	descBrokers    = desc("brokers", "Registered brokers.")
	descTopics     = desc("topics", "Topics of the cluster.")
	descPartitions = desc("partitions", "Partitions of the cluster.")
	descOffline    = desc("offline_partitions", "Partitions without a leader.")
	descUnderRep   = desc("under_replicated_partitions", "Partitions with fewer in-sync replicas than replicas.")
	descUnderMin   = desc("under_min_isr_partitions", "Partitions with fewer in-sync replicas than min.insync.replicas.")
	descReplicas   = desc("local_replicas", "Replicas on this broker.")
	descLed        = desc("local_leaders", "Partitions led by this broker.")
	descController = desc("active_controller", "1 on the active controller.")

	descDropped = desc("metrics_dropped_series", "Series left out of this scrape because there are too many.", "metric")
)

// sourceCollector turns Sources into series at scrape time.
type sourceCollector struct {
	sources   *atomic.Pointer[Sources]
	maxSeries int
}

func newSourceCollector(s *atomic.Pointer[Sources], maxSeries int) *sourceCollector {
	return &sourceCollector{s, maxSeries}
}

// Describe sends nothing: which series exist depends on the sources.
func (c *sourceCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *sourceCollector) Collect(out chan<- prometheus.Metric) {
	s := c.sources.Load()
	if s == nil {
		return
	}
	e := emitter{out: out, left: map[string]int{}, max: c.maxSeries}
	e.memory(s)
	e.dirs(s)
	e.logs(s)
	e.groups(s)
	e.offsets(s)
	e.raft(s)
	e.cluster(s)
	e.dropped()
}

// emitter sends series and drops those beyond the limit of their family.
type emitter struct {
	out  chan<- prometheus.Metric
	max  int
	left map[string]int // family → objects seen
}

func (e *emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// admit counts one more object of a family and reports whether it fits.
func (e *emitter) admit(family string) bool {
	e.left[family]++
	return e.left[family] <= e.max
}

func (e *emitter) dropped() {
	for _, family := range []string{"log", "group", "group_offset"} {
		e.gauge(descDropped, float64(max(0, e.left[family]-e.max)), family)
	}
}

func (e *emitter) memory(s *Sources) {
	if s.RequestMemory != nil {
		used, limit := s.RequestMemory()
		e.gauge(descMemUsed, float64(used))
		e.gauge(descMemLimit, float64(limit))
	}
}

func (e *emitter) dirs(s *Sources) {
	if s.LogDirs == nil {
		return
	}
	for _, d := range s.LogDirs() {
		path := label(d.Path)
		e.gauge(descDirOnline, number(d.Online), path)
		e.gauge(descDirQuarantined, float64(d.Quarantined), path)
		if d.Total >= 0 {
			e.gauge(descDirFree, float64(d.Free), path)
			e.gauge(descDirTotal, float64(d.Total), path)
		}
	}
}

func (e *emitter) logs(s *Sources) {
	if s.Logs == nil {
		return
	}
	for l := range s.Logs() {
		if !e.admit("log") {
			continue
		}
		labels := partitionLabels(l.Topic, strconv.Itoa(int(l.Partition)))
		for _, g := range []sharedGauge{
			{descLogSize, labels, float64(l.Size)},
			{descLogSegments, labels, float64(l.Segments)},
			{descLogStart, labels, float64(l.Start)},
			{descLogEnd, labels, float64(l.End)},
			{descLogHW, labels, float64(l.HighWatermark)},
			{descLogStable, labels, float64(l.LastStable)},
		} {
			e.out <- &g
		}
	}
}

func (e *emitter) groups(s *Sources) {
	if s.Groups == nil {
		return
	}
	states := map[string]int{}
	for g := range s.Groups() {
		states[g.State]++
		if e.admit("group") {
			e.gauge(descGroupMembers, float64(g.Members), label(g.ID))
		}
	}
	for state, n := range states {
		e.gauge(descGroups, float64(n), label(state))
	}
}

func (e *emitter) offsets(s *Sources) {
	if s.GroupOffsets == nil {
		return
	}
	for o := range s.GroupOffsets() {
		if !e.admit("group_offset") {
			continue
		}
		labels := []string{label(o.Group), label(o.Topic), strconv.Itoa(int(o.Partition))}
		e.gauge(descCommitted, float64(o.Committed), labels...)
		e.gauge(descLagRecords, float64(o.Lag), labels...)
		if o.Behind >= 0 {
			e.gauge(descLagSeconds, o.Behind.Seconds(), labels...)
		}
	}
}

func (e *emitter) raft(s *Sources) {
	if s.Raft == nil {
		return
	}
	r := s.Raft()
	e.gauge(descRaftTerm, float64(r.Term))
	e.gauge(descRaftLeader, float64(r.Leader))
	e.gauge(descRaftIs, number(r.IsLeader))
	e.gauge(descRaftCommit, float64(r.Commit))
	e.gauge(descRaftApplied, float64(r.Applied))
	e.gauge(descRaftBytes, float64(r.LogBytes))
	e.gauge(descRaftWaiting, float64(r.Waiting))
}

func (e *emitter) cluster(s *Sources) {
	if s.Cluster == nil {
		return
	}
	c := s.Cluster()
	e.gauge(descBrokers, float64(c.Brokers))
	e.gauge(descTopics, float64(c.Topics))
	e.gauge(descPartitions, float64(c.Partitions))
	e.gauge(descOffline, float64(c.OfflinePartitions))
	e.gauge(descUnderRep, float64(c.UnderReplicated))
	e.gauge(descUnderMin, float64(c.UnderMinISR))
	e.gauge(descReplicas, float64(c.LocalReplicas))
	e.gauge(descLed, float64(c.LocallyLed))
	e.gauge(descController, number(c.ActiveController))
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// label makes a client's string fit for a label. One that has to change gets a
// hash, so that two of them stay two series.
func label(s string) string {
	clean := strings.ToValidUTF8(s, "\uFFFD")
	if len(clean) > maxLabelBytes {
		clean = strings.ToValidUTF8(clean[:maxLabelBytes], "")
	}
	if clean == s && !looksHashed(s) {
		return s
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return fmt.Sprintf("%s~%016x", clean, h.Sum64())
}

// looksHashed reports whether s could be taken for another string's label.
func looksHashed(s string) bool {
	const hashed = len("~0123456789abcdef")
	return len(s) >= hashed && s[len(s)-hashed] == '~'
}
