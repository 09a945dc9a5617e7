package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/base"
)

// troubles are the errors that keep partitions from being read. Most of them
// pass: a leader moves, a topic has just been created. So they are remembered,
// and count once nothing else is left to read.
type troubles map[base.TopicPartition]*trouble

type trouble struct {
	err   error
	times int
}

// whereOf names a partition in a message. An error of a whole topic has the
// partition -1.
func whereOf(p base.TopicPartition) string {
	if p.Partition < 0 {
		return "topic " + p.Topic
	}
	return fmt.Sprintf("topic %s partition %d", p.Topic, p.Partition)
}

// vanishedMax is how often a topic may be unknown to the broker before it is
// taken for deleted. A topic is unknown for a moment after its creation too.
const vanishedMax = 5

// note remembers e if it may pass, and reports whether it does.
func (t troubles) note(e kgo.FetchError) bool {
	if e.Topic == "" || !kerr.IsRetriable(e.Err) {
		return false
	}
	p := base.TopicPartition{Topic: e.Topic, Partition: e.Partition}
	if t[p] == nil {
		t[p] = &trouble{}
	}
	t[p].err = e.Err
	t[p].times++
	return t[p].times <= vanishedMax || !isVanished(e.Err)
}

func isVanished(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

// remark tells who follows a topic that a partition's data cannot be read,
// once: nothing else would end their waiting.
func (t troubles) remark(w io.Writer, e kgo.FetchError) {
	p := base.TopicPartition{Topic: e.Topic, Partition: e.Partition}
	damaged := errors.Is(e.Err, kerr.CorruptMessage) || errors.Is(e.Err, kerr.KafkaStorageError)
	if damaged && t[p] != nil && t[p].times == 1 {
		fmt.Fprintf(w, "milena: %v; trying again\n", explain(e.Err, "", whereOf(p)))
	}
}

// over forgets the trouble of a record's partition, which can be read again.
func (t troubles) over(r *kgo.Record) {
	if len(t) > 0 {
		delete(t, base.TopicPartition{Topic: r.Topic, Partition: r.Partition})
		delete(t, base.TopicPartition{Topic: r.Topic, Partition: -1})
	}
}

// err names every partition in trouble.
func (t troubles) err() error {
	var errs []error
	for _, p := range slices.SortedFunc(maps.Keys(t), func(a, b base.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	}) {
		errs = append(errs, explain(t[p].err, "", whereOf(p)))
	}
	return errors.Join(errs...)
}
