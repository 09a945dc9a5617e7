package metadata

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/milena-io/milena/internal/base"
)

// touched collects what a batch of records might have changed. Comparing the
// two images at those places gives a minimal delta, whatever the batch did in
// between: a topic created and removed by one batch never existed.
type touched struct {
	topics            map[base.UUID]struct{}
	configs           map[Resource]struct{}
	brokers           map[base.NodeID]struct{}
	unknown, rejected int
}

func newTouched() *touched {
	return &touched{
		topics:  map[base.UUID]struct{}{},
		configs: map[Resource]struct{}{},
		brokers: map[base.NodeID]struct{}{},
	}
}

func (t *touched) delta(from, to *Image) *Delta {
	d := &Delta{Unknown: t.unknown, Rejected: t.rejected}
	for id := range t.topics {
		before, after := from.TopicByID(id), to.TopicByID(id)
		switch {
		case before == after:
		case before == nil:
			d.TopicsCreated = append(d.TopicsCreated, after)
		case after == nil:
			d.TopicsDeleted = append(d.TopicsDeleted, before)
		case before.Name != after.Name: // removed, and its id used again at once
			d.TopicsDeleted = append(d.TopicsDeleted, before)
			d.TopicsCreated = append(d.TopicsCreated, after)
		case !slices.EqualFunc(before.Partitions, after.Partitions, func(a, b Partition) bool { return samePartition(&a, &b) }):
			d.TopicsChanged = append(d.TopicsChanged, TopicChange{before, after})
		}
	}
	for r := range t.configs {
		if !maps.Equal(from.Overrides(r), to.Overrides(r)) {
			d.ConfigsChanged = append(d.ConfigsChanged, r)
		}
	}
	for id := range t.brokers {
		if before, after := from.Broker(id), to.Broker(id); before != after && !reflect.DeepEqual(before, after) {
			d.BrokersChanged = append(d.BrokersChanged, id)
		}
	}
	d.Cluster = from.clusterID != to.clusterID || from.nextProducerID != to.nextProducerID || !maps.Equal(from.features, to.features)
	d.sort()
	return d
}

func (d *Delta) sort() {
	byName := func(a, b *Topic) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.ID[:], b.ID[:]))
	}
	slices.SortFunc(d.TopicsDeleted, byName)
	slices.SortFunc(d.TopicsCreated, byName)
	slices.SortFunc(d.TopicsChanged, func(a, b TopicChange) int { return byName(a.New, b.New) })
	slices.SortFunc(d.ConfigsChanged, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
	slices.Sort(d.BrokersChanged)
}
