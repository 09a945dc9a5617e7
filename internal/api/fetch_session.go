package api

import (
	"container/list"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
)

// fetchKey names a partition as the client does: by topic name up to v12, by
// topic id from v13 on. The other field is zero.
type fetchKey struct {
	topic     string
	id        base.UUID
	partition int32
}

// fetchTarget is what a client wants of one partition.
type fetchTarget struct {
	fetchKey
	offset       int64
	maxBytes     int32
	currentEpoch int32
	lastEpoch    int32
}

func (t *fetchTarget) sameTopic(o *fetchTarget) bool { return t.id == o.id && t.topic == o.topic }

// Fetch sessions (KIP-227): the broker remembers a consumer's partitions and
// offsets, so that a request names only what changed and an answer only what is
// new. A session belongs to one principal and moves through epochs 1, 2, 3 …;
// a request with any other epoch than the next one is refused, and the client
// starts over with a full fetch.
const (
	noSession         int32 = 0
	initialEpoch      int32 = 0  // full fetch, please open a session
	finalEpoch        int32 = -1 // full fetch, close the session if there is one
	sessionEvictAfter       = 2 * time.Minute
)

// maxCachedPartitions bounds the memory of all sessions together (about 250
// bytes each). Beyond it clients simply get no session.
const maxCachedPartitions = 500_000

func nextEpoch(epoch int32) int32 {
	switch {
	case epoch < 0:
		return finalEpoch
	case epoch == math.MaxInt32:
		return 1
	}
	return epoch + 1
}

// cachedPartition is what a session knows of one partition: the client's last
// wishes, and what it was last told.
type cachedPartition struct {
	fetchTarget
	highWatermark int64
	logStart      int64
}

// session is one incremental fetch session. The order of parts is the order of
// answering: a partition that gave data goes to the end, so that a busy one
// can't starve the others when the byte limit is reached.
type session struct {
	id        int32
	principal string
	byID      bool

	mu    sync.Mutex
	epoch int32
	poll  *base.Notifier // of the request that waits for the next epoch, if any
	order *list.List     // of *cachedPartition
	parts map[fetchKey]*list.Element

	// Guarded by the cache's lock.
	created, used time.Time
	size          int
}

// update merges a request into the session.
func (s *session) update(targets []fetchTarget, forgotten []fetchKey) {
	for _, t := range targets {
		if e := s.parts[t.fetchKey]; e != nil {
			e.Value.(*cachedPartition).fetchTarget = t
			continue
		}
		s.add(t, -1, -1)
	}
	for _, k := range forgotten {
		if e := s.parts[k]; e != nil {
			s.order.Remove(e)
			delete(s.parts, k)
		}
	}
}

func (s *session) add(t fetchTarget, highWatermark, logStart int64) {
	s.parts[t.fetchKey] = s.order.PushBack(&cachedPartition{fetchTarget: t, highWatermark: highWatermark, logStart: logStart})
}

// targets copies the session's partitions in order.
func (s *session) targets() []fetchTarget {
	out := make([]fetchTarget, 0, len(s.parts))
	for e := s.order.Front(); e != nil; e = e.Next() {
		out = append(out, e.Value.(*cachedPartition).fetchTarget)
	}
	return out
}

// await has n notified when another request moves the session on from epoch, and
// tells whether none has.
func (s *session) await(n *base.Notifier, epoch int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return false
	}
	s.poll = n
	return true
}

// endPoll wakes a request that waits although its client has sent the next one,
// so that it does not hold its partitions until its time is up. s.mu is held.
func (s *session) endPoll() {
	if s.poll != nil {
		s.poll.Notify()
		s.poll = nil
	}
}

// told decides for each result whether the client must hear it, and remembers
// what it will then know; an error leaves a high watermark of -1 behind, so that
// its end is news. epoch is the one this request moved the session to;
// false means that another request has moved it since.
func (s *session) told(results []fetchResult, epoch int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return false
	}
	s.poll = nil
	for i := range results {
		r := &results[i]
		e := s.parts[r.fetchKey]
		if e == nil {
			continue
		}
		c := e.Value.(*cachedPartition)
		r.omit = r.err == nil && r.read.Bytes == 0 && r.read.Diverging == nil &&
			c.highWatermark == r.read.HighWatermark && c.logStart == r.read.LogStart
		c.highWatermark, c.logStart = r.read.HighWatermark, r.read.LogStart
		if r.read.Bytes > 0 {
			s.order.MoveToBack(e)
		}
	}
	return true
}

