package group

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// host runs a machine as a shard does, on a log in memory in which everything
// is committed at once.
type host struct {
	m       *Machine
	cfg     Config
	log     []shard.Entry
	now     shard.Instant
	tickets shard.Ticket
	failing bool // refuse the next append
	replies []shard.Reply
	waiting map[shard.Ticket]bool
}

var errAppend = errors.New("the log refused")

func newHost(cfg Config) *host {
	h := &host{cfg: cfg, now: shard.Instant{Wall: 1_000_000, Steady: 1}, waiting: map[shard.Ticket]bool{}}
	h.lead()
	return h
}

// lead replays the log into a new machine, as after a failover.
func (h *host) lead() {
	h.m = New(h.cfg)
	for _, e := range h.log {
		h.m.Apply(e)
	}
	clear(h.waiting)
	h.carryOut(h.m.Tick(h.now))
}

func (h *host) submit(op Input) shard.Ticket {
	h.tickets++
	h.waiting[h.tickets] = true
	h.carryOut(h.m.Decide(h.tickets, op, h.now))
	return h.tickets
}

// advance lets time pass, deadline by deadline.
func (h *host) advance(ms int64) {
	for end := h.now.Steady + ms; ; {
		d := h.m.Deadline()
		if d == 0 || d > end {
			h.now.Wall, h.now.Steady = h.now.Wall+end-h.now.Steady, end
			return
		}
		d = max(d, h.now.Steady)
		h.now.Wall, h.now.Steady = h.now.Wall+d-h.now.Steady, d
		h.carryOut(h.m.Tick(h.now))
	}
}

func (h *host) carryOut(out shard.Outcome) {
	var err error
	if len(out.Records) > 0 && h.failing {
		h.failing, err = false, errAppend
	}
	if err == nil {
		for _, r := range out.Records {
			h.append(shard.Entry{Key: r.Key, Value: r.Value, ProducerID: -1})
		}
	}
	for _, r := range out.Replies {
		if err != nil {
			r = shard.Reply{To: r.To, Err: err}
		}
		if h.waiting[r.To] {
			delete(h.waiting, r.To)
			h.replies = append(h.replies, r)
		}
	}
	if out.Settle != nil {
		h.carryOut(out.Settle(err, h.now))
	}
}

func (h *host) append(e shard.Entry) {
	e.Offset, e.Timestamp = int64(len(h.log)), h.now.Wall
	if len(h.log) > 0 {
		e.Offset = h.log[len(h.log)-1].Offset + 1
	}
	h.log = append(h.log, e)
	h.m.Apply(e)
}

// compact is what compaction may leave of a log: the last record of each key,
// with tombstones gone or not. It removes what was aborted and stops before the
// first open transaction, as a log cleaner does.
func compact(log []shard.Entry, dropTombstones bool) []shard.Entry {
	aborted, limit := endOfTransactions(log)
	last := map[string]int64{}
	for _, e := range log[:limit] {
		if e.Marker == shard.NoMarker && !aborted[e.Offset] {
			last[string(e.Key)] = e.Offset
		}
	}
	var out []shard.Entry
	for _, e := range log[:limit] {
		if e.Marker == shard.NoMarker && (last[string(e.Key)] != e.Offset || e.Value == nil && dropTombstones) {
			continue
		}
		out = append(out, e)
	}
	return append(out, log[limit:]...)
}

// endOfTransactions finds the offsets that were aborted, and where the first
// transaction begins that has not ended.
func endOfTransactions(log []shard.Entry) (aborted map[int64]bool, limit int) {
	aborted = map[int64]bool{}
	open := map[int64][]int{}
	for i, e := range log {
		switch {
		case e.Marker == shard.NoMarker && e.ProducerID >= 0:
			open[e.ProducerID] = append(open[e.ProducerID], i)
		case e.Marker != shard.NoMarker:
			for _, j := range open[e.ProducerID] {
				aborted[log[j].Offset] = e.Marker == shard.AbortMarker
			}
			delete(open, e.ProducerID)
		}
	}
	limit = len(log)
	for _, is := range open {
		limit = min(limit, is[0])
	}
	return aborted, limit
}

