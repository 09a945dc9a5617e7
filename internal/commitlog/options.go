package commitlog

import (
	"log/slog"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// DirOptions configures one log directory. FS and Path are required; the rest
// has defaults.
type DirOptions struct {
	FS        vfs.FS
	Path      string
	ClusterID string // "": whatever meta.properties says
	NodeID    base.NodeID
	Logger    *slog.Logger // nil discards
	Events    Events
	Now       func() time.Time // nil is time.Now

	PoisonLeases     bool  // overwrite released leases, for tests
	MaxOpenFiles     int   // open segment files; a soft limit, default 1024
	TailCacheBytes   int64 // memory for recently appended batches, default 64 MiB
	FlushParallelism int   // logs flushed at the same time, default 8
	VolumeSyncFrom   int   // waiting logs from which one sync of the whole file system may replace theirs, default 8; negative: never
	RecoveryWorkers  int   // logs verified at a time after a crash, default 4

	// ReserveBytes is the free space below which appends are refused. Default
	// 64 MiB, or 1 % of a disk smaller than that makes sensible.
	ReserveBytes int64

	RetentionCheckInterval time.Duration // default 5 min
	CheckpointInterval     time.Duration // recovery points and snapshots, default 1 min
	ProducerIDExpiration   time.Duration // default 24 h
	CleanerMaxBytesPerSec  float64       // 0: no limit
	CleanerDedupeBytes     int64         // memory for the keys of one clean, default 128 MiB
	CleanerBackoff         time.Duration // how often the cleaner looks for work, default 15 s
}

const (
	defaultMaxOpenFiles     = 1024
	defaultTailCacheBytes   = 64 << 20
	defaultFlushParallelism = 8
	defaultRecoveryWorkers  = 4
	defaultReserveBytes     = 64 << 20
)

func (o DirOptions) withDefaults() DirOptions {
	o.Logger = orElse(o.Logger, slog.New(slog.DiscardHandler))
	o.MaxOpenFiles = orElse(o.MaxOpenFiles, defaultMaxOpenFiles)
	o.TailCacheBytes = orElse(o.TailCacheBytes, defaultTailCacheBytes)
	o.FlushParallelism = orElse(o.FlushParallelism, defaultFlushParallelism)
	o.VolumeSyncFrom = orElse(o.VolumeSyncFrom, defaultVolumeFrom)
	o.RecoveryWorkers = orElse(o.RecoveryWorkers, defaultRecoveryWorkers)
	o.RetentionCheckInterval = orElse(o.RetentionCheckInterval, 5*time.Minute)
	o.CleanerBackoff = orElse(o.CleanerBackoff, 15*time.Second)
	o.CheckpointInterval = orElse(o.CheckpointInterval, time.Minute)
	o.ProducerIDExpiration = orElse(o.ProducerIDExpiration, 24*time.Hour)
	o.CleanerDedupeBytes = orElse(o.CleanerDedupeBytes, defaultDedupeBytes)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func orElse[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Events are optional callbacks. They run on the goroutine where the thing
// happened, must not block, and must not call back into the package.
type Events struct {
	DirOffline  func(path string, err error)
	Flushed     func(d time.Duration, logs int) // one group commit: of a log, or of many at once
	Quarantined func(tp base.TopicPartition, reason error)
	Corruption  func(tp base.TopicPartition, err *CorruptionError)
	Recovered   func(tp base.TopicPartition, d time.Duration, truncatedBytes int64)
	Rolled      func(tp base.TopicPartition)
	Deleted     func(tp base.TopicPartition, bytes int64) // segments dropped by retention
	Cleaned     func(tp base.TopicPartition, d time.Duration, before, after int64)
}

// Origin says where appended batches come from.
type Origin int8

// The origins. Client batches are checked against producer state; Coordinator
// batches (markers, group and transaction records) are not, but get offsets
// assigned too; Replica batches keep the offsets and epochs of the leader.
const (
	Client Origin = iota
	Coordinator
	Replica
)

// AppendOptions goes with one append.
type AppendOptions struct {
	LeaderEpoch int32
	Origin      Origin
	NowMs       int64
	TxnVersion  int16 // of a Coordinator's marker: 2 wants a bumped producer epoch
}

// Appended says where batches went. For a Duplicate the offsets are those of
// the original append.
type Appended struct {
	First, Last int64
	Duplicate   bool
	LogStart    int64
}

// Chunk is the result of a read: whole batches in memory that nobody changes until
// Lease is released, if ever. Next is the offset to read from afterwards.
type Chunk struct {
	Data  [][]byte
	Next  int64
	Bytes int
	Lease *Lease // nil if nothing was borrowed
}

// TimestampOffset is the answer to a lookup by time.
type TimestampOffset struct {
	Timestamp   int64
	Offset      int64
	LeaderEpoch int32
}

// AbortedTxn tells a read_committed consumer to drop the records of ProducerID
// from FirstOffset on until its abort marker.
type AbortedTxn struct {
	ProducerID  int64
	FirstOffset int64
}

// SegmentInfo describes one segment.
type SegmentInfo struct {
	BaseOffset   int64
	NextOffset   int64 // base offset of the next segment, or the log end
	Size         int64
	MaxTimestamp int64 // -1: none known
	Active       bool
}

// LogState says whether a log found in the directory can be used.
type LogState int8

// The states.
const (
	LogReady LogState = iota
	LogQuarantined
)

func (s LogState) String() string {
	if s == LogQuarantined {
		return "quarantined"
	}
	return "ready"
}

// LogInfo is one entry of Inventory.
type LogInfo struct {
	TP      base.TopicPartition
	TopicID base.UUID
	State   LogState
	Err     error // why it is quarantined
}
