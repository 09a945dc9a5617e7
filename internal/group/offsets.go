package group

import (
	"cmp"
	"maps"
	"slices"
)

// committed is one committed offset: replicated state.
type committed struct {
	offset      int64
	leaderEpoch int32 // -1: unknown
	metadata    string
	committedAt int64 // wall clock
	expiresAt   int64 // noExpiry unless the commit asked for a time of its own
	topicID     [16]byte
	written     int64 // log offset of the record
}

const noExpiry = -1

// offsetKey names one partition of one group.
type offsetKey struct {
	group, topic string
	partition    int32
}

// openOffset is an offset that becomes committed if its transaction does.
type openOffset struct{ committed }

// otherTopic reports whether both ids are known and differ: the topic was
// deleted and made again under its name.
func otherTopic(a, b [16]byte) bool {
	return a != [16]byte{} && b != [16]byte{} && a != b
}

// topics are the names of the topics with offsets, sorted.
func (g *group) topics() []string { return slices.Sorted(maps.Keys(g.offsets)) }

// partitions are the partitions of a topic with offsets, sorted.
func (g *group) partitions(topic string) []int32 { return slices.Sorted(maps.Keys(g.offsets[topic])) }

func (g *group) setOffset(topic string, partition int32, c committed) {
	byPartition := g.offsets[topic]
	if byPartition == nil {
		byPartition = map[int32]committed{}
		g.offsets[topic] = byPartition
	}
	byPartition[partition] = c
}

func (g *group) dropOffset(topic string, partition int32) {
	delete(g.offsets[topic], partition)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
	}
}

// unstable reports whether an open transaction has staged an offset.
func (g *group) unstable(topic string, partition int32) bool {
	for producer := range g.open {
		if _, ok := g.m.open[producer][offsetKey{g.id, topic, partition}]; ok {
			return true
		}
	}
	return false
}

// openKeys are the partitions with staged offsets, sorted.
func (g *group) openKeys() []offsetKey {
	var keys []offsetKey
	for producer := range g.open {
		for k := range g.m.open[producer] {
			if k.group == g.id {
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, func(a, b offsetKey) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return slices.Compact(keys)
}