// sessionCache is all sessions of a broker. Locks are taken in the order cache,
// session.
type sessionCache struct {
	slots         int
	maxPartitions int
	now           func() time.Time

	mu         sync.Mutex
	byID       map[int32]*session
	partitions int
}

func newSessionCache(slots, maxPartitions int, now func() time.Time) *sessionCache {
	return &sessionCache{slots: slots, maxPartitions: maxPartitions, now: now, byID: make(map[int32]*session)}
}

// drop forgets a session, if the principal has it.
func (c *sessionCache) drop(id int32, principal string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.byID[id]; s != nil && s.principal == principal {
		c.remove(s)
	}
}

func (c *sessionCache) remove(s *session) {
	delete(c.byID, s.id)
	c.partitions -= s.size
}

// sessionRequest is the session part of a Fetch request.
type sessionRequest struct {
	id, epoch int32
	principal string
	byID      bool
	targets   []fetchTarget
	forgotten []fetchKey
}

// advance applies an incremental request and returns the session with all its
// partitions. A session that has no partition left is closed: nil without error.
func (c *sessionCache) advance(r sessionRequest) (*session, []fetchTarget, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.byID[r.id]
	if s == nil || s.principal != r.principal {
		return nil, nil, kerr.FetchSessionIDNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.epoch != r.epoch:
		return nil, nil, kerr.InvalidFetchSessionEpoch
	case s.byID != r.byID:
		return nil, nil, kerr.FetchSessionTopicIDError
	}
	s.update(r.targets, r.forgotten)
	c.partitions += len(s.parts) - s.size
	s.size = len(s.parts)
	switch {
	case s.size == 0:
		c.remove(s)
		return nil, withoutDuplicates(r.targets), nil
	case c.partitions > c.maxPartitions:
		c.remove(s)
		return nil, nil, kerr.FetchSessionIDNotFound
	}
	s.used = c.now()
	s.epoch = nextEpoch(s.epoch)
	s.endPoll()
	return s, s.targets(), nil
}

// open makes a session of a full fetch's results and returns its id, or
// noSession when the cache is full of sessions that are worth more.
func (c *sessionCache) open(principal string, byID bool, results []fetchResult) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.makeRoom(len(results)) {
		return noSession
	}
	now := c.now()
	s := &session{
		id: c.freeID(), principal: principal, byID: byID, epoch: nextEpoch(initialEpoch),
		order: list.New(), parts: make(map[fetchKey]*list.Element, len(results)), created: now, used: now,
	}
	for i := range results {
		s.add(results[i].fetchTarget, results[i].read.HighWatermark, results[i].read.LogStart)
	}
	s.size = len(s.parts)
	c.byID[s.id] = s
	c.partitions += s.size
	return s.id
}

// makeRoom evicts, when all slots are taken, the session that was not used for
// longest if it is stale, else the smallest long-lived one if the new one has
// more partitions and so saves more.
func (c *sessionCache) makeRoom(size int) bool {
	if c.slots <= 0 || c.partitions+size > c.maxPartitions {
		return false
	}
	if len(c.byID) < c.slots {
		return true
	}
	now := c.now()
	var stalest, smallest *session
	for _, s := range c.byID {
		if stalest == nil || s.used.Before(stalest.used) {
			stalest = s
		}
		if now.Sub(s.created) > sessionEvictAfter && (smallest == nil || s.size < smallest.size) {
			smallest = s
		}
	}
	switch {
	case now.Sub(stalest.used) > sessionEvictAfter:
		c.remove(stalest)
	case smallest != nil && smallest.size < size:
		c.remove(smallest)
	default:
		return false
	}
	return true
}

func (c *sessionCache) freeID() int32 {
	for {
		id := rand.Int32N(math.MaxInt32)
		if id != noSession && c.byID[id] == nil {
			return id
		}
	}
}

// Len and Partitions are for metrics and tests.
func (c *sessionCache) counts() (sessions, partitions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID), c.partitions
}
