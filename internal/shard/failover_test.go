package shard

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestFailovers lets clients write and read one counter through two nodes while
// leadership moves between them, with a high watermark that lags, appends that
// fail, and uncommitted records that the next leader may not have. No
// acknowledged increment may be lost, and no read may go back behind another
// one that ended before it began.
func TestFailovers(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) { failovers(t, seed) })
	}
}

// history is what the clients know together.
type history struct {
	mu    sync.Mutex
	floor int64 // the highest value that anybody was told
	acked int64 // increments that were acknowledged
}

func failovers(t *testing.T, seed uint64) {
	log := newMemLog()
	log.commits = false
	var nodes []*Shard[op]
	for range 2 {
		s := New(Options[op]{Timers: NewTimers(), New: func() Machine[op] { return newRegister(0) }, RetryLoadAfter: time.Millisecond})
		defer s.Close()
		nodes = append(nodes, s)
	}
	h := &history{}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() { h.client(t, seed, nodes, rand.New(rand.NewPCG(seed, uint64(i+1))), stop) })
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
		disturb(log, nodes, rng)
	}
	close(stop)
	log.set(func(l *memLog) {
		l.refuse, l.commits = nil, true
		l.commitLocked(l.end)
	})
	clients.Wait()
	nodes[0].Lead(log.lead())
	synctest.Wait()
	v, err := nodes[0].Submit(t.Context(), op{get: "n"})
	if err != nil || v.(int64) < h.acked || v.(int64) < h.floor {
		t.Errorf("seed %d: %v, %v after %d acknowledged increments, and %d was seen", seed, v, err, h.acked, h.floor)
	}
}

func disturb(log *memLog, nodes []*Shard[op], rng *rand.Rand) {
	switch rng.IntN(6) {
	case 0: // another leader, without some of what was not committed
		log.set(func(l *memLog) {
			lost := l.hw + rng.Int64N(l.end-l.hw+1)
			for len(l.batches) > 0 && l.batches[len(l.batches)-1].LastOffset() >= lost {
				l.batches = l.batches[:len(l.batches)-1]
			}
			l.end = l.hw
			if n := len(l.batches); n > 0 {
				l.end = max(l.hw, l.batches[n-1].LastOffset()+1)
			}
		})
		lead := rng.IntN(2)
		epoch, term := log.lead()
		if rng.IntN(2) == 0 {
			nodes[1-lead].Resign() // sometimes it has to find out by itself
		}
		nodes[lead].Lead(epoch, term)
	case 1:
		log.set(func(l *memLog) { l.refuse = errors.New("refused") })
	case 2:
		log.set(func(l *memLog) { l.refuse = nil })
	default:
		log.set(func(l *memLog) { l.commitLocked(l.hw + rng.Int64N(l.end-l.hw+1)) })
	}
}

func (h *history) client(t *testing.T, seed uint64, nodes []*Shard[op], rng *rand.Rand, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(rng.IntN(10)) * time.Millisecond):
		}
		h.mu.Lock()
		floor := h.floor
		h.mu.Unlock()
		o := op{get: "n"}
		if rng.IntN(2) == 0 {
			o = op{incr: "n"}
		}
		ctx := t.Context()
		v, err := nodes[rng.IntN(2)].Submit(ctx, o)
		if err != nil {
			continue
		}
		h.mu.Lock()
		if got := v.(int64); got < floor {
			t.Errorf("seed %d: %+v saw %d after %d had been seen", seed, o, got, floor)
		}
		h.floor = max(h.floor, v.(int64))
		if o.incr != "" {
			h.acked++
		}
		h.mu.Unlock()
	}
}
