package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/partition"
)

// fetchResult is one partition's wish and the outcome of the last read.
type fetchResult struct {
	fetchTarget
	on     Partition // nil if it was not found
	read   partition.ReadResult
	err    *kerr.Error
	leader leaderHint
	unread bool // refused by the metadata, before any log was asked
	omit   bool // the session's client knows all of this already
}

// nothingRead is what an error's answer says about offsets.
var nothingRead = partition.ReadResult{HighWatermark: -1, LastStable: -1, LogStart: -1}

// readAll reads every partition once and reports whether the answer is due.
//
// An error in the metadata (unknown topic, no permission) does not make the
// answer due while other partitions may still get data: consumers send the next
// fetch without pause, and one deleted topic would make them spin.
func (f *fetch) readAll() (due bool) {
	f.release()
	share := f.api.fetched.take(int64(f.maxBytes))
	f.held = share
	total, left := 0, int(share)
	defer func() {
		f.api.fetched.add(int64(total) - share)
		f.held = int64(total)
	}()
	waiting := false
	for i := range f.results {
		r := &f.results[i]
		permanent := f.readOne(r, left, total == 0)
		waiting = waiting || !permanent
		due = due || r.err != nil && !permanent || r.read.Diverging != nil
		total += r.read.Bytes
		left = max(0, left-r.read.Bytes)
	}
	short := int(share) < f.maxBytes && total > 0 // waiting would not bring more
	return due || !waiting || short || total >= f.minBytes
}

// readOne reads one partition; metadataError says that reading is not even
// possible, as far as the metadata knows.
func (f *fetch) readOne(r *fetchResult, left int, minOne bool) (metadataError bool) {
	r.on, r.read, r.err, r.unread = nil, nothingRead, nil, false
	name, err := f.locate(r.fetchKey)
	if err == nil {
		err = f.mayRead(name)
	}
	if err == nil && f.api.image().Partition(base.TopicPartition{Topic: name, Partition: r.partition}) == nil {
		err = kerr.UnknownTopicOrPartition
	}
	if err != nil {
		r.err, r.unread = f.api.code(err), true
		return true
	}
	on, err := f.api.replica(name, r.id, r.partition)
	if err == nil && f.follower {
		err = kerr.NotLeaderForPartition
	}
	if err == nil {
		r.on = on
		r.read, err = on.Read(partition.ReadRequest{
			Offset: r.offset, MaxBytes: max(0, min(int(r.maxBytes), left)), MinOne: minOne,
			ReadCommitted: f.committed, CurrentEpoch: r.currentEpoch, LastFetchedEpoch: r.lastEpoch,
		})
	}
	if err != nil {
		r.read, r.err = nothingRead, f.api.code(err)
	}
	return false
}

// locate finds the name of a key's topic.
func (f *fetch) locate(k fetchKey) (string, error) {
	if f.version < fetchByID {
		return k.topic, nil
	}
	name := f.topicName(k)
	if name == "" {
		return "", kerr.UnknownTopicID
	}
	return name, nil
}

// mayRead checks the permission: a reader needs the topic, a replica the cluster.
func (f *fetch) mayRead(topic string) error {
	allowed := f.api.allowed(f.conn, mayRead, onTopic, topic)
	if f.follower {
		allowed = f.api.clusterAllowed(f.conn, mayClusterAction)
	}
	if !allowed {
		return kerr.TopicAuthorizationFailed
	}
	return nil
}

// wait re-reads after every change until the answer is due or max_wait is over.
func (f *fetch) wait(ctx context.Context) (resp Response) {
	defer func() {
		if resp == nil {
			f.release()
		}
	}()
	n := base.NewNotifier()
	watched := make([]Partition, len(f.results))
	defer func() {
		for _, p := range watched {
			if p != nil {
				p.Unwatch(n)
			}
		}
	}()
	timeout := time.NewTimer(f.maxWait)
	defer timeout.Stop()
	for f.watch(n, watched); !f.readAll(); {
		if f.watch(n, watched) {
			continue // a partition was replaced; what it did before is unknown
		}
		if f.session != nil && !f.session.await(n, f.epoch) {
			return f.finish() // which says so
		}
		select {
		case <-n.C():
		case <-timeout.C:
			return f.finish()
		case <-ctx.Done():
			return nil
		}
	}
	return f.finish()
}

// watch registers n with every partition of the last read and reports whether
// it was new to any. Changes between that read and the registration went
// unnoticed: the caller must read once more before it sleeps.
func (f *fetch) watch(n *base.Notifier, watched []Partition) (added bool) {
	for i := range f.results {
		r := &f.results[i]
		if r.on == watched[i] {
			continue
		}
		if watched[i] != nil {
			watched[i].Unwatch(n)
		}
		watched[i] = r.on
		if r.on != nil {
			r.on.Watch(n, r.read.HighWatermark+1)
			added = true
		}
	}
	return added
}
