package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/quorum"
)

// Log commits what the controller decided; *quorum.Quorum outside of tests.
// Propose returns after data is applied to the store.
type Log interface {
	Propose(ctx context.Context, data []byte) (index uint64, err error)
	IsLeader() bool
}

// Config is what a controller needs beside its log and store.
type Config struct {
	NodeID base.NodeID
	// Broker is this node's static configuration: defaults for new topics and
	// whether topics may be deleted.
	Broker confkey.Values
	Logger *slog.Logger
	// NewID makes topic ids; nil means random ones.
	NewID func() base.UUID
	// MaxProposalBytes bounds one proposal; 0 means 6 MiB. It must be lower
	// than the log's own limit.
	MaxProposalBytes int
}

// Controller decides changes of metadata.
type Controller struct {
	log   Log
	store *metadata.Store
	cfg   Config

	mu      sync.Mutex
	queue   []*command
	running bool

	ids idBlock
}

// New returns a controller. It does nothing until it is asked.
func New(log Log, store *metadata.Store, cfg Config) *Controller {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.NewID == nil {
		cfg.NewID = base.NewUUID
	}
	if cfg.MaxProposalBytes == 0 {
		cfg.MaxProposalBytes = 6 << 20
	}
	return &Controller{log: log, store: store, cfg: cfg}
}

// command is one decision that waits for its turn.
type command struct {
	ctx context.Context
	// decide checks against img and gives the records to commit, or none.
	decide func(img *metadata.Image) []*metapb.Record
	done   chan error // of capacity 1
}

// submit has decide called on the image that includes everything decided
// before, and returns once its records are applied.
func (c *Controller) submit(ctx context.Context, decide func(*metadata.Image) []*metapb.Record) error {
	cmd := &command{ctx: ctx, decide: decide, done: make(chan error, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, cmd)
	if !c.running {
		c.running = true
		go c.run()
	}
	c.mu.Unlock()
	select {
	case err := <-cmd.done:
		return err
	case <-ctx.Done():
		return failure(kerr.RequestTimedOut, "the change is not confirmed in time, it may still happen")
	}
}

// run works off the queue and ends when it is empty.
func (c *Controller) run() {
	for {
		c.mu.Lock()
		queue := c.queue
		c.queue = nil
		c.running = len(queue) > 0
		c.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for len(queue) > 0 {
			queue = queue[c.round(queue):]
		}
	}
}

// round decides as many commands as fit into one proposal and commits them. It
// returns how many it answered.
func (c *Controller) round(queue []*command) int {
	if !c.log.IsLeader() {
		answer(queue, failure(kerr.NotController, "this node is not the active controller"))
		return len(queue)
	}
	img := c.store.Current()
	var payload []byte
	n := 0
	for _, cmd := range queue {
		records, data, err := c.decide(cmd, img)
		switch {
		case err != nil:
			cmd.done <- err
		case len(payload)+len(data) > c.cfg.MaxProposalBytes:
			answer(queue[:n], c.commit(payload)) // this one is decided again, on what the others made
			return n
		default:
			img = c.preview(img, records)
			// Concatenated encodings of a message with repeated fields are the
			// encoding of the concatenation.
			payload = append(payload, data...)
		}
		n++
	}
	answer(queue[:n], c.commit(payload))
	return n
}

// decide gives a command's records, as they are and encoded, or why it fails on
// its own.
func (c *Controller) decide(cmd *command, img *metadata.Image) ([]*metapb.Record, []byte, error) {
	if cmd.ctx.Err() != nil {
		// Not a success: the caller may look at this answer before it looks at
		// its context, and would find nothing decided.
		return nil, nil, failure(kerr.RequestTimedOut, "the request was over before its turn came")
	}
	records := cmd.decide(img)
	data, err := metadata.EncodeBatch(records)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("encode records: %w", err)
	case len(data) > c.cfg.MaxProposalBytes:
		return nil, nil, failure(kerr.PolicyViolation, "Unable to perform excessively large batch operation.")
	}
	return records, data, nil
}

// preview is img with records applied, for the next command to be decided on.
func (c *Controller) preview(img *metadata.Image, records []*metapb.Record) *metadata.Image {
	if len(records) == 0 {
		return img
	}
	next, delta := img.Apply(records, img.Index()+1)
	if delta.Rejected+delta.Unknown > 0 {
		c.cfg.Logger.Error("the controller decided records that have no effect", "rejected", delta.Rejected, "unknown", delta.Unknown)
	}
	return next
}

// commit proposes a payload, unless there is nothing to commit.
func (c *Controller) commit(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	// The outcome must be learnt even if those who asked have left; the quorum
	// answers when it applied the entry, lost leadership or stopped.
	_, err := c.log.Propose(context.Background(), payload)
	var notLeader *quorum.NotLeaderError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &notLeader):
		return failure(kerr.NotController, "this node is not the active controller")
	case errors.Is(err, quorum.ErrLeadershipLost):
		return failure(kerr.NotController, "controller leadership was lost, the change may or may not have happened")
	case errors.Is(err, quorum.ErrBusy):
		return failure(kerr.RequestTimedOut, "too many changes wait to be committed")
	}
	c.cfg.Logger.Error("metadata change not committed", "err", err)
	return failure(kerr.NotController, "the metadata quorum has stopped on this node")
}

// answer gives everyone the outcome who has none yet.
func answer(commands []*command, err error) {
	for _, cmd := range commands {
		select {
		case cmd.done <- err:
		default: // refused on its own
		}
	}
}

// failure is a Kafka error with a message for the client.
func failure(code *kerr.Error, format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, code)...)
}
