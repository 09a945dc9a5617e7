package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/record"
)

// RetentionBytes is what topics of policy RetainBytes keep.
const RetentionBytes = 6000

// Crew is a workload over one story. It can go on after a crash.
type Crew struct {
	Story *Story
	// Producers is how many there are, at most 9.
	Producers int
	// Tolerant crews stop at an error without reporting it: a fault was injected.
	Tolerant bool

	seed   uint64
	lives  uint64
	clock  atomic.Int64 // of record timestamps
	serial atomic.Int64 // of records
	topics []*Topic
	pids   []int64

	mu   sync.Mutex
	errs []error
}

// NewCrew returns a crew that makes the same choices for the same seed, as far
// as the scheduler allows.
func NewCrew(seed uint64) *Crew {
	c := &Crew{Story: &Story{}, Producers: 3, seed: seed}
	c.clock.Store(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	// Record timestamps advance by 100 ms per batch, so these roll every few.
	roll := map[string]string{"segment.ms": "800", "retention.ms": "-1"}
	with := func(more ...string) map[string]string {
		m := map[string]string{}
		for k, v := range roll {
			m[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	c.topics = []*Topic{
		{Name: "keep", Partitions: 2, Configs: with()},
		{Name: "short", Partitions: 1, Policy: RetainBytes, Configs: with("retention.bytes", fmt.Sprint(RetentionBytes))},
		{Name: "final", Partitions: 1, Policy: Compact, Configs: with("cleanup.policy", "compact", "delete.retention.ms", "86400000")},
		{Name: "cuts", Partitions: 1, Configs: with("compression.type", "zstd")},
	}
	return c
}

// Errs are the unexpected errors so far.
func (c *Crew) Errs() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.errs)
}

func (c *Crew) report(what string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, fmt.Errorf("%s: %w", what, err))
}

// Prepare creates the topics and producers.
func (c *Crew) Prepare(b *Broker) error {
	conn, err := b.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.Patience = c.patience()
	for _, t := range c.topics {
		if err := c.create(conn, t); err != nil {
			return fmt.Errorf("create %s: %w", t.Name, err)
		}
	}
	for range c.Producers {
		pid, err := conn.ProducerID()
		if err != nil {
			return fmt.Errorf("producer id: %w", err)
		}
		c.pids = append(c.pids, pid)
	}
	if err := conn.FindCoordinator("g0"); err != nil {
		return fmt.Errorf("coordinator: %w", err)
	}
	return conn.untilReady(func() error { return c.commit(conn, "g0", 0) })
}

func (c *Crew) patience() time.Duration {
	if c.Tolerant {
		return 0
	}
	return patience
}

func (c *Crew) create(conn *Conn, t *Topic) error {
	c.Story.add(event{kind: creating, topic: t})
	id, err := conn.CreateTopic(t.Name, t.Partitions, t.Configs)
	if err == nil {
		c.Story.add(event{kind: created, topic: t, id: id})
	}
	return err
}

// Run works until ctx ends, or until something fails.
func (c *Crew) Run(ctx context.Context, b *Broker) {
	c.lives++
	st := c.Story.Now().tell()
	var wg sync.WaitGroup
	work := func(name string, n int, f func(*actor) error) {
		wg.Go(func() {
			conn, err := b.Dial()
			if err == nil {
				defer conn.Close()
				conn.Patience = c.patience()
				err = f(&actor{
					Crew: c, ctx: ctx, conn: conn, st: st,
					rng: rand.New(rand.NewPCG(c.seed+c.lives<<32, uint64(n))),
				})
			}
			if err != nil && ctx.Err() == nil && !c.Tolerant {
				c.report(name, err)
			}
		})
	}
	for i, pid := range c.pids {
		work("producer", i, func(a *actor) error { return a.produce(pid) })
	}
	work("committer", 100, (*actor).committer)
	work("churner", 101, (*actor).churner)
	work("cutter", 102, (*actor).cutter)
	wg.Wait()
}

// actor is one client at work.
type actor struct {
	*Crew
	ctx  context.Context
	conn *Conn
	st   *state // the story when this life began
	rng  *rand.Rand
}

// produce first repeats what has no known outcome, then sends more.
func (a *actor) produce(pid int64) error {
	type stream struct {
		t *Topic
		p int32
	}
	next := map[stream]int32{}
	for _, t := range a.topics {
		for p, batches := range a.st.of[t].parts {
			for _, b := range batches {
				if b.Producer != pid {
					continue
				}
				next[stream{t, int32(p)}] = b.Sequence + int32(len(b.Records))
				if b.offset < 0 && !b.refused {
					if err := a.send(b.Batch); err != nil {
						return err
					}
				}
			}
		}
	}
	for a.ctx.Err() == nil {
		t := a.topics[a.rng.IntN(len(a.topics))]
		s := stream{t, a.rng.Int32N(t.Partitions)}
		b := a.batch(t, s.p, pid, next[s])
		next[s] += int32(len(b.Records))
		a.Story.add(event{kind: sent, batch: b})
		if err := a.send(b); err != nil {
			return err
		}
		if a.rng.IntN(20) == 0 {
			if err := a.send(b); err != nil { // as if the answer had been lost
				return err
			}
		}
	}
	return nil
}

func (a *actor) send(b *Batch) error {
	off, err := a.conn.Produce(b.Topic.Name, b.Partition, bytes.Clone(b.Raw))
	if err != nil {
		return fmt.Errorf("%s-%d, producer %d, sequence %d: %w", b.Topic.Name, b.Partition, b.Producer, b.Sequence, err)
	}
	a.Story.add(event{kind: acked, batch: b, offset: off})
	return nil
}

func (a *actor) batch(t *Topic, p int32, pid int64, seq int32) *Batch {
	b := &Batch{Topic: t, Partition: p, Producer: pid, Sequence: seq, Timestamp: a.clock.Add(100)}
	builder := record.NewBuilder(record.BuilderOptions{
		Idempotent: true, ProducerID: pid, BaseSequence: seq, Codec: record.Codec(a.rng.IntN(5)),
	})
	for range 1 + a.rng.IntN(4) {
		n := a.serial.Add(1)
		r := Record{ID: fmt.Sprintf("%s-%d", t.Name, n), Timestamp: b.Timestamp}
		if t.Policy == Compact || a.rng.IntN(2) == 0 {
			r.Key = fmt.Appendf(nil, "key-%d", a.rng.IntN(6))
		}
		if a.rng.IntN(8) > 0 || t.Policy != Compact {
			r.Value = []byte(strings.Repeat(r.ID+" ", a.size()))
		}
		b.Records = append(b.Records, r)
		builder.Append(r.Timestamp, r.Key, r.Value, record.Header{Key: "id", Value: []byte(r.ID)})
	}
	b.Raw = builder.Build()
	return b
}

// size is a number of repetitions: mostly small, sometimes several sectors.
func (a *actor) size() int {
	if a.rng.IntN(10) == 0 {
		return 100 + a.rng.IntN(200)
	}
	return a.rng.IntN(20)
}

func (c *Crew) commit(conn *Conn, group string, offset int64) error {
	p := place{group, "keep", 0}
	c.Story.add(event{kind: committing, place: p, offset: offset})
	err := conn.Commit(group, "keep", 0, offset)
	if err == nil {
		c.Story.add(event{kind: committed, place: p, offset: offset})
	}
	return err
}

// committer commits ever larger offsets of two groups.
func (a *actor) committer() error {
	for a.ctx.Err() == nil {
		group := fmt.Sprintf("g%d", a.rng.IntN(2))
		next := at(a.st.commits, place{group, "keep", 0})
		next.asked++
		err := a.conn.untilReady(func() error { return a.commit(a.conn, group, next.asked) })
		if err != nil {
			return err
		}
	}
	return nil
}

// churner creates topics under a few names, writes to them and deletes them.
func (a *actor) churner() error {
	live := map[string]*topicState{}
	for _, t := range a.st.topics {
		if t.Policy == Keep && strings.HasPrefix(t.Name, "churn") {
			live[t.Name] = t
		}
	}
	for n := uint64(0); a.ctx.Err() == nil; n++ {
		name := fmt.Sprintf("churn-%d", a.rng.IntN(2))
		var err error
		if t := live[name]; t != nil && !t.deleted {
			err = a.finish(t)
		} else {
			live[name], err = a.begin(name, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *actor) begin(name string, n uint64) (*topicState, error) {
	t := &Topic{Name: name, Partitions: 1 + a.rng.Int32N(2), Configs: map[string]string{"segment.ms": "800", "retention.ms": "-1"}}
	st := &topicState{Topic: t}
	if err := a.create(a.conn, t); err != nil {
		return st, fmt.Errorf("create %s: %w", name, err)
	}
	st.created = true
	ids, err := topicIDs(a.conn)
	if err != nil {
		return st, err
	}
	st.id = ids[name]
	// A producer of its own per topic; the id only has to be unused there.
	for seq := int32(0); seq < 3; {
		b := a.batch(t, 0, int64(1_000_000+a.lives<<20+n), seq)
		seq += int32(len(b.Records))
		a.Story.add(event{kind: sent, batch: b})
		if err := a.send(b); err != nil {
			return st, err
		}
	}
	if a.rng.IntN(2) == 0 {
		return st, a.cut(place{topic: name}, 2)
	}
	return st, nil
}

// finish deletes a topic. One whose creation has no known outcome may not exist,
// or exist under an id that nobody was told.
func (a *actor) finish(t *topicState) error {
	ids, err := topicIDs(a.conn)
	if err != nil {
		return err
	}
	id, there := ids[t.Name]
	if there && !t.created {
		a.Story.add(event{kind: created, topic: t.Topic, id: id})
		t.created = true
	}
	if there {
		a.Story.add(event{kind: deleting, topic: t.Topic})
		if err := a.conn.DeleteTopic(id); err != nil && !errors.Is(err, kerr.UnknownTopicID) {
			return fmt.Errorf("delete %s: %w", t.Name, err)
		}
	}
	a.Story.add(event{kind: deleted, topic: t.Topic})
	t.deleted = true
	return nil
}

// cutter deletes records from the beginning of a log.
func (a *actor) cutter() error {
	p := place{topic: "cuts"}
	for a.ctx.Err() == nil {
		end, err := a.conn.Offset(p.topic, p.partition, Latest)
		if err != nil {
			return err
		}
		start, err := a.conn.Offset(p.topic, p.partition, Earliest)
		if err != nil {
			return err
		}
		if end-start < 30 {
			if _, err := a.conn.Metadata("cuts"); err != nil {
				return err
			}
			continue
		}
		to := start + a.rng.Int64N(end-start)
		if err := a.cut(p, to); err != nil {
			return fmt.Errorf("of [%d, %d): %w", start, end, err)
		}
	}
	return nil
}

func (a *actor) cut(p place, to int64) error {
	a.Story.add(event{kind: cutting, place: p, offset: to})
	if _, err := a.conn.DeleteRecords(p.topic, p.partition, to); err != nil {
		return fmt.Errorf("delete records of %s up to %d: %w", p.topic, to, err)
	}
	a.Story.add(event{kind: cut, place: p, offset: to})
	return nil
}
