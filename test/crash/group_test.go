package crash

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reader consumes a topic as a member of a group, through every kill, and commits
// what it has read. It may read a record again, but must not miss one.
type reader struct {
	address, topic, group string

	mu   sync.Mutex
	seen map[string]bool
}

func (r *reader) client() (*kgo.Client, error) {
	return kgo.NewClient(patient(r.address, kgo.ConsumeTopics(r.topic), kgo.ConsumerGroup(r.group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(200*time.Millisecond))...)
}

// run reads until ctx ends. The client is given up without leaving the group now
// and then, as a process that dies does.
func (r *reader) run(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		cl, err := r.client()
		if err != nil {
			t.Error(err)
			return
		}
		life, cancel := context.WithTimeout(ctx, 2*time.Second)
		for life.Err() == nil {
			fs := cl.PollRecords(life, 200)
			r.note(fs.Records())
			_ = cl.CommitRecords(life, fs.Records()...) // if it fails they are read again
		}
		cancel()
		cl.Close()
	}
}

func (r *reader) note(records []*kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range records {
		r.seen[string(rec.Value)] = true
	}
}

// finish reads what is left as a new member, and names what the group missed.
func (r *reader) finish(ctx context.Context, all []*kgo.Record) []error {
	cl, err := r.client()
	if err != nil {
		return []error{err}
	}
	defer cl.Close()
	missing := func() (out []string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, rec := range all {
			if !r.seen[string(rec.Value)] {
				out = append(out, fmt.Sprintf("%s at %d/%d", rec.Value, rec.Partition, rec.Offset))
			}
		}
		return out
	}
	for len(missing()) > 0 && ctx.Err() == nil {
		r.note(cl.PollFetches(ctx).Records())
	}
	if left := missing(); len(left) > 0 {
		return []error{fmt.Errorf("the group missed %d of %d records, among them %s", len(left), len(all), left[0])}
	}
	return nil
}
