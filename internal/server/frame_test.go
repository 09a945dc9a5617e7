package server

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/api"
)

func TestGarbageClosesTheConnection(t *testing.T) {
	size := func(n uint32, rest string) string {
		return string(binary.BigEndian.AppendUint32(nil, n)) + rest
	}
	tests := []struct {
		name, bytes string
		why         Reason
	}{
		{"http", "GET / HTTP/1.1\r\nHost: broker\r\n\r\n", BadFrame},
		{"tls hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", BadFrame},
		{"negative size", size(0xFFFFFFFF, ""), BadFrame},
		{"two gigabytes", size(0x7FFFFFFF, "xx"), BadFrame},
		{"above the limit", size(100<<20+1, "xx"), BadFrame},
		{"first frame too large", size(1<<20, string(request(metadataKey, 1, 1, "")[4:])), BadFrame},
		{"first frame large, of an unknown version", size(1<<20, string(request(produceKey, 99, 1, "")[4:])), BadFrame},
		{"empty frame", size(0, ""), BadRequest},
		{"half a header", size(5, "\x00\x03\x00\x01\x00"), BadRequest},
		{"client id beyond the frame", size(10, "\x00\x03\x00\x01\x00\x00\x00\x01\x7f\xff"), BadRequest},
		{"unknown API key", string(request(999, 0, 1, "")), BadRequest},
		{"unknown version", string(request(metadataKey, 99, 1, "")), BadRequest},
		{"half a frame, then the end", size(100, "xx"), ByClient},
		{"half a size, then the end", "\x00\x00", ByClient},
		{"nothing, then the end", "", ByClient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, echo, nil, func(t *testing.T, g *rig) {
				other := g.dial()
				other.ask("before")
				c := g.dial()
				c.write([]byte(tt.bytes))
				if tt.why == ByClient {
					must(t, c.Conn.(interface{ CloseWrite() error }).CloseWrite())
				}
				c.wantEnd()
				g.wantClosed(tt.why)
				if st := g.s.Stats(); st.RequestMemory != 0 {
					t.Errorf("%d bytes of frames kept", st.RequestMemory)
				}
				other.ask("after")
			})
		})
	}
}

func TestUnknownVersionOfAPIVersionsReachesTheHandler(t *testing.T) {
	handle := func(_ context.Context, r *api.Request) api.Reply {
		if r.Key == apiVersionsKey && r.Version == 99 {
			return api.Reply{Now: text("35")}
		}
		return api.Reply{Close: true}
	}
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		c.write(request(apiVersionsKey, 99, 7, "\x00"))
		c.want(7, "35")
	})
}

func TestFirstFrame(t *testing.T) {
	limit := func(c *Config) { c.Limits.MaxFirstFrameBytes = 1000 }
	large := strings.Repeat("x", 2000)
	t.Run("a produce may be large", func(t *testing.T) {
		bubble(t, echo, limit, func(t *testing.T, g *rig) {
			c := g.dial()
			c.want(c.send(produceKey, large), large)
		})
	})
	t.Run("even in two pieces", func(t *testing.T) {
		bubble(t, echo, limit, func(t *testing.T, g *rig) {
			c := g.dial()
			f := produceFrame(1, large)
			c.write(f[:6])
			synctest.Wait()
			c.write(f[6:])
			c.want(1, large)
		})
	})
	t.Run("after an answer everything may", func(t *testing.T) {
		bubble(t, echo, limit, func(t *testing.T, g *rig) {
			c := g.dial()
			c.ask("hello")
			c.ask(large)
		})
	})
}

func TestAnnouncedSizeAllocatesNothing(t *testing.T) {
	bubble(t, echo, nil, func(t *testing.T, g *rig) {
		const conns = 100
		for range conns {
			c := g.dial()
			c.ask("hello")
			c.write([]byte{0x06, 0x40, 0, 0}) // 100 MiB
			c.write(make([]byte, 100))
		}
		synctest.Wait()
		if st := g.s.Stats(); st.RequestMemory != conns*uncharged {
			t.Errorf("%d bytes charged for %d announced frames, want %d each", st.RequestMemory, conns, uncharged)
		}
	})
}

