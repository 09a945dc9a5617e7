package quorum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// Quorum is one member of the metadata quorum.
type Quorum struct {
	cfg  Config
	id   uint64
	lock io.Closer

	proposals chan *proposal
	messages  chan *raftpb.Message
	changes   chan *change
	quit      chan struct{} // closed by Close
	quitOnce  sync.Once
	done      chan struct{} // closed when the loop ended
	err       error         // why, nil after a clean Close; set before done is closed

	leads  atomic.Bool // leader, and caught up with every earlier one
	status atomic.Pointer[Status]
	ready  chan struct{} // closed when leads was first true

	loop *loop // touched by the loop's goroutine only
}

// Capacities of the mailboxes. Messages beyond are dropped, which Raft bears;
// proposers beyond wait.
const (
	messageQueue  = 1024
	proposalQueue = 256
)

// Open reads the directory, or starts a new one, and begins to take part. A
// cluster of one leads, with everything applied, when Open returns; ctx bounds
// the wait for that.
func Open(ctx context.Context, cfg Config) (*Quorum, error) {
	cfg.setDefaults()
	if err := check(&cfg); err != nil {
		return nil, err
	}
	if err := makeDir(cfg.FS, cfg.Path); err != nil {
		return nil, fmt.Errorf("quorum: create %s: %w", cfg.Path, err)
	}
	lock, err := cfg.FS.Lock(filepath.Join(cfg.Path, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("quorum: %w", err)
	}
	q := &Quorum{
		cfg: cfg, id: cfg.self().RaftID(), lock: lock,
		proposals: make(chan *proposal, proposalQueue), messages: make(chan *raftpb.Message, messageQueue),
		changes: make(chan *change), quit: make(chan struct{}), done: make(chan struct{}), ready: make(chan struct{}),
	}
	if q.loop, err = newLoop(&q.cfg, q); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	alone := q.loop.members.alone(q.id)
	q.loop.publish()
	go q.run()
	if !alone {
		return q, nil
	}
	select {
	case <-q.ready:
		return q, nil
	case <-q.done:
		return nil, fmt.Errorf("quorum: start: %w", q.err)
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("quorum: start: %w", context.Cause(ctx)), q.Close())
	}
}

// makeDir creates a directory durably. The parent is synced in any case: the
// process that created the directory may have been killed before it did that.
func makeDir(fs vfs.FS, path string) error {
	unsynced := []string{filepath.Dir(path)}
	for {
		parent := unsynced[len(unsynced)-1]
		exists, err := vfs.Exists(fs, parent)
		if err != nil {
			return err
		}
		if up := filepath.Dir(parent); exists || up == parent {
			break
		} else {
			unsynced = append(unsynced, up)
		}
	}
	if err := fs.MkdirAll(path); err != nil {
		return err
	}
	for _, dir := range slices.Backward(unsynced) {
		if err := fs.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func check(cfg *Config) error {
	switch {
	case cfg.NodeID < 0:
		return fmt.Errorf("quorum: node id %d is negative", cfg.NodeID)
	case cfg.DirectoryID.IsZero():
		return errors.New("quorum: a directory id is needed to vote")
	case cfg.FS == nil || cfg.SM == nil || cfg.Path == "":
		return errors.New("quorum: file system, path and state machine are needed")
	case !cfg.Join && !slices.Contains(cfg.Voters, cfg.self()):
		return fmt.Errorf("quorum: node %d with directory id %s is not among the first voters and does not join", cfg.NodeID, cfg.DirectoryID)
	}
	return nil
}

// Close stops taking part. Proposals that wait fail with ErrStopped. The error
// is the one that stopped the quorum before, if any.
func (q *Quorum) Close() error {
	q.quitOnce.Do(func() { close(q.quit) })
	<-q.done
	return q.err
}

// Done is closed when the quorum stopped, by Close or by an error.
func (q *Quorum) Done() <-chan struct{} { return q.done }

// stopped is what callers get once the loop is gone.
func (q *Quorum) stopped() error {
	if q.err == nil {
		return ErrStopped
	}
	return fmt.Errorf("%w: %w", ErrStopped, q.err)
}

// Propose has data committed and applied on this node, and returns its index.
// On any error but *NotLeaderError, ErrTooLarge and ErrBusy it may still take
// effect, now or later. data must not be changed afterwards.
func (q *Quorum) Propose(ctx context.Context, data []byte) (uint64, error) {
	if len(data) == 0 || len(data) > q.cfg.MaxProposalBytes {
		return 0, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(data), q.cfg.MaxProposalBytes)
	}
	p := &proposal{data: data, result: make(chan outcome, 1)}
	select {
	case q.proposals <- p:
	case <-q.done:
		return 0, q.stopped()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	return q.await(ctx, p.result)
}

func (q *Quorum) await(ctx context.Context, result chan outcome) (uint64, error) {
	select {
	case out := <-result:
		return out.index, out.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-q.done:
		select {
		case out := <-result: // it was decided before the loop ended
			return out.index, out.err
		default:
			return 0, q.stopped()
		}
	}
}

// Change adds, promotes or removes a member, and returns once this node, which
// must lead, has applied the change. One change at a time.
func (q *Quorum) Change(ctx context.Context, kind ChangeKind, v Voter) error {
	c := &change{kind: kind, voter: v, proposal: proposal{result: make(chan outcome, 1)}}
	select {
	case q.changes <- c:
	case <-q.done:
		return q.stopped()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_, err := q.await(ctx, c.result)
	return err
}

// Step hands in a message from another member. It never blocks; the message is
// dropped if it is not for this voter or if too many wait. It must not be used
// by the caller afterwards.
func (q *Quorum) Step(m *raftpb.Message) {
	if m.GetTo() != q.id || m.GetFrom() == q.id || m.GetFrom() == raft.None || !fromPeer(m.GetType()) {
		return
	}
	select {
	case q.messages <- m:
	default:
	}
}

// fromPeer lists what another member may say. Everything else is internal to
// Raft or asks for something that is not done over this path.
func fromPeer(t raftpb.MessageType) bool {
	switch t {
	case raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp,
		raftpb.MsgSnap, raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp, raftpb.MsgTimeoutNow:
		return true
	}
	return false
}

// IsLeader reports whether this node leads and has applied everything that was
// committed before it did.
func (q *Quorum) IsLeader() bool { return q.leads.Load() }

// Leader is who leads, as far as this node knows.
func (q *Quorum) Leader() (id base.NodeID, known bool) {
	s := q.Status()
	return s.Leader, s.LeaderKnown
}

// Term is Raft's current term: the leader epoch of the metadata log.
func (q *Quorum) Term() uint64 { return q.Status().Term }

// Status describes the quorum as of the last thing that happened.
func (q *Quorum) Status() Status { return *q.status.Load() }
