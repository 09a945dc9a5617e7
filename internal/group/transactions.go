package group

import "strings"

// stage keeps an offset that a transaction commits until the transaction ends.
func (g *group) stage(producer int64, topic string, partition int32, c committed) {
	m := g.m
	if m.open[producer] == nil {
		m.open[producer] = map[offsetKey]openOffset{}
	}
	k := offsetKey{g.id, strings.Clone(topic), partition}
	if _, again := m.open[producer][k]; !again {
		if g.open == nil {
			g.open = map[int64]int{}
		}
		g.open[producer]++
	}
	m.open[producer][k] = openOffset{c}
}

// unstage forgets a staged offset.
func (g *group) unstage(producer int64, k offsetKey) {
	m := g.m
	if _, ok := m.open[producer][k]; !ok {
		return
	}
	delete(m.open[producer], k)
	if len(m.open[producer]) == 0 {
		delete(m.open, producer)
	}
	if g.open[producer]--; g.open[producer] == 0 {
		delete(g.open, producer)
	}
}

// endTransaction commits or drops what a producer staged. A staged offset does
// not replace one whose record is younger: with compaction in between, only the
// place in the log tells which commit came last.
func (m *Machine) endTransaction(producer int64, commit bool) {
	for k, o := range m.open[producer] {
		g := m.groups[k.group]
		g.unstage(producer, k)
		g.end = m.end
		if now, ok := g.offsets[k.topic][k.partition]; commit && (!ok || o.written > now.written) {
			g.setOffset(k.topic, k.partition, o.committed)
		}
		m.dropIfNothing(g)
	}
}