// replicated renders the replicated state of a machine.
func replicated(m *Machine) string {
	var b bytes.Buffer
	for _, g := range m.sorted() {
		fmt.Fprintf(&b, "group %s", g.id)
		if g.durable != nil {
			fmt.Fprintf(&b, " value %x", g.durable.AppendTo(nil))
		}
		fmt.Fprintln(&b)
		for _, topic := range g.topics() {
			for _, p := range g.partitions(topic) {
				fmt.Fprintf(&b, "  %s-%d %+v\n", topic, p, g.offsets[topic][p])
			}
		}
		for _, k := range g.openKeys() {
			for _, producer := range slices.Sorted(maps.Keys(g.open)) {
				if o, ok := m.open[producer][k]; ok {
					fmt.Fprintf(&b, "  open %d %s-%d %+v\n", producer, k.topic, k.partition, o)
				}
			}
		}
	}
	return b.String()
}

func replay(cfg Config, log []shard.Entry) *Machine {
	m := New(cfg)
	for _, e := range log {
		m.Apply(e)
	}
	return m
}

// check holds the machine to its invariants (I22, I24).
func (h *host) check(t interface{ Fatalf(string, ...any) }) {
	live := replicated(h.m)
	for name, log := range map[string][]shard.Entry{
		"replay": h.log, "compacted": compact(h.log, false), "compacted, tombstones gone": compact(h.log, true),
	} {
		if got := replicated(replay(h.cfg, log)); got != live {
			t.Fatalf("live state differs from %s:\n%s\n%s", name, live, got)
		}
	}
	if h.m.skipped != 0 {
		t.Fatalf("%d entries were skipped", h.m.skipped)
	}
	for _, g := range h.m.groups {
		if err := g.verify(); err != nil {
			t.Fatalf("group %s: %v", g.id, err)
		}
	}
}

// verify checks the soft state of a group.
func (g *group) verify() error {
	awaiting, supported := 0, map[string]int{}
	for _, mb := range g.members {
		if g.byID[mb.id] != mb {
			return fmt.Errorf("member %s is not found by its id", mb.id)
		}
		if mb.instance != nil && g.static[*mb.instance] != mb {
			return fmt.Errorf("member %s is not found by its instance", mb.id)
		}
		if mb.join != 0 {
			awaiting++
		}
		for _, p := range mb.protocols {
			supported[p.name]++
		}
		switch {
		case mb.join != 0 && g.state != preparingRebalance:
			return fmt.Errorf("member %s waits for a join in state %s", mb.id, g.state)
		case mb.sync != 0 && g.state != completingRebalance:
			return fmt.Errorf("member %s waits for a sync in state %s", mb.id, g.state)
		case mb.session.at == 0 && mb.join == 0 && mb.sync == 0:
			return fmt.Errorf("member %s can't expire", mb.id)
		}
	}
	switch {
	case len(g.byID) != len(g.members), awaiting != g.awaitingJoin, !maps.Equal(supported, g.supported):
		return fmt.Errorf("counts are off: %d/%d ids, %d/%d waiting, %v/%v", len(g.byID), len(g.members), g.awaitingJoin, awaiting, g.supported, supported)
	case !g.idle() && g.durable == nil:
		return errors.New("has members and no record")
	case (g.leader == "") != (len(g.members) == 0), g.leader != "" && g.byID[g.leader] == nil:
		return fmt.Errorf("leader %q of %d members", g.leader, len(g.members))
	case (g.state == stable || g.state == completingRebalance) && len(g.members) == 0:
		return fmt.Errorf("%s without members", g.state)
	case g.state == empty && len(g.members) > 0:
		return errors.New("empty with members")
	case g.state == preparingRebalance && g.joinTimer.at == 0:
		return errors.New("the rebalance has no end")
	case g.state == stable:
		return g.equalsDurable()
	}
	return nil
}

func (g *group) equalsDurable() error {
	now := map[string][]byte{}
	for _, mb := range g.members {
		now[mb.id] = mb.assignment
	}
	v := g.value(now)
	v.CurrentStateTimestamp = g.durable.CurrentStateTimestamp
	normal := *g.durable
	normal.Version = groupValueVers
	if a, b := v.AppendTo(nil), normal.AppendTo(nil); !bytes.Equal(a, b) {
		return fmt.Errorf("stable, but not as recorded:\n%+v\n%+v", v, g.durable)
	}
	return nil
}

func testConfig() Config {
	c := DefaultConfig()
	c.InitialRebalanceDelay = 3000
	return c
}

// consumerMetadata is a subscription as consumers write it.
func consumerMetadata(topics ...string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version, m.Topics = 3, topics
	return m.AppendTo(nil)
}
