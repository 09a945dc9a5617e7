package adminhttp

import (
	"iter"
	"time"
)

// Sources are where a scrape reads the broker's state. Any may be nil. They must
// answer from memory, without waiting for disk, network or a busy partition.
type Sources struct {
	RequestMemory func() (used, limit int64)
	LogDirs       func() []LogDir
	Logs          func() iter.Seq[Log]
	Groups        func() iter.Seq[Group]
	GroupOffsets  func() iter.Seq[GroupOffset]
	Raft          func() Raft
	Cluster       func() Cluster
}

// LogDir is the state of one log directory. Free and Total are -1 when unknown.
type LogDir struct {
	Path        string
	Online      bool
	Quarantined int
	Free, Total int64
}

// Log is the state of one local partition.
type Log struct {
	Topic         string
	Partition     int32
	Size          int64
	Segments      int
	Start, End    int64
	HighWatermark int64
	LastStable    int64
}

// Group is one group of any kind.
type Group struct {
	ID      string
	State   string
	Members int
}

// GroupOffset is a committed offset of a group. Lag is how far the end of the
// partition is from it; Behind is the age of the oldest record not yet consumed,
// negative when unknown.
type GroupOffset struct {
	Group     string
	Topic     string
	Partition int32
	Committed int64
	Lag       int64
	Behind    time.Duration
}

// Raft is the state of the metadata quorum as this node sees it.
type Raft struct {
	Term, Commit, Applied uint64
	Leader                int32 // -1 when unknown
	IsLeader              bool
	LogBytes              int64
	Waiting               int
}

// Cluster is what the metadata says of the cluster, and this broker's share.
type Cluster struct {
	Brokers, Topics, Partitions  int
	OfflinePartitions            int
	UnderReplicated, UnderMinISR int
	LocalReplicas, LocallyLed    int
	ActiveController             bool
}
