package quorum

import (
	"errors"
	"fmt"

	"github.com/milena-io/milena/internal/base"
)

var (
	// ErrStopped means that the quorum was closed or has failed; a failure is
	// wrapped beside it.
	ErrStopped = errors.New("quorum: stopped")
	// ErrLeadershipLost means that the proposal was handed to Raft but the
	// leadership ended before it committed: it may or may not take effect.
	ErrLeadershipLost = errors.New("quorum: leadership lost, the outcome is unknown")
	// ErrTooLarge means that a proposal exceeds Config.MaxProposalBytes.
	ErrTooLarge = errors.New("quorum: proposal too large")
	// ErrChangeRefused means that Raft did not accept a membership change,
	// for example because an earlier one is not applied yet.
	ErrChangeRefused = errors.New("quorum: membership change refused")
	// ErrBusy means that too much is waiting to be committed.
	ErrBusy = errors.New("quorum: too many uncommitted proposals")
)

// NotLeaderError is returned to those who propose to a node that does not lead.
// The proposal had no effect.
type NotLeaderError struct {
	Leader base.NodeID // who leads, as far as this node knows
	Known  bool
}

func (e *NotLeaderError) Error() string {
	if !e.Known {
		return "quorum: not the leader, and no leader is known"
	}
	return fmt.Sprintf("quorum: not the leader, node %d is", e.Leader)
}

// CorruptionError means that the directory holds something that no crash can
// explain. Nothing was changed.
type CorruptionError struct {
	File   string
	Offset int64 // -1 if the file as a whole is meant
	Reason string
}

func (e *CorruptionError) Error() string {
	where := e.File
	if e.Offset >= 0 {
		where = fmt.Sprintf("%s at byte %d", e.File, e.Offset)
	}
	return fmt.Sprintf("quorum: metadata log is corrupt: %s: %s; nothing was changed. "+
		"Restore the directory from a backup or a replica; deleting it makes this node forget the cluster's metadata", where, e.Reason)
}

// IdentityError means that the directory was written by another voter.
type IdentityError struct {
	Path     string
	Found    Voter
	Expected Voter
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("quorum: %s belongs to node %d with directory id %s, not to node %d with directory id %s: "+
		"it must not vote under another identity", e.Path, e.Found.NodeID, e.Found.DirectoryID, e.Expected.NodeID, e.Expected.DirectoryID)
}
