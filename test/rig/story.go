package rig

import (
	"slices"
	"sync"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// Policy is how a topic gets rid of records.
type Policy int

// The policies. Keep never removes anything but by DeleteRecords.
const (
	Keep Policy = iota
	RetainBytes
	Compact
)

// Topic is one life of a topic name.
type Topic struct {
	Name       string
	Partitions int32
	Policy     Policy
	Configs    map[string]string
}

// Batch is what a producer sends at once; it never changes.
type Batch struct {
	Topic     *Topic
	Partition int32
	Producer  int64 // its id
	Sequence  int32
	Timestamp int64
	Records   []Record // without offsets
	Raw       []byte
}

// place is where a group commits or somebody cuts.
type place struct {
	group, topic string
	partition    int32
}

type kind int

const (
	sent kind = iota
	acked
	refused // with an error that says it was not appended
	creating
	created
	deleting
	deleted
	committing
	committed
	cutting
	cut
)

type event struct {
	kind   kind
	batch  *Batch
	topic  *Topic
	id     base.UUID
	place  place
	offset int64
}

// Story is what was asked for and what was promised, in the order in which
// clients learnt it.
type Story struct {
	mu     sync.Mutex
	events []event
}

// Moment is everything that was asked and promised up to some instant.
type Moment []event

func (s *Story) add(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// Now is everything so far.
func (s *Story) Now() Moment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.events)
}

// Freeze takes a crash clone at one instant of the story: no request is made
// and no promise is heard while it is taken.
func (s *Story) Freeze(m *vfs.Mem, o vfs.CrashOptions) (*vfs.Mem, Moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.CrashClone(o), slices.Clip(s.events)
}

// Rewind makes the story go on from a moment: what came after it happened to a
// disk that is given up.
func (s *Story) Rewind(m Moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = slices.Clip([]event(m))
}

// batchState is what is known of a batch; offset is -1 until acknowledged.
type batchState struct {
	*Batch
	offset  int64
	refused bool
}

// topicState is what is known of a topic.
type topicState struct {
	*Topic
	id                         base.UUID
	created, deleting, deleted bool
	parts                      [][]*batchState
}

// bounds are the largest value promised and the largest asked for.
type bounds struct{ promised, asked int64 }

// state is a story told to its end.
type state struct {
	topics  []*topicState
	of      map[*Topic]*topicState
	byBatch map[*Batch]*batchState
	commits map[place]*bounds
	cuts    map[place]*bounds
}

// Tell works out what a moment promises.
func (m Moment) tell() *state {
	st := &state{
		of: map[*Topic]*topicState{}, byBatch: map[*Batch]*batchState{}, commits: map[place]*bounds{}, cuts: map[place]*bounds{},
	}
	for _, e := range m {
		st.take(e)
	}
	return st
}

func (st *state) take(e event) {
	switch e.kind {
	case sent:
		b := &batchState{Batch: e.batch, offset: -1}
		st.byBatch[e.batch] = b
		t := st.of[e.batch.Topic]
		t.parts[e.batch.Partition] = append(t.parts[e.batch.Partition], b)
	case acked:
		st.byBatch[e.batch].offset = e.offset
	case refused:
		st.byBatch[e.batch].refused = true
	case creating:
		t := &topicState{Topic: e.topic, parts: make([][]*batchState, e.topic.Partitions)}
		st.topics = append(st.topics, t)
		st.of[e.topic] = t
		for p := range e.topic.Partitions {
			delete(st.cuts, place{topic: e.topic.Name, partition: p})
		}
	case created:
		st.of[e.topic].created, st.of[e.topic].id = true, e.id
	case deleting:
		st.of[e.topic].deleting = true
	case deleted:
		st.of[e.topic].deleted = true
	case committing:
		at(st.commits, e.place).asked = e.offset
	case committed:
		at(st.commits, e.place).promised = e.offset
	case cutting:
		b := at(st.cuts, e.place)
		b.asked = max(b.asked, e.offset)
	case cut:
		b := at(st.cuts, e.place)
		b.promised = max(b.promised, e.offset)
	}
}

func at(m map[place]*bounds, p place) *bounds {
	b := m[p]
	if b == nil {
		b = &bounds{promised: -1, asked: -1}
		m[p] = b
	}
	return b
}

// Tally counts what a moment promises: topics created, records acknowledged,
// offsets committed.
func (m Moment) Tally() (topics, records, commits int) {
	for _, e := range m {
		switch e.kind {
		case created:
			topics++
		case acked:
			records += len(e.batch.Records)
		case committed:
			commits++
		}
	}
	return topics, records, commits
}
