package gomatrix

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// commits reads seven records, commits, and asks the broker what it has; then a
// new member must go on there.
func commits(async bool) func(*suite, context.Context) error {
	id := map[bool]string{false: "commit-sync", true: "commit-async"}[async]
	return func(s *suite, ctx context.Context) error {
		topic, _, err := s.seekTopic(ctx, id)
		if err != nil {
			return err
		}
		group := s.name(id)
		if err := s.commitSeven(ctx, group, topic, GroupOptions{Async: async}); err != nil {
			return err
		}
		return s.startsAt(ctx, group, topic, GroupOptions{}, 7)
	}
}

func (s *suite) commitSeven(ctx context.Context, group, topic string, o GroupOptions) (err error) {
	m, err := s.Groups.Join(ctx, group, topic, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	var last Record
	for i := range 7 {
		if last, err = m.Next(ctx); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	if err := m.Commit(ctx, last); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	has := func() error {
		at, err := s.Groups.Committed(ctx, group, topic)
		if err == nil && at[0] != 7 {
			err = fmt.Errorf("the broker has the commits %v, want 7", at)
		}
		return err
	}
	if o.Async {
		return until(ctx, has)
	}
	return has()
}

// startsAt joins and wants this offset first.
func (s *suite) startsAt(ctx context.Context, group, topic string, o GroupOptions, offset int64) (err error) {
	m, err := s.Groups.Join(ctx, group, topic, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return expect(ctx, m, offset)
}

func (s *suite) resetEarliest(ctx context.Context) error {
	topic, _, err := s.seekTopic(ctx, "reset-earliest")
	if err != nil {
		return err
	}
	return s.startsAt(ctx, s.name("reset-earliest"), topic, GroupOptions{}, 0)
}

func (s *suite) resetLatest(ctx context.Context) (err error) {
	topic, _, err := s.seekTopic(ctx, "reset-latest")
	if err != nil {
		return err
	}
	m, err := s.Groups.Join(ctx, s.name("reset-latest"), topic, GroupOptions{Latest: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return s.onlyNew(ctx, topic, m)
}

// listGroups wants a group with a member to be stable, and without one empty.
func (s *suite) listGroups(ctx context.Context) error {
	topic, _, err := s.seekTopic(ctx, "list-groups")
	if err != nil {
		return err
	}
	group := s.name("list-groups")
	m, err := s.Groups.Join(ctx, group, topic, GroupOptions{})
	if err != nil {
		return err
	}
	state := func(want string) error {
		return until(ctx, func() error {
			states, err := s.Groups.States(ctx)
			if err == nil && states[group] != want {
				err = fmt.Errorf("the group is in state %q, want %s", states[group], want)
			}
			return err
		})
	}
	r, err := m.Next(ctx)
	if err == nil {
		err = m.Commit(ctx, r) // without one an empty group is forgotten
	}
	if err = errors.Join(err, state("Stable"), m.Close()); err != nil {
		return err
	}
	return state("Empty")
}

const shared = 4 // partitions of the topic of two members

// sightings are who saw which round of records last, by partition.
type sightings struct {
	mu sync.Mutex
	by map[string][shared]string // value → member, by partition
}

func (g *sightings) saw(member string, r Record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	row := g.by[string(r.Value)]
	row[r.Partition] = member
	g.by[string(r.Value)] = row
}

// of counts whose hands the partitions of a round went through.
func (g *sightings) of(round int) (members map[string]int, unseen int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	members = map[string]int{}
	for _, m := range g.by[fmt.Sprint(round)] {
		if m == "" {
			unseen++
			continue
		}
		members[m]++
	}
	return members, unseen
}

// follow reads as a member until it is closed.
func (g *sightings) follow(ctx context.Context, name string, m Member) {
	for {
		r, err := m.Next(ctx)
		if err != nil {
			return // closed; a member that stops early is seen by what it misses
		}
		g.saw(name, r)
		// When the partition has moved on in between, another member reads it again.
		_ = m.Commit(ctx, r)
	}
}

// groupRebalance: rounds of one record a partition show who owns what. One member
// alone gets all of a round, two share one, and the one that stays gets all again.
func (s *suite) groupRebalance(ctx context.Context) (err error) {
	topic, err := s.topic(ctx, "group-rebalance", shared)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := &sightings{by: map[string][shared]string{}}
	var following sync.WaitGroup
	join := func(name string) (Member, error) {
		m, err := s.Groups.Join(ctx, s.name("group-rebalance"), topic, GroupOptions{})
		if err == nil {
			following.Go(func() { g.follow(ctx, name, m) })
		}
		return m, err
	}
	round := 0
	stage := func(want map[string]int) error {
		seen, err := s.roundsUntil(ctx, topic, &round, g, want)
		if err != nil {
			return fmt.Errorf("waiting for a round to go to %v: %w; the last went to %v", want, err, seen)
		}
		return nil
	}
	a, err := join("a")
	if err != nil {
		return err
	}
	if err := stage(map[string]int{"a": shared}); err != nil {
		return errors.Join(err, a.Close())
	}
	b, err := join("b")
	if err != nil {
		return errors.Join(err, a.Close())
	}
	err = stage(map[string]int{"a": shared / 2, "b": shared / 2})
	if err = errors.Join(err, a.Close()); err == nil {
		err = stage(map[string]int{"b": shared})
	}
	err = errors.Join(err, s.allSeen(g, round, err))
	cancel()
	err = errors.Join(err, b.Close())
	following.Wait()
	return err
}

// roundsUntil sends rounds until one is shared as wanted.
func (s *suite) roundsUntil(ctx context.Context, topic string, round *int, g *sightings, want map[string]int) (seen map[string]int, err error) {
	for {
		*round++
		records := make([]Record, shared)
		for p := range records {
			records[p] = Record{Partition: int32(p), Value: fmt.Append(nil, *round)}
		}
		if err := s.Producer.Produce(ctx, How{Codec: "none", Acks: -1}, topic, records); err != nil {
			return seen, err
		}
		// A member that is slow, or is joining, gets its time: rounds must not pile up.
		for range 150 {
			var unseen int
			if seen, unseen = g.of(*round); unseen == 0 {
				break
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return seen, ctx.Err()
			}
		}
		if fmt.Sprint(seen) == fmt.Sprint(want) {
			return seen, nil
		}
	}
}

// allSeen wants every record of every round to have reached somebody.
func (s *suite) allSeen(g *sightings, rounds int, before error) error {
	if before != nil {
		return nil
	}
	for i := 1; i <= rounds; i++ {
		if _, unseen := g.of(i); unseen > 0 {
			return fmt.Errorf("%d records of round %d of %d reached nobody", unseen, i, rounds)
		}
	}
	return nil
}
