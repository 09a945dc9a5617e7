package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fetch (key 1, v4–v18) reads committed record batches.
//
//   - Answers at once when min_bytes are there, when a partition has an error or
//     the client must truncate, or when max_wait_ms is 0; otherwise waits for
//     the high watermark of any partition to move.
//   - The total is capped at the smaller of max_bytes and the broker's
//     fetch.max.bytes, each partition at partition_max_bytes; the first batch of
//     the first partition that has data is sent whole even if it is larger.
//   - v7+ incremental sessions (KIP-227), see fetch_session.go. v9+ checks the
//     leader epoch, v12+ the epoch of the last record (diverging epoch), v13+
//     names topics by id, v16+ tells who leads now.
//   - A partition that is named twice is read once, as the last mention says.
//   - aborted_transactions is null for read_uncommitted. The preferred read
//     replica (v11+) is always -1.
//   - Batches go out as they are stored, zstd to v4–v9 too: Kafka stopped
//     looking at them when it gave up down-conversion.
//   - replica_id ≥ 0 needs ClusterAction and is then NOT_LEADER_OR_FOLLOWER:
//     one node has no followers, and a client can't become one by saying so.
//   - While the answers of all consumers hold much of milena.fetch.memory.bytes,
//     each gets less than it asked for, but always something.
func handleFetch(a *API, _ context.Context, r *Request) (reply Reply) {
	req := decode[kmsg.FetchRequest](a, r)
	if req == nil {
		return Reply{Close: true}
	}
	f := newFetch(a, r, req)
	defer func() {
		if reply.Now == nil && reply.Wait == nil { // it panicked
			f.release()
		}
	}()
	if err := f.begin(req); err != nil {
		code := a.code(err)
		a.countError(r.Key, code)
		return Reply{Now: &fetchResponse{version: r.Version, err: code}}
	}
	if f.readAll() || f.maxWait <= 0 {
		return Reply{Now: f.finish()}
	}
	return Reply{Wait: f.wait, Detached: true}
}

const (
	keyFetch = 1

	fetchFlexible   = 12
	fetchByID       = 13
	fetchReplicaTag = 15 // replica id moved into a tagged struct
	fetchLeaderInfo = 16
)

// fetch is one request on its way.
type fetch struct {
	api       *API
	conn      *Conn
	version   int16
	follower  bool // the client claims to be a replica
	committed bool
	minBytes  int
	maxBytes  int
	maxWait   time.Duration

	// session is set for an incremental fetch, openSession for a full fetch
	// whose client wants one; epoch is what the request moved the session to.
	session     *session
	openSession bool
	epoch       int32

	results []fetchResult
	held    int64 // bytes of the results, taken from API.fetched
}

// A fetch of very many partitions takes memory while it waits, so it may not
// wait for as long as its client likes.
const (
	manyPartitions = 256
	longestWait    = 30 * time.Second
)

func newFetch(a *API, r *Request, req *kmsg.FetchRequest) *fetch {
	replica := req.ReplicaID
	if r.Version >= fetchReplicaTag {
		replica = req.ReplicaState.ID
	}
	maxBytes := min(int(req.MaxBytes), a.cfg.Broker().Int("fetch.max.bytes"))
	return &fetch{
		api: a, conn: r.Conn, version: r.Version,
		follower: replica >= 0, committed: req.IsolationLevel == 1,
		minBytes: min(int(req.MinBytes), maxBytes), maxBytes: maxBytes,
		maxWait: time.Duration(req.MaxWaitMillis) * time.Millisecond,
	}
}

// begin finds the partitions to read: the request's, or the session's.
func (f *fetch) begin(req *kmsg.FetchRequest) error {
	targets, forgotten := fetchTargets(req), fetchForgotten(req)
	full := req.SessionEpoch == initialEpoch || req.SessionEpoch == finalEpoch
	if full {
		if req.SessionID != noSession {
			f.api.sessions.drop(req.SessionID, f.conn.Principal)
		}
		f.openSession = req.SessionEpoch == initialEpoch && f.version >= 7
		targets = withoutDuplicates(targets)
	} else {
		var err error
		f.session, targets, err = f.api.sessions.advance(sessionRequest{
			id: req.SessionID, epoch: req.SessionEpoch, principal: f.conn.Principal,
			byID: f.version >= fetchByID, targets: targets, forgotten: forgotten,
		})
		if err != nil {
			return err
		}
		f.epoch = nextEpoch(req.SessionEpoch)
	}
	if len(targets) > manyPartitions {
		f.maxWait = min(f.maxWait, longestWait)
	}
	f.results = make([]fetchResult, len(targets))
	for i, t := range targets {
		f.results[i].fetchTarget = t
	}
	return nil
}

