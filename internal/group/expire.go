package group

import "github.com/milena-io/milena/internal/shard"

// expireAtOnce bounds the tombstones of one append; the rest follows at once.
const expireAtOnce = 5000

// expire drops offsets nobody has needed for the retention time, and groups
// that have neither members nor offsets left.
func (m *Machine) expire(now shard.Instant) shard.Outcome {
	var out shard.Outcome
	next := now.Steady + m.cfg.RetentionCheck
	for _, g := range m.sorted() {
		if len(out.Records) >= expireAtOnce {
			next = now.Steady
			break
		}
		out.Records = append(out.Records, g.expired(now.Wall)...)
	}
	m.timers.set(&m.expiry, next)
	out.Settle = func(err error, now shard.Instant) shard.Outcome {
		if err != nil { // once more at the next check, not at once
			m.timers.set(&m.expiry, now.Steady+m.cfg.RetentionCheck)
		}
		return shard.Outcome{}
	}
	return out
}

// expired are the tombstones that a group's age asks for.
func (g *group) expired(nowMs int64) []shard.Record {
	var records []shard.Record
	left := false
	for _, topic := range g.topics() {
		for _, p := range g.partitions(topic) {
			if g.isSubscribed(topic) || !g.offsetExpired(g.offsets[topic][p], nowMs) || g.unstable(topic, p) {
				left = true
				continue
			}
			records = append(records, offsetTombstone(g.id, topic, p))
		}
	}
	if !left && g.state == empty && g.idle() && len(g.open) == 0 && g.durable != nil {
		records = append(records, metadataRecord(g.id, nil))
	}
	return records
}

// offsetExpired decides by the group's kind: without a protocol type (nobody
// ever joined) each offset ages from its commit; with one, all age from the
// moment the last member left; and while a consumer group is Stable, the topics
// it no longer subscribes to age from their commits (KIP-211).
func (g *group) offsetExpired(c committed, nowMs int64) bool {
	from := c.committedAt
	switch {
	case g.protocolType == "":
	case g.state == empty:
		if g.since >= 0 {
			from = g.since
		}
	case !g.isConsumer() || g.state != stable || g.subscribed == nil:
		return false
	}
	if c.expiresAt != noExpiry {
		return nowMs >= c.expiresAt
	}
	return nowMs-from >= g.m.cfg.OffsetsRetention
}