func TestSlowSender(t *testing.T) {
	// trickle sends a frame in pieces and returns how long the server put up with it.
	trickle := func(g *rig, frame []byte, piece int, pause time.Duration) time.Duration {
		c := g.dial()
		c.ask("hello")
		start := time.Now()
		ended := make(chan time.Time, 1)
		go func() {
			_, _, _ = c.receive()
			ended <- time.Now()
		}()
		for len(frame) > 0 {
			n := min(piece, len(frame))
			if _, err := c.Write(frame[:n]); err != nil {
				break
			}
			frame = frame[n:]
			time.Sleep(pause)
		}
		return (<-ended).Sub(start)
	}
	t.Run("below the minimum rate", func(t *testing.T) {
		bubble(t, echo, nil, func(t *testing.T, g *rig) {
			took := trickle(g, request(metadataKey, 1, 1, strings.Repeat("x", 50_000)), 100, time.Second)
			if took < defaultReadGrace || took > 2*defaultReadGrace {
				t.Errorf("cut after %v", took)
			}
			g.wantClosed(SlowSender)
		})
	})
	t.Run("above it", func(t *testing.T) {
		bubble(t, echo, nil, func(t *testing.T, g *rig) {
			took := trickle(g, request(metadataKey, 1, 1, strings.Repeat("x", 50_000)), 1100, time.Second)
			if took < 40*time.Second {
				t.Errorf("ended after %v", took)
			}
			g.wantClosed()
		})
	})
	t.Run("in the size", func(t *testing.T) {
		bubble(t, echo, nil, func(t *testing.T, g *rig) {
			took := trickle(g, []byte{0, 0}, 1, time.Second)
			if took > 2*defaultReadGrace {
				t.Errorf("cut after %v", took)
			}
			g.wantClosed(SlowSender)
		})
	})
	t.Run("stopped", func(t *testing.T) {
		bubble(t, echo, nil, func(t *testing.T, g *rig) {
			took := trickle(g, request(metadataKey, 1, 1, "whole")[:11], 100, 0)
			if took > 2*defaultReadGrace {
				t.Errorf("cut after %v", took)
			}
			g.wantClosed(SlowSender)
		})
	})
	t.Run("no minimum rate", func(t *testing.T) {
		unlimited := func(c *Config) { c.Limits.MinRate = 0 }
		bubble(t, echo, unlimited, func(t *testing.T, g *rig) {
			took := trickle(g, request(metadataKey, 1, 1, strings.Repeat("x", 2000)), 1, time.Second)
			if idle := g.s.cfg.Limits.IdleTimeout; took < idle || took > idle+defaultReadGrace {
				t.Errorf("cut after %v, want the idle limit", took)
			}
		})
	})
}

func TestIdleTimeout(t *testing.T) {
	bubble(t, echo, nil, func(t *testing.T, g *rig) {
		idle := g.s.cfg.Limits.IdleTimeout
		c := g.dial()
		start := time.Now()
		for range 5 { // activity postpones the end
			time.Sleep(idle * 3 / 10)
			c.ask("still here")
		}
		last := time.Now()
		c.wantEnd()
		if d := time.Since(last); d < idle || d > idle+idle/100 {
			t.Errorf("closed %v after the last request, want %v", d, idle)
		}
		if time.Since(start) < 2*idle {
			t.Error("activity did not postpone the end")
		}
		g.wantClosed(Idle)
	})
}

// TestFramesInPieces sends frames of all sizes cut at random places.
func TestFramesInPieces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	sizes := []int{0, 1, 100, 490, 498, 499, 500, 600, 4000, 4096, 5000, 16 << 10, 17 << 10, 100 << 10, 300 << 10, 3 << 20, 10}
	limit := func(c *Config) { c.Limits.RequestMemory = 1 << 20 }
	bubble(t, echo, limit, func(t *testing.T, g *rig) {
		c := g.dial()
		c.ask("hello")
		for range 10 {
			rnd.Shuffle(len(sizes), func(i, j int) { sizes[i], sizes[j] = sizes[j], sizes[i] })
			var stream []byte
			bodies := make([]string, len(sizes))
			for i, n := range sizes {
				b := make([]byte, n)
				for k := range b {
					b[k] = byte(rnd.Uint32())
				}
				bodies[i] = string(b)
				stream = append(stream, request(metadataKey, 1, int32(i), bodies[i])...)
			}
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for len(stream) > 0 {
					n := 1 + rnd.IntN(min(len(stream), 1+rnd.IntN(200_000)))
					c.write(stream[:n])
					stream = stream[n:]
					if rnd.IntN(3) == 0 {
						time.Sleep(time.Millisecond) // lets the server read what is there
					}
				}
			}()
			for i, b := range bodies {
				c.want(int32(i), b)
			}
			<-sent
		}
	})
}

func TestFramesArePoisonedWhenReleased(t *testing.T) {
	var kept []byte
	handle := func(ctx context.Context, r *api.Request) api.Reply {
		kept = r.Body
		return echo(ctx, r)
	}
	bubble(t, handle, nil, func(t *testing.T, g *rig) {
		c := g.dial()
		c.ask("kept by the handler")
		synctest.Wait()
		for i, b := range kept {
			if b != poison {
				t.Fatalf("byte %d of a released frame is %#x", i, b)
			}
		}
	})
}
