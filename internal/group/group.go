package group

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// group is one group: what the log says, and the protocol that runs on it.
type group struct {
	m  *Machine
	id string

	// Replicated: changed by Apply only.
	durable *kmsg.GroupMetadataValue // last GroupMetadata record; nil if there is none
	offsets map[string]map[int32]committed
	end     int64         // offset after the last record about this group
	open    map[int64]int // offsets staged by open transactions, per producer

	// Soft.
	state        state
	previous     state
	since        int64  // wall clock of the last change of state, -1 if unknown
	protocolType string // empty: never had a member
	protocol     string // empty: none chosen
	generation   int32
	leader       string // member id, empty for none
	members      []*member
	byID         map[string]*member
	static       map[string]*member // by instance id
	pending      map[string]*pendingMember
	awaitingJoin int
	awaitingSync map[string]bool // members whose SyncGroup has not come
	supported    map[string]int  // members per protocol
	subscribed   map[string]bool // topics; nil: unknown
	grew         bool            // a member was added during the initial delay
	joinTimer    timer
	syncTimer    timer
	delayLeft    int64 // what the initial delay may still be prolonged by
	delay        int64 // its present length
}

// pendingMember was given a member id and has not joined with it yet.
type pendingMember struct{ session timer }

func (m *Machine) newGroup(id string) *group {
	g := &group{
		m: m, id: id, since: -1,
		byID: map[string]*member{}, static: map[string]*member{}, pending: map[string]*pendingMember{},
		awaitingSync: map[string]bool{}, supported: map[string]int{},
		offsets: map[string]map[int32]committed{},
	}
	g.syncTimer.fire = g.syncExpired
	return g
}

// sorted are the groups in the order of their ids.
func (m *Machine) sorted() []*group {
	ids := slices.Sorted(maps.Keys(m.groups))
	gs := make([]*group, len(ids))
	for i, id := range ids {
		gs[i] = m.groups[id]
	}
	return gs
}

// after is what an answer about g, which may be nil, depends on.
func (m *Machine) after(g *group) int64 {
	if g == nil {
		return m.end
	}
	return g.end
}

// restore builds the soft state from the durable one.
func (g *group) restore() {
	d := g.durable
	if d == nil {
		return
	}
	g.protocolType, g.generation, g.since = d.ProtocolType, d.Generation, d.CurrentStateTimestamp
	g.protocol = deref(d.Protocol)
	if len(d.Members) > 0 {
		g.state = stable
	}
	for i := range d.Members {
		dm := &d.Members[i]
		rebalance := dm.RebalanceTimeoutMillis
		if rebalance == -1 {
			rebalance = dm.SessionTimeoutMillis
		}
		g.add(&member{
			id: dm.MemberID, instance: dm.InstanceID, clientID: dm.ClientID, clientHost: dm.ClientHost,
			sessionTimeout: dm.SessionTimeoutMillis, rebalanceTimeout: rebalance,
			protocols: []protocol{{g.protocol, dm.Subscription}}, assignment: dm.Assignment,
		})
	}
	g.leader = deref(d.Leader)
	if g.byID[g.leader] == nil && len(g.members) > 0 {
		g.leader = g.members[0].id
	}
	g.subscribed = g.subscribedTopics()
}

// transition changes the state.
func (g *group) transition(to state, now shard.Instant) {
	g.previous, g.state, g.since = g.state, to, now.Wall
}

// idle groups have no members and nobody who was invited to become one.
func (g *group) idle() bool { return len(g.members) == 0 && len(g.pending) == 0 }

// isConsumer groups carry consumer subscriptions in their members' metadata.
func (g *group) isConsumer() bool { return g.protocolType == consumerProtocolType }

const consumerProtocolType = "consumer"

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ref is nil for the empty string.
func ref(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
