package adminhttp

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// otherTopics is the label of all topics beyond the limit. It can't be the name
// of a topic.
const otherTopics = "(other)"

// Topics counts what is produced and fetched, in all and by topic.
type Topics struct {
	bytesIn, bytesOut, messagesIn          prometheus.Counter
	topicBytesIn, topicBytesOut, topicMsgs *prometheus.CounterVec

	mu      sync.RWMutex
	max     int
	byTopic map[string]*Topic
	other   *Topic
}

// Topic is the counters of one topic. Holders of a partition should keep it, so
// that counting needs no look-up.
type Topic struct {
	all                           *Topics
	bytesIn, bytesOut, messagesIn prometheus.Counter
}

func (t *Topics) init(reg *prometheus.Registry, limit int) {
	label := []string{"topic"}
	t.bytesIn = prometheus.NewCounter(counter("bytes_in_total", "Bytes of record batches appended for producers."))
	t.bytesOut = prometheus.NewCounter(counter("bytes_out_total", "Bytes of record batches sent to consumers."))
	t.messagesIn = prometheus.NewCounter(counter("messages_in_total", "Records appended for producers."))
	t.topicBytesIn = prometheus.NewCounterVec(counter("topic_bytes_in_total", "Bytes appended for producers, by topic."), label)
	t.topicBytesOut = prometheus.NewCounterVec(counter("topic_bytes_out_total", "Bytes sent to consumers, by topic."), label)
	t.topicMsgs = prometheus.NewCounterVec(counter("topic_messages_in_total", "Records appended for producers, by topic."), label)
	reg.MustRegister(t.bytesIn, t.bytesOut, t.messagesIn, t.topicBytesIn, t.topicBytesOut, t.topicMsgs)
	t.max, t.byTopic = limit, map[string]*Topic{}
}

// Topic returns the counters of a topic; beyond the limit all topics share one.
func (t *Topics) Topic(name string) *Topic {
	t.mu.RLock()
	h := t.byTopic[name]
	t.mu.RUnlock()
	if h != nil {
		return h
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.byTopic[name]; h != nil {
		return h
	}
	if len(t.byTopic) >= t.max {
		if t.other == nil {
			t.other = t.resolve(otherTopics)
		}
		return t.other
	}
	h = t.resolve(name)
	t.byTopic[name] = h
	return h
}

func (t *Topics) resolve(name string) *Topic {
	return &Topic{t, t.topicBytesIn.WithLabelValues(name), t.topicBytesOut.WithLabelValues(name), t.topicMsgs.WithLabelValues(name)}
}

// Forget drops the series of a deleted topic; the totals keep what it counted.
func (t *Topics) Forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.byTopic[name]; !ok {
		return
	}
	delete(t.byTopic, name)
	for _, v := range []*prometheus.CounterVec{t.topicBytesIn, t.topicBytesOut, t.topicMsgs} {
		v.DeleteLabelValues(name)
	}
}

// Produced counts appended records.
func (h *Topic) Produced(records, bytes int) {
	h.messagesIn.Add(float64(records))
	h.bytesIn.Add(float64(bytes))
	h.all.messagesIn.Add(float64(records))
	h.all.bytesIn.Add(float64(bytes))
}

// Fetched counts bytes sent.
func (h *Topic) Fetched(bytes int) {
	h.bytesOut.Add(float64(bytes))
	h.all.bytesOut.Add(float64(bytes))
}
