package quorum

import (
	"hash/crc32"
	"log/slog"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// Voter identifies who votes: a node together with the directory it votes from.
type Voter struct {
	NodeID      base.NodeID
	DirectoryID base.UUID
}

// RaftID folds the identity into the number that Raft knows it by. The node id
// is in the upper half, so it can be read back without a table.
func (v Voter) RaftID() uint64 {
	fold := crc32.Checksum(v.DirectoryID[:], castagnoli)
	return uint64(uint32(v.NodeID))<<32 | uint64(fold|1) // never 0, which is Raft's "nobody"
}

// NodeOf is the node of a Raft id: where a transport sends a message.
func NodeOf(raftID uint64) base.NodeID { return base.NodeID(int32(raftID >> 32)) }

// Member is a voter or learner of the current configuration.
type Member struct {
	Voter
	Learner bool
}

// StateMachine is fed by the loop's goroutine only, in the order of the log.
type StateMachine interface {
	// Apply replays one committed entry. It must not block on the quorum.
	Apply(index uint64, data []byte)
	// Snapshot encodes everything applied so far.
	Snapshot() ([]byte, error)
	// Restore replaces the state by a snapshot; no bytes are the initial state.
	Restore(data []byte) error
}

// Transport carries messages to other nodes; see NodeOf. Send must not block
// and may lose, repeat and reorder messages. It must not keep or change them
// after it returned, except to read them.
type Transport interface {
	Send(messages []*raftpb.Message)
}

// Events are optional hooks, called on the loop's goroutine.
type Events struct {
	// Synced reports a group commit: how long write and fsync took.
	Synced func(d time.Duration, entries, bytes int)
	// Snapshotted reports a snapshot that was written.
	Snapshotted func(index uint64, bytes int, d time.Duration)
	// LeaderChanged reports who leads now; known is false during elections.
	LeaderChanged func(leader base.NodeID, known bool, term uint64)
}

// Config is what Open needs. NodeID, DirectoryID, FS, Path and SM are required.
type Config struct {
	NodeID      base.NodeID
	DirectoryID base.UUID
	// Voters is the first configuration of a new cluster; empty means this
	// node alone. It counts only while the directory is new. A node that is to
	// join an existing cluster sets Join instead and waits to be added.
	Voters []Voter
	Join   bool

	FS   vfs.FS
	Path string // directory, created if missing

	SM        StateMachine
	Transport Transport // may be nil for a cluster of one
	Logger    *slog.Logger
	Events    Events
	// OnFatal is called once, when an error stopped the quorum, after it stopped.
	OnFatal func(error)

	// TickInterval is Raft's clock; elections start after ElectionTicks (to
	// twice as many) without a leader.
	TickInterval  time.Duration
	ElectionTicks int

	MaxProposalBytes int
	SegmentBytes     int64
	// A snapshot is taken after this many entries, or after this many bytes of
	// log (or as many as the last snapshot took, if that is more).
	SnapshotEntries uint64
	SnapshotBytes   int64
}

func (c *Config) setDefaults() {
	if len(c.Voters) == 0 && !c.Join {
		c.Voters = []Voter{c.self()}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.TickInterval == 0 {
		c.TickInterval = 100 * time.Millisecond
	}
	if c.ElectionTicks == 0 {
		c.ElectionTicks = 10
	}
	if c.MaxProposalBytes == 0 {
		c.MaxProposalBytes = 8 << 20
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 1 << 20
	}
	if c.SnapshotEntries == 0 {
		c.SnapshotEntries = 8192
	}
	if c.SnapshotBytes == 0 {
		c.SnapshotBytes = 4 << 20
	}
}

func (c *Config) self() Voter { return Voter{c.NodeID, c.DirectoryID} }
