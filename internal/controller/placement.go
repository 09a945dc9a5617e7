package controller

import (
	"cmp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// placer lays replicas over racks and brokers in stripes: each partition starts
// one rack further than the one before, and within a rack one broker further.
// Leaders are placed on unfenced brokers only; followers prefer them.
type placer struct {
	racks           []*rack
	total, unfenced int
	next            int // rack of the next partition's leader
}

type rack struct {
	name             string
	unfenced, fenced ring
}

// ring hands out brokers in turn, each at most once per partition.
type ring struct {
	brokers []base.NodeID
	start   int // where the next partition starts
	used    int // brokers handed out for the current partition
}

func (r *ring) take() (base.NodeID, bool) {
	if r.used == len(r.brokers) {
		return 0, false
	}
	id := r.brokers[(r.start+r.used)%len(r.brokers)]
	r.used++
	return id, true
}

// advance ends a partition: the next one starts one broker further, if this
// one took any.
func (r *ring) advance() {
	if r.used > 0 {
		r.start = (r.start + 1) % len(r.brokers)
	}
	r.used = 0
}

func (r *rack) take() (base.NodeID, bool) {
	if id, ok := r.unfenced.take(); ok {
		return id, true
	}
	return r.fenced.take()
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
			r.fenced.brokers = append(r.fenced.brokers, b.ID)
		} else {
			r.unfenced.brokers = append(r.unfenced.brokers, b.ID)
			p.unfenced++
		}
	}
	slices.SortFunc(p.racks, func(a, b *rack) int { return strings.Compare(a.name, b.name) })
	for _, r := range p.racks {
		p.next = offset % len(p.racks)
		r.unfenced.start = offset / len(p.racks) % max(1, len(r.unfenced.brokers))
		r.fenced.start = offset / len(p.racks) % max(1, len(r.fenced.brokers))
	}
	return p
}

// after makes the stripes continue behind existing partitions.
func (p *placer) after(partitions []metadata.Partition) {
	if len(partitions) == 0 {
		return
	}
	for i, r := range p.racks {
		if len(r.unfenced.brokers) == 0 {
			continue
		}
		for j := len(partitions) - 1; j >= 0; j-- {
			at := slices.IndexFunc(partitions[j].Replicas, func(id base.NodeID) bool { return slices.Contains(r.unfenced.brokers, id) })
			if at < 0 {
				continue
			}
			last := partitions[j].Replicas[at]
			r.unfenced.start = (slices.Index(r.unfenced.brokers, last) + 1) % len(r.unfenced.brokers)
			if j == len(partitions)-1 && at == 0 {
				p.next = (i + 1) % len(p.racks)
			}
			break
		}
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
	at := p.next
	for {
		if id, ok := p.racks[at].unfenced.take(); ok {
			replicas = append(replicas, id)
			break
		}
		at = (at + 1) % len(p.racks)
	}
	for len(replicas) < replicationFactor {
		at = (at + 1) % len(p.racks)
		if id, ok := p.racks[at].take(); ok {
			replicas = append(replicas, id)
		}
	}
	p.next = (p.next + 1) % len(p.racks)
	for _, r := range p.racks {
		r.unfenced.advance()
		r.fenced.advance()
	}
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
