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
