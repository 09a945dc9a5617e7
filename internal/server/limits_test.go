package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/netx"
)

func TestConnectionLimits(t *testing.T) {
	limit := func(c *Config) {
		c.Limits.MaxConnections, c.Limits.MaxConnectionsPerIP = 4, 2
		c.Limits.PerIPOverrides = map[string]int{"many": 3, "none": 0}
	}
	bubble(t, echo, limit, func(t *testing.T, g *rig) {
		first := g.dialFrom("a")
		first.ask("1")
		g.dialFrom("a").ask("2")
		g.dialFrom("a").wantEnd()
		g.dialFrom("none").wantEnd()
		g.dialFrom("many").ask("3")
		g.dialFrom("many").ask("4")
		g.dialFrom("many").wantEnd()
		synctest.Wait()
		if want := []Reason{TooManyPerIP, TooManyPerIP, TooMany}; !slices.Equal(g.rejected, want) {
			t.Errorf("rejected for %q, want %q", g.rejected, want)
		}
		// A closed connection makes room, in total and for its address.
		must(t, first.Close())
		synctest.Wait()
		g.dialFrom("a").ask("again")
		g.dialFrom("a").wantEnd()
	})
}

func TestSetLimits(t *testing.T) {
	bubble(t, echo, nil, func(t *testing.T, g *rig) {
		g.dial().ask("1")
		l := DefaultLimits()
		l.MaxConnections = 1
		g.s.SetLimits(l)
		g.dial().wantEnd()
	})
}

// Kafka's way to say that idle connections stay open.
func TestNoIdleTimeout(t *testing.T) {
	v, errs := confkey.NewBroker(map[string]string{"connections.max.idle.ms": "-1"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	limit := func(c *Config) { c.Limits = LimitsFrom(v) }
	bubble(t, echo, limit, func(t *testing.T, g *rig) {
		c := g.dial()
		c.ask("first")
		time.Sleep(30 * 24 * time.Hour)
		c.ask("after a month")
		f := request(metadataKey, 1, 7, "in two parts")
		c.write(f[:3])
		time.Sleep(defaultReadGrace / 2)
		c.write(f[3:])
		c.want(7, "in two parts")
		g.wantClosed()
	})
	g := newRig(t, echo, limit)
	g.s.cfg.Network, g.s.cfg.Listeners[0].Addr = netx.TCP(), "127.0.0.1:0"
	must(t, g.s.Start())
	nc, err := netx.TCP().DialContext(t.Context(), g.s.Addrs()[0].String())
	must(t, err)
	c := &client{t: t, Conn: nc}
	c.ask("first")
	time.Sleep(3 * restSoon) // in real time: the deadlines are the kernel connection's
	c.ask("after a rest")
	must(t, c.Close())
	must(t, g.s.Shutdown(t.Context()))
}

func TestAcceptRate(t *testing.T) {
	limit := func(c *Config) { c.Limits.MaxAcceptRate = 5 }
	bubble(t, echo, limit, func(t *testing.T, g *rig) {
		start := time.Now()
		for i := range 15 {
			g.dial().ask(fmt.Sprint(i))
		}
		if d := time.Since(start); d < 1900*time.Millisecond || d > 2100*time.Millisecond {
			t.Errorf("15 connections at 5 per second after a burst of 5 took %v", d)
		}
	})
}

func TestAcceptRateChanges(t *testing.T) {
	bubble(t, echo, nil, func(t *testing.T, g *rig) {
		took := func(perSecond, n int) time.Duration {
			l := DefaultLimits()
			l.MaxAcceptRate = perSecond
			g.s.SetLimits(l)
			g.dial().ask("the turn that was waited for before") // an accept loop waits its turn first
			start := time.Now()
			for i := range n {
				g.dial().ask(fmt.Sprint(i))
			}
			return time.Since(start)
		}
		if d := took(5, 15); d < 1900*time.Millisecond || d > 2300*time.Millisecond {
			t.Errorf("15 connections at 5 per second after a burst of 5 took %v", d)
		}
		if d := took(0, 100); d > 200*time.Millisecond {
			t.Errorf("100 connections without a limit took %v", d)
		}
		if d := took(10, 20); d < 900*time.Millisecond || d > 1200*time.Millisecond {
			t.Errorf("20 connections at 10 per second after a burst of 10 took %v", d)
		}
	})
}

func TestSlowReceiver(t *testing.T) {
	large := strings.Repeat("x", 3<<20)
	handle := func(context.Context, *api.Request) api.Reply { return api.Reply{Now: text(large)} }
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		c.send(metadataKey, "")
		time.Sleep(defaultWriteGrace * 3 / 4)
		g.wantClosed()
		time.Sleep(defaultWriteGrace)
		g.wantClosed(SlowReceiver)

		patient := g.dial()
		patient.send(metadataKey, "")
		time.Sleep(defaultWriteGrace / 2)
		patient.want(1, large)
	})
}

