package server

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/netx"
)

func TestProducesOverlapAndAreAnsweredInOrder(t *testing.T) {
	h := newGates()
	bubble(t, h.handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		one, two, three := c.send(produceKey, "one"), c.send(produceKey, "two"), c.send(produceKey, "now three")
		synctest.Wait()
		if got := h.seen(); got != "one two now three" {
			t.Errorf("handled %q: produce requests must not wait for earlier acknowledgements", got)
		}
		h.open("two")
		c.wantSilence()
		h.open("one")
		c.want(one, "one")
		c.want(two, "two")
		c.want(three, "now three")
	})
}

func TestOtherRequestsAreBarriers(t *testing.T) {
	h := newGates()
	bubble(t, h.handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		one := c.send(produceKey, "one")
		meta := c.send(metadataKey, "meta")
		two := c.send(produceKey, "now two")
		synctest.Wait()
		if got := h.seen(); got != "one" {
			t.Errorf("handled %q while a produce was unanswered", got)
		}
		h.open("one")
		c.want(one, "one")
		synctest.Wait()
		if got := h.seen(); got != "one meta" {
			t.Errorf("handled %q while another request was", got)
		}
		h.open("meta")
		c.want(meta, "meta")
		c.want(two, "now two")
	})
}

func TestAcksZeroHasNoAnswer(t *testing.T) {
	h := newGates()
	bubble(t, h.handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		one := c.send(produceKey, "one")
		c.send(produceKey, "none")
		three := c.send(produceKey, "now")
		synctest.Wait()
		h.open("one")
		c.want(one, "one")
		c.want(three, "now")
		c.send(produceKey, "none")
		c.want(c.send(metadataKey, "now"), "now")
		synctest.Wait()
		if n := len(g.requests); n != 5 {
			t.Errorf("%d of 5 requests reported", n)
		}
	})
}

func TestInFlightLimit(t *testing.T) {
	h := newGates()
	limit := func(c *Config) { c.Limits.MaxInFlight = 3 }
	bubble(t, h.handle, limit, func(t *testing.T, g *rig) {
		c := g.dial()
		for i := range 8 {
			c.send(produceKey, fmt.Sprint(i))
		}
		for i := range 8 {
			synctest.Wait()
			if got, want := len(strings.Fields(h.seen())), min(8, i+3); got != want {
				t.Errorf("%d requests handled with %d answered, want %d", got, i, want)
			}
			h.open(fmt.Sprint(i))
			c.want(int32(i+1), fmt.Sprint(i))
		}
	})
}

// countingNet counts the writes of server connections.
type countingNet struct {
	netx.Network
	writes *atomic.Int64
}

type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (n countingNet) Listen(addr string) (net.Listener, error) {
	l, err := n.Network.Listen(addr)
	return countingListener{l, n.writes}, err
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.writes}, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestReadyAnswersAreWrittenTogether(t *testing.T) {
	h := newGates()
	var writes atomic.Int64
	count := func(c *Config) { c.Network = countingNet{c.Network, &writes} }
	bubble(t, h.handle, count, func(t *testing.T, g *rig) {
		c := g.dial()
		one := c.send(produceKey, "one")
		var ready []int32
		for i := range 5 {
			ready = append(ready, c.send(produceKey, fmt.Sprint("now ", i)))
		}
		synctest.Wait()
		h.open("one")
		c.want(one, "one")
		for i, corr := range ready {
			c.want(corr, fmt.Sprint("now ", i))
		}
		if n := writes.Load(); n != 1 {
			t.Errorf("%d writes for 6 answers", n)
		}
	})
}

func TestCloseAfterAnswer(t *testing.T) {
	for _, key := range []int16{produceKey, metadataKey} {
		for name, reply := range map[string]api.Reply{
			"answer, then close": {Now: text("bye"), Close: true},
			"just close":         {Close: true},
			"nil from wait":      {Wait: func(context.Context) api.Response { return nil }},
			"nothing at all":     {},
			"bad answer":         {Now: badAnswer{}},
			"bad answer later":   {Wait: func(context.Context) api.Response { return badAnswer{} }},
		} {
			t.Run(fmt.Sprint(name, " ", key), func(t *testing.T) {
				h := newGates()
				handle := func(ctx context.Context, r *api.Request) api.Reply {
					if string(r.Body) == "end" {
						return reply
					}
					return h.handle(ctx, r)
				}
				bubble(t, handle, nil, func(t *testing.T, g *rig) {
					c := g.dial()
					earlier := c.send(produceKey, "earlier")
					end := c.send(key, "end")
					synctest.Wait()
					h.open("earlier")
					c.want(earlier, "earlier")
					if reply.Close && reply.Now != nil {
						c.want(end, "bye")
					}
					c.wantEnd()
					why := BadRequest
					if strings.HasPrefix(name, "bad") {
						why = Failure
					}
					g.wantClosed(why)
				})
			})
		}
	}
}

