package rig

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
)

// Verdict is what a broker was found to do about a story.
type Verdict struct {
	// Wrong lists broken promises and things that nobody asked for.
	Wrong []error
	// Missing lists what the broker itself says that it can't serve, by
	// partition.
	Missing map[base.TopicPartition]error
	Records int
}

// Options say how a broker is judged.
type Options struct {
	// Repeat sends acknowledged batches again, which must change nothing.
	Repeat bool
	// Patience is how long a broker may say that it is not ready; 0 is long.
	Patience time.Duration
}

func (v *Verdict) wrong(format string, args ...any) {
	v.Wrong = append(v.Wrong, fmt.Errorf(format, args...))
}

// Judge reads everything from a broker and compares it with the story up to a
// moment.
func Judge(b *Broker, m Moment, o Options) *Verdict {
	v := &Verdict{Missing: map[base.TopicPartition]error{}}
	c, err := b.Dial()
	if err != nil {
		v.wrong("dial: %w", err)
		return v
	}
	defer c.Close()
	if o.Patience > 0 {
		c.Patience = o.Patience
	}
	st := m.tell()
	ids, err := topicIDs(c)
	if err != nil {
		v.wrong("metadata: %w", err)
		return v
	}
	for _, t := range v.topics(st, ids) {
		for p := range t.Partitions {
			v.partition(c, st, t, p, o.Repeat)
		}
	}
	v.commits(c, st)
	return v
}

func topicIDs(c *Conn) (map[string]base.UUID, error) {
	resp, err := c.Metadata()
	if err != nil {
		return nil, err
	}
	ids := map[string]base.UUID{}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return nil, fmt.Errorf("topic %s: %w", *t.Topic, err)
		}
		ids[*t.Topic] = t.TopicID
	}
	return ids, nil
}

// topics checks which topics there are and returns those whose content counts.
func (v *Verdict) topics(st *state, ids map[string]base.UUID) (live []*topicState) {
	latest := map[string]*topicState{}
	for _, t := range st.topics {
		latest[t.Name] = t
		id, there := ids[t.Name]
		switch same := there && id == t.id; {
		case t.deleted && same:
			v.wrong("topic %s %s came back after it was deleted", t.Name, t.id)
		case t.created && !t.deleting && !there:
			v.wrong("topic %s is gone", t.Name)
		case t.created && !t.deleting && !same:
			v.wrong("topic %s has the id %s, not %s", t.Name, id, t.id)
		}
	}
	for name := range ids {
		if latest[name] == nil && !base.IsInternalTopic(name) {
			v.wrong("topic %s was never asked for", name)
		}
	}
	for _, t := range latest {
		if t.created && !t.deleted && ids[t.Name] == t.id {
			live = append(live, t)
		}
	}
	return live
}

// partition compares one partition with what was sent to it.
func (v *Verdict) partition(c *Conn, st *state, t *topicState, p int32, dedup bool) {
	tp := base.TopicPartition{Topic: t.Name, Partition: p}
	start, end, records, err := c.ReadAll(t.Name, p)
	if err != nil {
		v.Missing[tp] = err
	}
	v.Records += len(records)
	r := &reader{v: v, tp: tp, t: t, start: start, end: end, at: map[string]int64{}}
	r.batches = t.parts[p]
	r.content(records)
	if err != nil {
		return // the rest asks for completeness
	}
	r.complete()
	r.starts(st)
	if dedup {
		r.repeat(c)
	}
}

// reader judges one partition.
type reader struct {
	v          *Verdict
	tp         base.TopicPartition
	t          *topicState
	start, end int64
	batches    []*batchState
	at         map[string]int64 // offset by record id
}