func fetchTargets(req *kmsg.FetchRequest) []fetchTarget {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	targets := make([]fetchTarget, 0, n)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			targets = append(targets, fetchTarget{
				fetchKey: fetchKey{topic: t.Topic, id: t.TopicID, partition: p.Partition},
				offset:   p.FetchOffset, maxBytes: p.PartitionMaxBytes,
				currentEpoch: p.CurrentLeaderEpoch, lastEpoch: p.LastFetchedEpoch,
			})
		}
	}
	return targets
}

func fetchForgotten(req *kmsg.FetchRequest) []fetchKey {
	var keys []fetchKey
	for _, t := range req.ForgottenTopics {
		for _, p := range t.Partitions {
			keys = append(keys, fetchKey{topic: t.Topic, id: t.TopicID, partition: p})
		}
	}
	return keys
}

// withoutDuplicates keeps the last wish for each partition, at its first place.
func withoutDuplicates(targets []fetchTarget) []fetchTarget {
	if distinct(targets) {
		return targets
	}
	at := make(map[fetchKey]int, len(targets))
	out := targets[:0]
	for _, t := range targets {
		if i, seen := at[t.fetchKey]; seen {
			out[i] = t
			continue
		}
		at[t.fetchKey] = len(out)
		out = append(out, t)
	}
	return out
}

// distinctTopics is up to how many topics are compared with each other.
const distinctTopics = 16

// distinct tells of what most clients send that it names nothing twice: a few
// topics, each once, with their partitions in order.
func distinct(targets []fetchTarget) bool {
	var topics [distinctTopics]int // where each begins
	n := 0
	for i := range targets {
		if i > 0 && targets[i-1].sameTopic(&targets[i]) {
			if targets[i-1].partition >= targets[i].partition {
				return false
			}
			continue
		}
		if n == len(topics) {
			return false
		}
		for _, begin := range topics[:n] {
			if targets[begin].sameTopic(&targets[i]) {
				return false
			}
		}
		topics[n] = i
		n++
	}
	return true
}

// finish settles the session and makes the answer of the last read.
func (f *fetch) finish() Response {
	resp := &fetchResponse{version: f.version, committed: f.committed, results: f.results}
	switch {
	case f.openSession:
		resp.sessionID = f.api.sessions.open(f.conn.Principal, f.version >= fetchByID, f.results)
	case f.session != nil:
		resp.sessionID = f.session.id
		if !f.session.told(f.results, f.epoch) {
			resp.err, resp.results = kerr.InvalidFetchSessionEpoch, nil
			f.api.countError(keyFetch, resp.err)
			f.release()
			return resp
		}
	}
	if f.version >= fetchLeaderInfo {
		f.nameLeaders(resp)
	}
	for i := range f.results {
		r := &f.results[i]
		f.api.countError(keyFetch, r.err)
		if r.read.Bytes > 0 {
			r.on.Delivered(r.read.Bytes)
		}
	}
	resp.memory, resp.held, f.held = &f.api.fetched, f.held, 0 // the answer's to release now
	return resp
}

// release gives back what the results hold.
func (f *fetch) release() {
	f.api.fetched.add(-f.held)
	f.held = 0
	releaseAll(f.results)
}

// releaseAll ends the leases of what was read, which is gone then.
func releaseAll(results []fetchResult) {
	for i := range results {
		if r := &results[i]; r.read.Lease != nil {
			r.read.Lease.Release()
			r.read.Lease, r.read.Data = nil, nil
		}
	}
}

// nameLeaders adds where to go instead (KIP-951).
func (f *fetch) nameLeaders(resp *fetchResponse) {
	var nodes nodeSet
	for i := range resp.results {
		r := &resp.results[i]
		if r.err == kerr.NotLeaderForPartition || r.err == kerr.FencedLeaderEpoch {
			r.leader = f.api.currentLeader(f.topicName(r.fetchKey), r.partition)
			nodes.add(r.leader.id)
		}
	}
	if !f.follower { // brokers know where the others are
		resp.nodes = f.api.endpoints(f.conn, nodes)
	}
}

// topicName is the name behind a key, "" if the id is unknown.
func (f *fetch) topicName(k fetchKey) string {
	if f.version < fetchByID {
		return k.topic
	}
	if t := f.api.image().TopicByID(k.id); t != nil {
		return t.Name
	}
	return ""
}
