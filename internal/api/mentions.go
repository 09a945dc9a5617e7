package api

// maxMentions is how often one request is told about one thing. Clients name it
// once; Kafka answers as often as it is named, and so do we for a while, but a
// name takes a few bytes and what there is to tell of it may take megabytes.
const maxMentions = 4

// mentions counts what a request has named.
type mentions[K comparable] map[K]int

// tooMany counts k and reports whether it was answered often enough.
func (m mentions[K]) tooMany(k K) bool {
	m[k]++
	return m[k] > maxMentions
}

// byTopic collects what is said of partitions by topic, in the order in which
// topics are first named.
type byTopic[P any] struct {
	groups []topicGroup[P]
	at     map[string]int
}

type topicGroup[P any] struct {
	topic      string
	partitions []P
}

// add says something of partitions of a topic.
func (b *byTopic[P]) add(topic string, p ...P) {
	i, there := b.at[topic]
	if !there {
		if b.at == nil {
			b.at = make(map[string]int)
		}
		i = len(b.groups)
		b.at[topic] = i
		b.groups = append(b.groups, topicGroup[P]{topic: topic})
	}
	b.groups[i].partitions = append(b.groups[i].partitions, p...)
}
