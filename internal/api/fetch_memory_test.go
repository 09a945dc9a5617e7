package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/wire"
)

// fetched is a fetch's answer and how many bytes of records it holds.
func fetched(t *testing.T, b *broker, req *kmsg.FetchRequest) (Releaser, int) {
	t.Helper()
	reply := b.api.Handle(t.Context(), b.request(12, req))
	resp := reply.Now
	if resp == nil {
		resp = reply.Wait(t.Context())
	}
	w := wire.NewBuffers()
	defer w.Release()
	if err := resp.Encode(w); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range resp.(*fetchResponse).results {
		n += r.read.Bytes
	}
	return resp.(Releaser), n
}

func TestFetchAnswersShareTheMemory(t *testing.T) {
	b := newBroker(t)
	p := b.topic("t", 1, 1)[0]
	fill(t, p, 5000)
	size := len(plainBatch())
	b.api.fetched.limit = 1 << 20
	req := fetchOf(0, -1, target("t", 1, 0, 0))
	req.MaxBytes, req.MinBytes, req.MaxWaitMillis = 1<<20, 1<<20, 60_000
	req.Topics[0].Partitions[0].PartitionMaxBytes = 1 << 20
	var held []Releaser
	total := 0
	for i := range 20 {
		answer, n := fetched(t, b, req)
		free := (1<<20 - total) / 4
		if n <= minFetchShare-size || n > max(minFetchShare, free) {
			t.Errorf("fetch %d got %d bytes with %d held", i, n, total)
		}
		held, total = append(held, answer), total+n
		if used := b.api.fetched.used.Load(); used != int64(total) {
			t.Fatalf("%d bytes are charged, %d are held", used, total)
		}
	}
	for _, answer := range held {
		answer.Release()
	}
	if used := b.api.fetched.used.Load(); used != 0 {
		t.Errorf("%d bytes stay charged", used)
	}
	b.api.fetched.limit, req.MinBytes = -1, 1
	if _, n := fetched(t, b, req); n != 5000*size {
		t.Errorf("got %d bytes without a limit", n)
	}
}

// Whatever becomes of a fetch, nothing stays charged for it.
func TestFetchesThatEndEarlyHoldNothing(t *testing.T) {
	for name, end := range map[string]func(b *broker, p *fakePartition, cancel func()){
		"connection gone": func(_ *broker, _ *fakePartition, cancel func()) { cancel() },
		"session moved on": func(b *broker, _ *fakePartition, _ func()) {
			s := b.api.sessions.byID[1]
			s.mu.Lock()
			defer s.mu.Unlock()
			s.epoch++
		},
		"time out": func(*broker, *fakePartition, func()) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(t)
				p := b.topic("t", 1, 1)[0]
				fill(t, p, 2)
				b.api.sessions.byID[1] = &session{id: 1, principal: AnonymousPrincipal, epoch: 1, parts: nil}
				req := fetchOf(0, -1, target("t", 1, 0, 0))
				req.MinBytes, req.MaxWaitMillis = 1<<20, 500
				f := newFetch(b.api, b.request(12, req), req)
				if err := f.begin(req); err != nil {
					t.Fatal(err)
				}
				if f.readAll() {
					t.Fatal("too few bytes were enough")
				}
				f.session, f.epoch = b.api.sessions.byID[1], 1
				if f.held == 0 || b.api.fetched.used.Load() != f.held {
					t.Errorf("%d bytes charged for %d", b.api.fetched.used.Load(), f.held)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					<-time.After(100 * time.Millisecond) // virtual time
					end(b, p, cancel)
				}()
				if resp := f.wait(ctx); resp != nil {
					resp.(Releaser).Release()
				}
				if used := b.api.fetched.used.Load(); used != 0 {
					t.Errorf("%d bytes stay charged", used)
				}
			})
		})
	}
}

func TestFetchOfManyPartitionsWaitsForABoundedTime(t *testing.T) {
	b := newBroker(t)
	req := fetchOf(0, -1)
	req.MaxWaitMillis = 1 << 30
	for i := range int32(manyPartitions + 1) {
		req.Topics = append(req.Topics, kmsg.FetchRequestTopic{Topic: "t", Partitions: []kmsg.FetchRequestTopicPartition{{Partition: i}}})
	}
	f := newFetch(b.api, b.request(12, req), req)
	if err := f.begin(req); err != nil || f.maxWait != longestWait {
		t.Errorf("waits %v, error %v", f.maxWait, err)
	}
}
