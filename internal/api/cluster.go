package api

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// node is a broker as clients of one listener see it.
type node struct {
	id     base.NodeID
	host   string
	port   int32
	rack   string
	fenced bool
}

// noNode is Kafka's "no broker".
var noNode = node{id: -1, port: -1}

// nodes lists the brokers that have the connection's listener.
func (a *API) nodes(c *Conn, withFenced bool) []node {
	var out []node
	for _, b := range a.image().Brokers() {
		if n, ok := onListener(b, c.Listener); ok && (withFenced || !n.fenced) {
			out = append(out, n)
		}
	}
	return out
}

// node finds one usable broker.
func (a *API) node(c *Conn, id base.NodeID) (node, bool) {
	b := a.image().Broker(id)
	if b == nil || b.Fenced {
		return noNode, false
	}
	return onListener(b, c.Listener)
}

func onListener(b *metadata.Broker, listener string) (node, bool) {
	for _, l := range b.Listeners {
		if l.Name == listener {
			return node{id: b.ID, host: l.Host, port: int32(l.Port), rack: b.Rack, fenced: b.Fenced}, true
		}
	}
	return noNode, false
}

// leaderHint is who leads a partition, for clients that asked the wrong broker.
type leaderHint struct {
	known bool
	id    base.NodeID
	epoch int32
}

func (a *API) currentLeader(topic string, partition int32) leaderHint {
	p := a.image().Partition(base.TopicPartition{Topic: topic, Partition: partition})
	if p == nil {
		return leaderHint{known: true, id: metadata.NoLeader, epoch: base.NoEpoch}
	}
	return leaderHint{known: true, id: p.Leader, epoch: p.LeaderEpoch}
}

// nodeSet collects the leaders that an answer names.
type nodeSet []base.NodeID

func (s *nodeSet) add(id base.NodeID) {
	if id >= 0 && !slices.Contains(*s, id) {
		*s = append(*s, id)
	}
}

func (a *API) endpoints(c *Conn, ids nodeSet) []node {
	var out []node
	for _, id := range ids {
		if n, ok := a.node(c, id); ok {
			out = append(out, n)
		}
	}
	return out
}

// replica finds a partition by id if one is given, by name otherwise. Metadata
// is asked first, as a partition that the cluster does not have is unknown
// whatever lies on this disk.
func (a *API) replica(topic string, id base.UUID, index int32) (Partition, error) {
	p := a.image().Partition(base.TopicPartition{Topic: topic, Partition: index})
	if p == nil {
		return nil, kerr.UnknownTopicOrPartition
	}
	get := func() (Partition, error) { return a.cfg.Replicas.Get(topic, index) }
	if !id.IsZero() {
		get = func() (Partition, error) { return a.cfg.Replicas.GetByID(id, index) }
	}
	found, err := get()
	if errors.Is(err, kerr.UnknownTopicOrPartition) && p.Leader != a.cfg.NodeID {
		return nil, kerr.NotLeaderForPartition
	}
	return found, err
}

// optional is a nullable string that is null when empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
