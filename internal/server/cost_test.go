package server

import (
	"context"
	"encoding/binary"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/api"
)

// namesOf is the body of a Metadata request v1 for n topics without a name, or
// of a DescribeConfigs v1 for n resources.
func namesOf(n int) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(n))) + strings.Repeat("\x00\x00", n)
}

func TestElementsAreChargedBeforeTheyAreDecoded(t *testing.T) {
	const budget = 1 << 20
	h := newGates()
	limit := func(c *Config) { c.Limits.RequestMemory = budget }
	bubble(t, h.handle, limit, func(t *testing.T, g *rig) {
		a, b, small, greedy := g.dial(), g.dial(), g.dial(), g.dial()
		many, more, few := namesOf(1500), namesOf(1501), namesOf(200)
		a.send(metadataKey, many)
		synctest.Wait()
		if st := g.s.Stats(); st.RequestMemory < 1500*elementCost {
			t.Errorf("%d bytes are charged for 1,500 elements", st.RequestMemory)
		}
		b.send(metadataKey, more)
		synctest.Wait()
		if st := g.s.Stats(); st.MemoryWaiters != 1 || strings.Contains(h.seen(), more) {
			t.Errorf("a request beyond the budget was handled; %+v", st)
		}
		h.open(few)
		small.want(small.send(metadataKey, few), few) // small requests pass

		greedy.send(metadataKey, namesOf(3000))
		greedy.wantEnd()
		g.wantClosed(BadRequest)

		h.open(many)
		a.want(1, many)
		h.open(more)
		b.want(1, more)
	})
}

func TestDescribingManyResourcesCostsMore(t *testing.T) {
	limit := func(c *Config) { c.Limits.RequestMemory = 1 << 20 }
	bubble(t, echo, limit, func(t *testing.T, g *rig) {
		// A resource is a type, an empty name and no list of keys.
		resources := func(n int) string {
			return string(binary.BigEndian.AppendUint32(nil, uint32(n))) + strings.Repeat("\x02\x00\x00\xff\xff\xff\xff", n) + "\x00"
		}
		c := g.dial()
		c.corr++
		c.write(request(describeConfigsKey, 1, c.corr, resources(1000)))
		c.wantEnd()
		g.wantClosed(BadRequest)
	})
}

func TestWaitingForTheCostEndsWithTheServer(t *testing.T) {
	h := newGates()
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, h.handle, func(c *Config) { c.Limits.RequestMemory = 1 << 20 })
		must(t, g.s.Start())
		a, b := g.dial(), g.dial()
		a.send(metadataKey, namesOf(1500))
		synctest.Wait()
		b.send(metadataKey, namesOf(1501))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.s.Shutdown(ctx); err == nil {
			t.Error("shutdown did not cut anything off")
		}
		synctest.Wait()
		if st := g.s.Stats(); st != (Stats{}) {
			t.Errorf("the server holds %+v", st)
		}
	})
}

// A long poll must not hold frames that producers wait for.
func TestDetachedWaitsHoldNoFrame(t *testing.T) {
	var done chan struct{} // made in the test's bubble
	handle := func(_ context.Context, r *api.Request) api.Reply {
		if r.Key != fetchKey {
			return api.Reply{Now: text(r.Body)}
		}
		return api.Reply{Detached: true, Wait: func(context.Context) api.Response { <-done; return text("fetched") }}
	}
	bubble(t, handle, func(c *Config) { c.Limits.RequestMemory = 100 << 10 }, func(t *testing.T, g *rig) {
		done = make(chan struct{})
		poller, producer := g.dial(), g.dial()
		corr := poller.send(fetchKey, strings.Repeat("f", 90<<10))
		synctest.Wait()
		if st := g.s.Stats(); st.RequestMemory != 0 {
			t.Errorf("the poll holds %d bytes", st.RequestMemory)
		}
		body := strings.Repeat("p", 80<<10)
		producer.want(producer.send(produceKey, body), body)
		close(done)
		poller.want(corr, "fetched")
	})
}

// held is an answer that holds something.
type held struct {
	api.Response
	released *atomic.Int32
}

func (h held) Release() { h.released.Add(1) }

func TestAnswersAreReleasedOnceHoweverTheyEnd(t *testing.T) {
	large := text(strings.Repeat("x", 3<<20))
	for name, c := range map[string]struct {
		answer api.Response
		take   bool
	}{
		"written": {text("small"), true}, "not taken": {large, false}, "not encoded": {badAnswer{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var released atomic.Int32
			handle := func(context.Context, *api.Request) api.Reply { return api.Reply{Now: held{c.answer, &released}} }
			bubble(t, handle, nil, func(_ *testing.T, g *rig) {
				client := g.dial()
				corr := client.send(metadataKey, "")
				if c.take {
					client.want(corr, string(c.answer.(text)))
				}
				time.Sleep(2 * defaultWriteGrace)
			})
			if n := released.Load(); n != 1 {
				t.Errorf("released %d times", n)
			}
		})
	}
}
