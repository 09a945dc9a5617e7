package group

import (
	"encoding/binary"
	"errors"
)

// errSubscription reports bytes that are not a consumer's subscription.
var errSubscription = errors.New("group: malformed consumer subscription")

// parseSubscription reads the topics of a consumer's metadata:
//
//	version int16 | count int32 | count × (length int16, name) | more
//
// Every later version begins like version 0, so the version is not looked at.
// visit gets a slice of b for each topic.
func parseSubscription(b []byte, visit func(topic []byte)) error {
	if len(b) < 6 {
		return errSubscription
	}
	count := int32(binary.BigEndian.Uint32(b[2:]))
	b = b[6:]
	if int64(count) > int64(len(b)/2) {
		return errSubscription
	}
	for range max(count, 0) {
		if len(b) < 2 {
			return errSubscription
		}
		n := int(int16(binary.BigEndian.Uint16(b)))
		if b = b[2:]; n < 0 || n > len(b) {
			return errSubscription
		}
		visit(b[:n])
		b = b[n:]
	}
	return nil
}

// subscribedTopics are the topics of all members of a consumer group; nil if
// they are not known.
func (g *group) subscribedTopics() map[string]bool {
	if !g.isConsumer() || len(g.members) > 0 && g.protocol == "" {
		return nil
	}
	topics := map[string]bool{}
	for _, mb := range g.members {
		err := parseSubscription(mb.metadata(g.protocol), func(topic []byte) {
			if !topics[string(topic)] {
				topics[string(topic)] = true
			}
		})
		if err != nil {
			return nil
		}
	}
	return topics
}

// isSubscribed reports whether the group may be consuming a topic: of a
// consumer group whose subscriptions are unknown, every topic.
func (g *group) isSubscribed(topic string) bool {
	if g.subscribed == nil {
		return g.isConsumer()
	}
	return g.subscribed[topic]
}
