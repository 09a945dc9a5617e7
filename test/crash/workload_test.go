package crash

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// position is where an acknowledged value must be found.
type position struct {
	partition int32
	offset    int64
}

// ledger is what the clients were promised.
type ledger struct {
	mu    sync.Mutex
	acked map[string]position
	more  chan struct{} // holds one, put in by an acknowledgement
	sent  atomic.Int64
}

func newLedger() *ledger { return &ledger{acked: map[string]position{}, more: make(chan struct{}, 1)} }

// The pace of each writer: enough to have many batches in flight at every kill,
// and little enough that the ledger of a long run fits in memory.
const (
	burst      = 50
	burstEvery = 20 * time.Millisecond
)

// writer produces values "writer/number" to one topic until ctx ends, and notes
// every acknowledgement. The client is idempotent and outlives the server, so a
// retry after a restart that the server does not recognise shows as a duplicate.
func (l *ledger) writer(ctx context.Context, t *testing.T, address, topic string, id int) {
	cl, err := kgo.NewClient(patient(address,
		kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()),
		kgo.ProducerLinger(time.Duration(id)*time.Millisecond), kgo.MaxBufferedRecords(500), kgo.RecordRetries(1_000_000))...)
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	pace := time.NewTicker(burstEvery)
	defer pace.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		if n%burst == 0 {
			<-pace.C
		}
		value := fmt.Sprintf("%d/%08d", id, n)
		l.sent.Add(1)
		cl.Produce(ctx, kgo.StringRecord(value), func(r *kgo.Record, err error) {
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("produce %s: %v", value, err)
				}
				return
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.acked[value] = position{r.Partition, r.Offset}
			select {
			case l.more <- struct{}{}:
			default:
			}
		})
	}
	flushing, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = cl.Flush(flushing)
}

// awaitMore returns when one more record has been acknowledged. Every second life
// begins with it: on a slow disk a server that lives for some milliseconds may
// acknowledge nothing, and then its death proves nothing.
func (l *ledger) awaitMore() error {
	select {
	case <-l.more: // from before
	default:
	}
	select {
	case <-l.more:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("nothing acknowledged for 30 s")
	}
}

// committer commits ever larger offsets and remembers the last one that was
// acknowledged.
type committer struct {
	adm   *kadm.Client
	topic string
	group string
	next  int64
	acked int64
}

func (c *committer) commitFor(ctx context.Context) {
	for ctx.Err() == nil {
		c.next++
		offsets := kadm.Offsets{}
		offsets.AddOffset(c.topic, 0, c.next, -1)
		if resp, err := c.adm.CommitOffsets(ctx, c.group, offsets); err == nil && resp.Error() == nil {
			c.acked = c.next
		}
	}
}

func (c *committer) check(ctx context.Context) error {
	var got int64
	for {
		resp, err := c.adm.FetchOffsets(ctx, c.group)
		if err == nil {
			o, _ := resp.Lookup(c.topic, 0)
			err, got = o.Err, o.At
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("fetching the committed offset: %w", err)
		}
	}
	if got < c.acked || got > c.next {
		return fmt.Errorf("committed offset is %d, acknowledged was %d, sent at most %d", got, c.acked, c.next)
	}
	return nil
}

// readAll reads a topic from its beginning to the ends it has now.
func readAll(ctx context.Context, address, topic string) ([]*kgo.Record, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	var out []*kgo.Record
	for int64(len(out)) < want {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			return out, fmt.Errorf("read %d of %d: %w", len(out), want, err)
		}
		out = append(out, fs.Records()...)
	}
	return out, nil
}

// audit compares what is in the topic with what was promised.
func (l *ledger) audit(records []*kgo.Record) []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	found := map[string]position{}
	last := map[string]string{} // by writer and partition
	for _, r := range records {
		value := string(r.Value)
		at := position{r.Partition, r.Offset}
		if before, twice := found[value]; twice {
			errs = append(errs, fmt.Errorf("duplicate: %s at %v and %v", value, before, at))
		}
		found[value] = at
		stream := fmt.Sprintf("%c/%d", value[0], r.Partition)
		if value < last[stream] {
			errs = append(errs, fmt.Errorf("reordered: %s after %s in partition %d", value, last[stream], r.Partition))
		}
		last[stream] = value
	}
	for value, at := range l.acked {
		switch got, ok := found[value]; {
		case !ok:
			errs = append(errs, fmt.Errorf("lost: %s, acknowledged at %v", value, at))
		case got != at:
			errs = append(errs, fmt.Errorf("moved: %s, acknowledged at %v, found at %v", value, at, got))
		}
	}
	return errs
}
