package server

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// reading is the one connection of a rig. It may be looked at while it waits:
// what the test sends next comes before what it does next.
func (g *rig) reading() *frameReader {
	synctest.Wait()
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	for c := range g.s.conns {
		return &c.in
	}
	g.t.Fatal("there is no connection")
	return nil
}

// A reader that has waited for a while hands over to a new goroutine, once; what
// comes later is read as if nothing had been, and the idle limit stays what it is.
// A connection that has spoken after a rest is given more time.
func TestASilentConnectionRests(t *testing.T) {
	bubble(t, echo, nil, func(t *testing.T, g *rig) {
		idle := g.s.cfg.Limits.IdleTimeout
		c := g.dial()
		for _, silence := range []time.Duration{restSoon, restLater, restLater} {
			c.ask("hello")
			time.Sleep(silence/2 - time.Millisecond)
			if g.reading().rested {
				t.Errorf("resting after %v", silence/2)
			}
			c.ask("hello")
			time.Sleep(2 * silence)
			if fr := g.reading(); !fr.rested || time.Until(fr.deadline) < idle/2 {
				t.Errorf("not resting after %v: rested %v, wakes in %v", 2*silence, fr.rested, time.Until(fr.deadline))
			}
		}
		c.ask("last")
		last := time.Now()
		c.wantEnd()
		if d := time.Since(last); d < idle || d > idle+idle/100 {
			t.Errorf("closed %v after the last request, want %v", d, idle)
		}
		g.wantClosed(Idle)
	})
}

// A frame may begin while the reader rests, and stop in the middle of its size.
func TestAPieceOfASizeEndsTheRest(t *testing.T) {
	bubble(t, echo, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		time.Sleep(2 * restSoon)
		frame := c.next(metadataKey, "in pieces")
		for i := range 4 {
			c.write(frame[i : i+1])
			time.Sleep(restLater / 4)
		}
		c.write(frame[4:])
		c.want(c.corr, "in pieces")
		time.Sleep(2 * restLater)
		c.write(frame[:3])
		began := time.Now()
		c.wantEnd()
		if grace := g.s.cfg.Limits.ReadGrace; time.Since(began) < grace || time.Since(began) > 2*grace {
			t.Errorf("cut after %v, the grace is %v", time.Since(began), grace)
		}
		g.wantClosed(SlowSender)
	})
}

// Requests, pipelined produces and pauses around the limit, in any order.
func TestRestsAmongRequests(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 5))
	bubble(t, newGates().handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		for range 300 {
			n := 1 + rnd.IntN(4)
			for range n {
				c.send(produceKey, "now")
				time.Sleep(time.Duration(rnd.Int64N(int64(restLater * 5 / 4))))
			}
			for i := range n {
				c.want(c.corr-int32(n-1-i), "now")
			}
			time.Sleep(time.Duration(rnd.Int64N(int64(2 * restLater))))
		}
	})
}

// A stack of 2 KiB is enough to wait: what many silent connections keep is what
// their goroutines begin with. The runtime begins with more as long as most of the
// goroutines needed more when it last looked, so there is more than one attempt.
func TestWaitingNeedsASmallStack(t *testing.T) {
	const conns, limit = 500, 3<<10 + raceStack
	g := overTCP(t, echo, nil)
	each := limit
	for attempt := 0; attempt < 20 && each >= limit; attempt++ {
		before := stacks()
		clients := make([]*client, conns)
		for i := range clients {
			clients[i] = g.dialTCP()
			clients[i].ask("hello")
		}
		time.Sleep(3 * restSoon) // in real time: it is the runtime's stacks that are measured
		each = (stacks() - before) / conns
		for _, c := range clients {
			must(t, c.Close())
		}
	}
	if each >= limit {
		t.Errorf("%d bytes of stack for each connection", each)
	}
}

func stacks() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.StackInuse)
}