func TestPanicsCloseOnlyTheirConnection(t *testing.T) {
	for _, key := range []int16{produceKey, metadataKey} {
		for name, reply := range map[string]func() api.Reply{
			"in Handle": func() api.Reply { panic("boom") },
			"in Wait": func() api.Reply {
				return api.Reply{Wait: func(context.Context) api.Response { panic("boom") }}
			},
		} {
			t.Run(fmt.Sprint(name, " ", key), func(t *testing.T) {
				handle := func(ctx context.Context, r *api.Request) api.Reply {
					if string(r.Body) == "boom" {
						return reply()
					}
					return echo(ctx, r)
				}
				bubble(t, handle, nil, func(t *testing.T, g *rig) {
					other := g.dial()
					other.ask("before")
					c := g.dial()
					// In one piece: the first may end the connection at once.
					c.write(append(c.next(key, "boom"), c.next(key, "after")...))
					c.wantEnd()
					g.wantClosed(Panic)
					if len(g.panics) != 1 || g.panics[0] != "boom" {
						t.Errorf("panics reported: %v", g.panics)
					}
					other.ask("after")
				})
			})
		}
	}
}

func TestWaitsEndWhenTheConnectionBreaks(t *testing.T) {
	h := newGates()
	bubble(t, h.handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		for i := range 5 {
			c.send(produceKey, fmt.Sprint("stuck ", i))
		}
		synctest.Wait()
		g.net.Reset("client", "broker")
		g.wantClosed(ByClient)
		if st := g.s.Stats(); st.RequestMemory != 0 {
			t.Errorf("%d bytes of frames kept", st.RequestMemory)
		}
	})
}

// TestManyRandomPipelines mixes kinds of requests on several connections and
// checks order and content of all answers.
func TestManyRandomPipelines(t *testing.T) {
	handle := func(_ context.Context, r *api.Request) api.Reply {
		body := string(r.Body)
		if len(body)%3 == 0 {
			return api.Reply{Now: text(body)}
		}
		d := time.Duration(len(body)*7919%11) * time.Millisecond
		return api.Reply{Wait: func(context.Context) api.Response {
			time.Sleep(d)
			return text(r.Body)
		}}
	}
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		const conns, requests = 5, 200
		done := make(chan struct{})
		for range conns {
			c := g.dial()
			body := func(i int) string { return strings.Repeat("x", i*31%997) }
			go func() {
				for i := range requests {
					key := int16(produceKey)
					if i%17 == 0 {
						key = heartbeatKey
					}
					c.send(key, body(i))
				}
			}()
			go func() {
				for i := range requests {
					c.want(int32(i+1), body(i))
				}
				done <- struct{}{}
			}()
		}
		for range conns {
			<-done
		}
	})
}

// Answers that became ready while the oldest was waited for leave with it, and
// those behind one that is not ready stay.
func TestAnswersThatBecomeReadyAreWrittenTogether(t *testing.T) {
	h := newGates()
	var writes, waits atomic.Int64
	handle := func(ctx context.Context, r *api.Request) api.Reply {
		reply := h.handle(ctx, r)
		wait, body := reply.Wait, string(r.Body)
		reply.Detached = true
		reply.Wait = func(ctx context.Context) api.Response {
			waits.Add(1)
			if wait(ctx) == nil {
				return nil
			}
			return text(body)
		}
		reply.Ready = func() api.Response {
			select {
			case <-h.gate(body):
				return text(body)
			default:
				return nil
			}
		}
		return reply
	}
	count := func(c *Config) { c.Network = countingNet{c.Network, &writes} }
	bubble(t, handle, count, func(t *testing.T, g *rig) {
		c := g.dial()
		bodies := []string{"one", "two", "three", "four", "five"}
		var sent []int32
		for _, body := range bodies {
			sent = append(sent, c.send(produceKey, body))
		}
		synctest.Wait()
		for _, i := range []int{1, 2, 4, 0} {
			h.open(bodies[i])
		}
		for i := range 3 {
			c.want(sent[i], bodies[i])
		}
		c.wantSilence()
		if w, n := waits.Load(), writes.Load(); w != 2 || n != 1 {
			t.Errorf("%d writes and %d waits for three answers and the wait for the fourth", n, w)
		}
		h.open("four")
		c.want(sent[3], "four")
		c.want(sent[4], "five")
		synctest.Wait()
		if w, n := waits.Load(), writes.Load(); w != 2 || n != 2 {
			t.Errorf("%d writes and %d waits for five answers", n, w)
		}
	})
}

// A Produce request whose records are in the log holds no frame while it waits.
func TestDetachedProducesHoldNoFrame(t *testing.T) {
	done := make(chan struct{})
	handle := func(_ context.Context, r *api.Request) api.Reply {
		body := string(r.Body[:3])
		return api.Reply{Detached: true, Wait: func(context.Context) api.Response { <-done; return text(body) }}
	}
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		done = make(chan struct{}) // of this bubble
		c := g.dial()
		one, two := c.send(produceKey, "one"+strings.Repeat("x", 100_000)), c.send(produceKey, "two"+strings.Repeat("x", 100_000))
		synctest.Wait()
		if used := g.s.Stats().RequestMemory; used != 0 {
			t.Errorf("waiting requests hold %d bytes", used)
		}
		close(done)
		c.want(one, "one")
		c.want(two, "two")
	})
}
