package controller

import (
	"cmp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// placer lays replicas over racks and brokers in stripes. The leader of each
// partition is one rack further than that of the one before; each time round the
// racks, it is one broker further within its rack. Followers come from the
// following racks, and within those from as many brokers further as the rack is
// racks away, so that a leader does not share all its partitions with the same
// follower. Leaders are placed on unfenced brokers only; followers prefer them.
type placer struct {
	racks           []*rack
	total, unfenced int
	next            int // rack of the next partition's leader
	cycle           int // times round the racks
}

type rack struct {
	name             string
	unfenced, fenced []base.NodeID
	used             int // brokers handed out for the current partition
}

// take hands out a broker that the current partition does not have yet.
func (r *rack) take(start int) (base.NodeID, bool) {
	i := r.used
	if i < len(r.unfenced) {
		r.used++
		return r.unfenced[(start+i)%len(r.unfenced)], true
	}
	if i -= len(r.unfenced); i < len(r.fenced) {
		r.used++
		return r.fenced[(start+i)%len(r.fenced)], true
	}
	return 0, false
}

// newPlacer sorts the brokers into racks. offset says where to start.
func newPlacer(img *metadata.Image, offset int) *placer {
	p := &placer{}
	byName := map[string]*rack{}
	for _, b := range img.Brokers() {
		r := byName[b.Rack]
		if r == nil {
			r = &rack{name: b.Rack}
			byName[b.Rack] = r
			p.racks = append(p.racks, r)
		}
		p.total++
		if b.Fenced {
			r.fenced = append(r.fenced, b.ID)
		} else {
			r.unfenced = append(r.unfenced, b.ID)
			p.unfenced++
		}
	}
	slices.SortFunc(p.racks, func(a, b *rack) int { return strings.Compare(a.name, b.name) })
	if n := len(p.racks); n > 0 {
		p.next, p.cycle = offset%n, offset/n
	}
	return p
}

// after makes the stripes continue behind the last of existing partitions.
func (p *placer) after(partitions []metadata.Partition) {
	if len(partitions) == 0 {
		return
	}
	last := partitions[len(partitions)-1].Replicas[0]
	for i, r := range p.racks {
		if at := slices.Index(r.unfenced, last); at >= 0 {
			p.next, p.cycle = i, at
			p.advance()
			return
		}
	}
}

// advance moves on to the next partition.
func (p *placer) advance() {
	if p.next++; p.next == len(p.racks) {
		p.next = 0
		p.cycle++
	}
	for _, r := range p.racks {
		r.used = 0
	}
}

// place picks the replicas of n partitions.
func (p *placer) place(n int, replicationFactor int) ([][]base.NodeID, error) {
	switch {
	case p.unfenced == 0:
		return nil, failure(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): All brokers are currently fenced.", replicationFactor)
	case replicationFactor > p.total:
		return nil, failure(kerr.InvalidReplicationFactor,
			"Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered.",
			replicationFactor, replicationFactor, p.total)
	}
	out := make([][]base.NodeID, n)
	for i := range out {
		out[i] = p.one(replicationFactor)
	}
	return out, nil
}

func (p *placer) one(replicationFactor int) []base.NodeID {
	replicas := make([]base.NodeID, 0, replicationFactor)
	leader := p.next
	for len(p.racks[leader].unfenced) == 0 {
		leader = (leader + 1) % len(p.racks)
	}
	for distance := 0; len(replicas) < replicationFactor; distance++ {
		r := p.racks[(leader+distance)%len(p.racks)]
		if id, ok := r.take(p.cycle + distance%len(p.racks)); ok {
			replicas = append(replicas, id)
		}
	}
	p.advance()
	return replicas
}

// checkAssignment applies Kafka's rules to replicas that a client chose. want is
// the number of replicas that earlier partitions have, 0 if there are none.
func checkAssignment(img *metadata.Image, partition int32, replicas []base.NodeID, want int) error {
	if len(replicas) == 0 {
		return failure(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	}
	sorted := slices.Clone(replicas)
	slices.SortFunc(sorted, cmp.Compare[base.NodeID])
	for i, id := range sorted {
		if img.Broker(id) == nil {
			return failure(kerr.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", id)
		}
		if i > 0 && sorted[i-1] == id {
			return failure(kerr.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", id)
		}
	}
	if want != 0 && len(replicas) != want {
		return failure(kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes a partition with %d replica(s), but this is not consistent with previous partitions, which have %d replica(s).",
			len(replicas), want)
	}
	if len(inSync(img, replicas)) == 0 {
		return failure(kerr.InvalidReplicaAssignment,
			"All brokers specified in the manual partition assignment for partition %d are fenced or in controlled shutdown.", partition)
	}
	return nil
}

// inSync is the first ISR of new replicas: those whose broker is usable.
func inSync(img *metadata.Image, replicas []base.NodeID) []base.NodeID {
	var isr []base.NodeID
	for _, id := range replicas {
		if b := img.Broker(id); b != nil && !b.Fenced {
			isr = append(isr, id)
		}
	}
	return isr
}
