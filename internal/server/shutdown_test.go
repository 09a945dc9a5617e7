package server

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/api"
)

// stop starts a shutdown and returns its result later.
func (g *rig) stop(within time.Duration) <-chan error {
	result := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		result <- g.s.Shutdown(ctx)
	}()
	synctest.Wait()
	return result
}

func TestShutdownFinishesWhatIsInHand(t *testing.T) {
	h := newGates()
	bubble(t, h.handle, nil, func(t *testing.T, g *rig) {
		idle, busy, polling, halfway := g.dial(), g.dial(), g.dial(), g.dial()
		idle.want(idle.send(metadataKey, "now"), "now")
		produce := busy.send(produceKey, "work")
		next := busy.send(metadataKey, "now too late")
		polling.send(fetchKey, "poll")
		halfway.write(request(metadataKey, 1, 1, "half")[:9])
		synctest.Wait()

		result := g.stop(time.Minute)
		idle.wantEnd()
		polling.wantEnd()
		halfway.wantEnd()
		if _, err := g.net.DialContext(t.Context(), "broker:9092"); err == nil {
			t.Error("still listening")
		}
		select {
		case err := <-result:
			t.Fatalf("Shutdown returned %v before the work was done", err)
		default:
		}
		h.open("work")
		busy.want(produce, "work")
		// The reader had this one in hand: it was waiting behind the produce.
		busy.want(next, "now too late")
		busy.wantEnd()
		must(t, <-result)
		g.wantClosed(ByShutdown, ByShutdown, ByShutdown, ByShutdown)
	})
}

func TestShutdownAnswersLongPolls(t *testing.T) {
	handle := func(_ context.Context, r *api.Request) api.Reply {
		return api.Reply{Wait: func(ctx context.Context) api.Response {
			<-ctx.Done()
			return text("nothing new")
		}}
	}
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		fetch := c.send(fetchKey, "")
		synctest.Wait()
		start := time.Now()
		result := g.stop(time.Minute)
		c.want(fetch, "nothing new")
		must(t, <-result)
		if d := time.Since(start); d > 0 {
			t.Errorf("shutdown took %v", d)
		}
	})
}

func TestShutdownCutsOffAtTheDeadline(t *testing.T) {
	h := newGates()
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, h.handle, nil)
		must(t, g.s.Start())
		a, b := g.dial(), g.dial()
		a.send(produceKey, "stuck")
		b.send(heartbeatKey, "stuck")
		synctest.Wait()
		start := time.Now()
		err := <-g.stop(time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 connections") {
			t.Errorf("Shutdown: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("took %v", d)
		}
		a.wantEnd()
		b.wantEnd()
		g.wantClosed(ByShutdown, ByShutdown)
		if err := g.s.Shutdown(t.Context()); err != nil {
			t.Errorf("second Shutdown: %v", err)
		}
	})
}

// A client that does not read holds its answer back, but not the shutdown; others
// get theirs, also when they are late.
func TestShutdownGivesUpWhoDoesNotRead(t *testing.T) {
	h := newGates()
	large := strings.Repeat("x", 3<<20)
	handle := func(ctx context.Context, r *api.Request) api.Reply {
		if r.Key == metadataKey {
			return api.Reply{Now: text(large)}
		}
		return h.handle(ctx, r)
	}
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		stuck, late := g.dial(), g.dial()
		stuck.send(metadataKey, "")
		produce := late.send(produceKey, "work")
		synctest.Wait()
		start := time.Now()
		result := g.stop(time.Minute)
		time.Sleep(2 * drainGrace)
		synctest.Wait()
		g.wantClosed(SlowReceiver)
		h.open("work")
		late.want(produce, "work")
		must(t, <-result)
		if d := time.Since(start); d > 3*drainGrace {
			t.Errorf("took %v", d)
		}
	})
}

func TestGoneClientsAreNoticedDuringLongWaits(t *testing.T) {
	bubble(t, newGates().handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		c.send(joinGroupKey, "members come later")
		synctest.Wait()
		time.Sleep(watchAfter / 2)
		must(t, c.Close())
		time.Sleep(watchAfter)
		g.wantClosed(ByClient)
	})
}

func TestLongWaitsKeepWhatTheClientSendsMeanwhile(t *testing.T) {
	h := newGates()
	bubble(t, h.handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		for range 3 {
			join := c.send(joinGroupKey, "wait")
			time.Sleep(2 * watchAfter)
			f := request(metadataKey, 1, 77, "now next")
			c.write(f[:7])
			synctest.Wait()
			c.write(f[7:])
			synctest.Wait()
			h.open("wait")
			c.want(join, "wait")
			c.want(77, "now next")
			h.mu.Lock()
			delete(h.gates, "wait")
			h.mu.Unlock()
		}
		// The watch must not have left a deadline behind.
		time.Sleep(g.s.cfg.Limits.IdleTimeout / 2)
		c.want(c.send(metadataKey, "now"), "now")
	})
}

// flakyListener fails a number of times before it accepts.
type flakyListener struct {
	net.Listener
	failures atomic.Int64
}

func (l *flakyListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, errTest
	}
	return l.Listener.Accept()
}

type flakyNet struct{ countingNet }

func (n flakyNet) Listen(addr string) (net.Listener, error) {
	l, err := n.Network.Listen(addr)
	f := &flakyListener{Listener: l}
	f.failures.Store(10)
	return f, err
}

func TestAcceptingRecoversFromErrors(t *testing.T) {
	flaky := func(c *Config) { c.Network = flakyNet{countingNet{Network: c.Network}} }
	bubble(t, echo, flaky, func(t *testing.T, g *rig) {
		start := time.Now()
		g.dial().ask("after all")
		if d := time.Since(start); d < time.Second || d > time.Minute {
			t.Errorf("ten failures took %v", d)
		}
	})
}

func TestListenOpensAllOrNothing(t *testing.T) {
	g := newRig(t, echo, func(c *Config) {
		c.Listeners = append(c.Listeners, Listener{Name: "SECOND", Addr: "broker:0"}, Listener{Name: "THIRD", Addr: "broker:9092"})
	})
	if err := g.s.Listen(); err == nil || !strings.Contains(err.Error(), "THIRD") {
		t.Fatalf("Listen: %v", err)
	}
	l, err := g.net.Listen("broker:9092")
	must(t, err)
	must(t, l.Close())

	g = newRig(t, echo, func(c *Config) { c.Listeners = append(c.Listeners, Listener{Name: "SECOND", Addr: "broker:0"}) })
	must(t, g.s.Listen())
	if a := g.s.Addrs(); len(a) != 2 || a[0].String() != "broker:9092" || strings.HasSuffix(a[1].String(), ":0") {
		t.Errorf("addresses %v", a)
	}
	must(t, g.s.Shutdown(t.Context()))
}
