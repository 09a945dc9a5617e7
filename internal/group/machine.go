package group

import (
	"fmt"

	"github.com/milena-io/milena/internal/shard"
)

// Machine is the group coordinator of one partition of __consumer_offsets. It
// implements shard.Machine.
type Machine struct {
	cfg     Config
	groups  map[string]*group
	open    map[int64]map[offsetKey]openOffset // offsets of open transactions, by producer
	timers  timerHeap
	expiry  timer
	end     int64 // offset after the last entry applied
	started bool
	skipped int // entries that are not ours to understand
}

var _ shard.Machine[Input] = (*Machine)(nil)

// New returns an empty machine.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg, groups: map[string]*group{}, open: map[int64]map[offsetKey]openOffset{}}
	m.expiry.fire = m.expire
	return m
}

// Groups is the number of groups.
func (m *Machine) Groups() int { return len(m.groups) }

// Skipped is the number of log entries that were passed over: records of other
// group kinds, and values that could not be decoded.
func (m *Machine) Skipped() int { return m.skipped }

// Independent reports true for what neither changes membership nor depends on
// committed offsets that are still on their way to the log.
func (m *Machine) Independent(op Input) bool {
	switch op.(type) {
	case Commit, Fetch, Heartbeat, Describe, List, Offsets:
		return true
	}
	return false
}

// Decide carries out one operation.
func (m *Machine) Decide(t shard.Ticket, op Input, now shard.Instant) shard.Outcome {
	switch op := op.(type) {
	case Commit:
		return m.commit(t, op, now)
	case Heartbeat:
		return m.heartbeat(t, op, now)
	case Fetch:
		return m.fetch(t, op)
	case Join:
		return m.join(t, op, now)
	case Sync:
		return m.sync(t, op, now)
	case Leave:
		return m.leave(t, op, now)
	case DeleteOffsets:
		return m.deleteOffsets(t, op)
	case Describe:
		return m.describe(t, op)
	case List:
		return m.list(t, op)
	case Delete:
		return m.delete(t, op)
	case TopicsDeleted:
		return m.topicsDeleted(t, op)
	case Offsets:
		return m.allOffsets(t)
	}
	panic(fmt.Sprintf("group: unknown input %T", op))
}

// Tick starts the machine, or fires one thing that is due: the next one must
// see what this one writes.
func (m *Machine) Tick(now shard.Instant) shard.Outcome {
	if !m.started {
		return m.start(now)
	}
	for t := m.timers.due(now.Steady); t != nil; t = m.timers.due(now.Steady) {
		if t.at > now.Steady { // was put off since it was queued
			m.timers.requeue(t)
			continue
		}
		m.timers.cancel(t)
		return t.fire(now)
	}
	return shard.Outcome{}
}

// Deadline is the next time that Tick has something to do.
func (m *Machine) Deadline() int64 { return m.timers.first() }

// start builds the soft state of every group from what was replayed: its
// members have a full session to show themselves to this coordinator.
func (m *Machine) start(now shard.Instant) shard.Outcome {
	m.started = true
	m.timers.set(&m.expiry, now.Steady+m.cfg.RetentionCheck)
	var out shard.Outcome
	for _, g := range m.sorted() {
		g.restore()
		for _, mb := range g.members {
			m.timers.set(&mb.session, now.Steady+int64(mb.sessionTimeout))
		}
		if len(g.members) > m.cfg.MaxSize {
			out = merge(out, g.prepareRebalance(now))
		}
	}
	return out
}

// merge joins two outcomes of one round.
func merge(a, b shard.Outcome) shard.Outcome {
	a.Records = append(a.Records, b.Records...)
	a.Replies = append(a.Replies, b.Replies...)
	a.After = max(a.After, b.After)
	switch {
	case a.Settle == nil:
		a.Settle = b.Settle
	case b.Settle != nil:
		first, second := a.Settle, b.Settle
		a.Settle = func(err error, now shard.Instant) shard.Outcome {
			return merge(first(err, now), second(err, now))
		}
	}
	return a
}
