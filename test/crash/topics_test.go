package crash

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// churner creates and deletes topics and remembers what it was told.
type churner struct {
	adm *kadm.Client

	mu    sync.Mutex
	state map[string]string // "created", "deleted", or "" for unknown
}

func (c *churner) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("churn-%d", n)
		c.set(name, "")
		if resp, err := c.adm.CreateTopic(ctx, 2, 1, nil, name); err == nil && resp.Err == nil {
			c.set(name, "created")
		}
		if n%2 == 0 {
			continue
		}
		c.set(name, "")
		if resp, err := c.adm.DeleteTopic(ctx, name); err == nil && resp.Err == nil {
			c.set(name, "deleted")
		}
		if n > 20 { // and an old one
			old := fmt.Sprintf("churn-%d", n-21)
			c.set(old, "")
			if resp, err := c.adm.DeleteTopic(ctx, old); err == nil && (resp.Err == nil || errors.Is(resp.Err, kerr.UnknownTopicOrPartition)) {
				c.set(old, "deleted")
			}
		}
	}
}

func (c *churner) set(name, state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state[name] = state
}

// audit compares the cluster's topics with what was promised.
func (c *churner) audit(ctx context.Context) (errs []error) {
	topics, err := c.adm.ListTopics(ctx)
	if err != nil {
		return []error{err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, state := range c.state {
		switch there := topics.Has(name); {
		case state == "created" && !there:
			errs = append(errs, fmt.Errorf("topic %s was created and is gone", name))
		case state == "deleted" && there:
			errs = append(errs, fmt.Errorf("topic %s was deleted and is there", name))
		}
	}
	return errs
}

// compacted writes rising numbers to the keys of a compacted topic.
type compacted struct {
	topic string

	mu    sync.Mutex
	acked map[string]int
}

const compactedKeys = 7

func (c *compacted) run(ctx context.Context, t *testing.T, address string) {
	cl, err := kgo.NewClient(patient(address, kgo.DefaultProduceTopic(c.topic), kgo.RecordRetries(1_000_000))...)
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	for n := 1; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("key-%d", n%compactedKeys)
		r := &kgo.Record{Key: []byte(key), Value: fmt.Appendf(nil, "%d %0100d", n, n)}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err == nil {
			c.mu.Lock()
			c.acked[key] = n
			c.mu.Unlock()
		}
	}
}

// audit reads the topic: the last value of each key is the last that was
// acknowledged, or the one on its way after it.
func (c *compacted) audit(ctx context.Context, address string) (errs []error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.ConsumeTopics(c.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return []error{err}
	}
	defer cl.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	final := map[string]int{}
	complete := func() bool {
		for key, want := range c.acked {
			if final[key] < want {
				return false
			}
		}
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for !complete() && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			var n int
			_, _ = fmt.Sscan(string(r.Value), &n)
			if n < final[string(r.Key)] {
				errs = append(errs, fmt.Errorf("%s: value %d follows %d", r.Key, n, final[string(r.Key)]))
			}
			final[string(r.Key)] = n
		})
	}
	for key, want := range c.acked {
		if final[key] < want {
			errs = append(errs, fmt.Errorf("%s: the last value is %d, %d was acknowledged", key, final[key], want))
		}
	}
	return errs
}