func TestMemoryBudget(t *testing.T) {
	h := newGates()
	const budget = 100 << 10
	limit := func(c *Config) { c.Limits.RequestMemory = budget }
	bubble(t, h.handle, limit, func(t *testing.T, g *rig) {
		connect := func() *client {
			c := g.dial()
			c.want(c.send(metadataKey, "now"), "now")
			return c
		}
		body := func(name string, n int) string { return name + strings.Repeat("x", n) }
		handled := func() (names string) {
			for _, s := range strings.Fields(h.seen()) {
				if s != "now" {
					names += s[:1]
				}
			}
			return names
		}
		a, b, c, d := connect(), connect(), connect(), connect()
		a.send(produceKey, body("a", 80<<10))
		synctest.Wait()
		b.send(produceKey, body("b", 100<<10))
		synctest.Wait()
		c.send(produceKey, body("c", 36<<10)) // would fit, but b came first
		synctest.Wait()
		if got := handled(); got != "a" {
			t.Errorf("handled %q, want only what fits", got)
		}
		if st := g.s.Stats(); st.MemoryWaiters != 2 {
			t.Errorf("stats %+v, want two waiters", st)
		}
		small := d.send(produceKey, body("now d", 10<<10)) // small requests pass
		d.want(small, body("now d", 10<<10))
		h.open(body("a", 80<<10))
		a.want(2, body("a", 80<<10))
		synctest.Wait()
		if got := handled(); got != "adb" {
			t.Errorf("handled %q, want b after a", got)
		}
		h.open(body("b", 100<<10))
		h.open(body("c", 36<<10))
		b.want(2, body("b", 100<<10))
		c.want(2, body("c", 36<<10))
		huge := body("now huge", 3*budget) // larger than the budget, alone
		a.want(a.send(produceKey, huge), huge)
	})
}

func TestWaitingForMemoryEndsWithTheConnection(t *testing.T) {
	h := newGates()
	limit := func(c *Config) { c.Limits.RequestMemory = 50 << 10 }
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, h.handle, limit)
		must(t, g.s.Start())
		holder, waiter := g.dial(), g.dial()
		holder.send(produceKey, "h"+strings.Repeat("x", 45<<10))
		synctest.Wait()
		waiter.send(produceKey, "w"+strings.Repeat("x", 45<<10))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.s.Shutdown(ctx); err == nil {
			t.Error("a stuck request was not cut off")
		}
		if st := g.s.Stats(); st != (Stats{}) {
			t.Errorf("left over: %+v", st)
		}
	})
}

// TestHoldersOfMemoryMustHurryWhileOthersWait: reserving memory by announcing
// frames must cost real bandwidth.
func TestHoldersOfMemoryMustHurryWhileOthersWait(t *testing.T) {
	limit := func(c *Config) { c.Limits.RequestMemory = 1 << 20 }
	bubble(t, echo, limit, func(t *testing.T, g *rig) {
		hog, victim := g.dial(), g.dial()
		hog.ask("hello")
		victim.ask("hello")
		hog.write(request(metadataKey, 1, 1, strings.Repeat("x", 1<<20))[:100<<10])
		synctest.Wait()
		hogged := make(chan struct{})
		go func() { // two kilobytes per second: twice the ordinary minimum
			defer close(hogged)
			for {
				if _, err := hog.Write(make([]byte, 2<<10)); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		start := time.Now()
		victim.ask(strings.Repeat("v", 100<<10))
		if d := time.Since(start); d > 3*defaultReadGrace {
			t.Errorf("waited %v for memory held by a slow frame", d)
		}
		<-hogged
		g.wantClosed(SlowSender)
	})
}

func TestLimitsFrom(t *testing.T) {
	v, errs := confkey.NewBroker(map[string]string{
		"socket.request.max.bytes":              "1000",
		"queued.max.request.bytes":              "-1",
		"max.connections":                       "7",
		"max.connections.per.ip.overrides":      "10.0.0.1:3, ::1:4, [2001:DB8:0::7]:5, ::ffff:10.0.0.2:6",
		"max.connection.creation.rate":          "0",
		"connections.max.idle.ms":               "5000",
		"milena.request.min.rate.bytes.per.sec": "0",
		"socket.send.buffer.bytes":              "4096",
	})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	l := LimitsFrom(v)
	if l.MaxFrameBytes != 1000 || l.RequestMemory != -1 || l.MaxConnections != 7 || l.MaxAcceptRate != 0 ||
		l.IdleTimeout != 5*time.Second || l.MinRate != 0 || l.SendBuffer != 4096 || l.ReceiveBuffer != 0 {
		t.Errorf("limits %+v", l)
	}
	if l.PerIPOverrides["10.0.0.1"] != 3 || l.PerIPOverrides["::1"] != 4 || l.PerIPOverrides["2001:db8::7"] != 5 || l.PerIPOverrides["10.0.0.2"] != 6 {
		t.Errorf("overrides %v", l.PerIPOverrides)
	}
	none, errs := confkey.NewBroker(nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, want := fmt.Sprintf("%+v", LimitsFrom(none)), fmt.Sprintf("%+v", withNoOverrides(DefaultLimits())); got != want {
		t.Errorf("defaults of the keys %s\ndiffer from DefaultLimits %s", got, want)
	}
}

// What is asked for counts. Else only those get a buffer of a fixed size whom it
// can't hold up, if the system allows it.
func TestSendBuffer(t *testing.T) {
	fixed := 0
	if netx.SendBufferAllowed(nearSendBuffer) {
		fixed = nearSendBuffer
	}
	for _, c := range []struct {
		wanted int
		rtt    time.Duration
		known  bool
		want   int
	}{
		{0, 30 * time.Microsecond, true, fixed},
		{0, near, true, fixed},
		{0, near + 1, true, 0},
		{0, 80 * time.Millisecond, true, 0},
		{0, 0, false, 0},
		{-1, 30 * time.Microsecond, true, 0},
		{102400, 30 * time.Microsecond, true, 102400},
		{102400, 80 * time.Millisecond, true, 102400},
	} {
		if got := sendBuffer(c.wanted, func() (time.Duration, bool) { return c.rtt, c.known }); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func withNoOverrides(l Limits) Limits {
	l.PerIPOverrides = map[string]int{}
	return l
}