// content checks every record that was read: it was sent, is as it was sent,
// once, where it was promised, in order, without gaps.
func (r *reader) content(records []Record) {
	type origin struct {
		b *batchState
		i int
	}
	known := map[string]origin{}
	for _, b := range r.batches {
		for i := range b.Records {
			known[b.Records[i].ID] = origin{b, i}
		}
	}
	next := r.start
	sequence := map[int64]int32{}
	for _, rec := range records {
		o, ok := known[rec.ID]
		if !ok {
			r.v.wrong("%s offset %d: record %q was never sent", r.tp, rec.Offset, rec.ID)
			continue
		}
		want := o.b.Records[o.i]
		if !bytes.Equal(rec.Key, want.Key) || !bytes.Equal(rec.Value, want.Value) || (rec.Value == nil) != (want.Value == nil) || rec.Timestamp != want.Timestamp {
			r.v.wrong("%s offset %d: record %s is not as it was sent", r.tp, rec.Offset, rec.ID)
		}
		if before, twice := r.at[rec.ID]; twice {
			r.v.wrong("%s: record %s is at %d and %d", r.tp, rec.ID, before, rec.Offset)
		}
		r.at[rec.ID] = rec.Offset
		switch promised := o.b.offset + int64(o.i); {
		case o.b.refused:
			r.v.wrong("%s offset %d: record %s was refused", r.tp, rec.Offset, rec.ID)
		case o.b.offset >= 0 && promised != rec.Offset:
			r.v.wrong("%s: record %s is at %d, acknowledged at %d", r.tp, rec.ID, rec.Offset, promised)
		}
		if rec.Offset < next || rec.Offset > next && r.t.Policy != Compact {
			r.v.wrong("%s: offset %d follows %d", r.tp, rec.Offset, next-1)
		}
		next = rec.Offset + 1
		if seq := o.b.Sequence + int32(o.i); seq < sequence[o.b.Producer] {
			r.v.wrong("%s offset %d: sequence %d of producer %d is out of order", r.tp, rec.Offset, seq, o.b.Producer)
		} else {
			sequence[o.b.Producer] = seq
		}
	}
	if next != r.end && r.t.Policy != Compact && r.v.Missing[r.tp] == nil {
		r.v.wrong("%s: the records end at %d, the log at %d", r.tp, next, r.end)
	}
}

// complete checks that everything acknowledged is there, or may be gone.
func (r *reader) complete() {
	newest := map[string]int64{} // by key, of what is there
	for _, b := range r.batches {
		for _, rec := range b.Records {
			if off, there := r.at[rec.ID]; there {
				newest[string(rec.Key)] = max(newest[string(rec.Key)], off)
			}
		}
	}
	for _, b := range r.batches {
		for i, rec := range b.Records {
			off := b.offset + int64(i)
			if _, there := r.at[rec.ID]; there || b.offset < 0 || off < r.start {
				continue
			}
			if r.t.Policy == Compact && newest[string(rec.Key)] > off {
				continue
			}
			r.v.wrong("%s: record %s, acknowledged at %d, is lost (the log is [%d, %d))", r.tp, rec.ID, off, r.start, r.end)
		}
	}
}

// starts checks that the log begins where somebody asked for it.
func (r *reader) starts(st *state) {
	limit := at(st.cuts, place{topic: r.tp.Topic, partition: r.tp.Partition})
	if r.start < limit.promised {
		r.v.wrong("%s: the log starts at %d, records below %d were deleted", r.tp, r.start, limit.promised)
	}
	if r.t.Policy != RetainBytes {
		if r.start > max(limit.asked, 0) {
			r.v.wrong("%s: the log starts at %d, nobody asked for more than %d", r.tp, r.start, limit.asked)
		}
		return
	}
	// Retention leaves at least retention.bytes, as far as they were flushed.
	if r.start == 0 {
		return
	}
	var kept int64
	for _, b := range r.batches {
		if b.offset < 0 || b.offset >= r.start {
			kept += int64(len(b.Raw))
		}
	}
	if kept < RetentionBytes {
		r.v.wrong("%s: retention removed up to %d and left %d bytes", r.tp, r.start, kept)
	}
}

// repeat sends the newest acknowledged batch of each producer again.
func (r *reader) repeat(c *Conn) {
	newest := map[int64]*batchState{}
	for _, b := range r.batches {
		newest[b.Producer] = b
	}
	for _, b := range newest {
		if b.offset < 0 || b.refused {
			continue
		}
		off, err := c.Produce(r.tp.Topic, r.tp.Partition, bytes.Clone(b.Raw))
		if err != nil || off != b.offset {
			r.v.wrong("%s: a repeated batch of producer %d, sequence %d, acknowledged at %d, is answered with %d, %v",
				r.tp, b.Producer, b.Sequence, b.offset, off, err)
		}
	}
	if end, err := c.Offset(r.tp.Topic, r.tp.Partition, Latest); err != nil || end != r.end {
		r.v.wrong("%s: the log ended at %d, after repeated batches at %d, %v", r.tp, r.end, end, err)
	}
}

// commits checks the groups' offsets.
func (v *Verdict) commits(c *Conn, st *state) {
	for p, want := range st.commits {
		got, err := c.Committed(p.group, p.topic, p.partition)
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition) && want.promised < 0:
		case err != nil:
			v.Missing[base.TopicPartition{Topic: base.GroupMetadataTopic, Partition: -1}] = err
		case got < want.promised || got > want.asked:
			v.wrong("group %s committed %d of %s-%d, was promised %d, asked for at most %d",
				p.group, got, p.topic, p.partition, want.promised, want.asked)
		}
	}
}
