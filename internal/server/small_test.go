package server

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestLogLinesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := limitedLog{log: slog.New(slog.NewTextHandler(&out, nil))}
		for range 100 {
			l.warn("closed")
		}
		if n := strings.Count(out.String(), "closed"); n != logBurst {
			t.Errorf("%d lines in a burst", n)
		}
		time.Sleep(logInterval)
		l.warn("later", "key", "value")
		if s := out.String(); !strings.Contains(s, "msg=later key=value suppressed=90") {
			t.Errorf("log:\n%s", s)
		}
	})
}

func TestClosedConnectionsAreLogged(t *testing.T) {
	var out bytes.Buffer
	log := func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) }
	bubble(t, echo, log, func(t *testing.T, g *rig) {
		c := g.dial()
		c.write([]byte("GET / HTTP/1.1\r\n"))
		c.wantEnd()
		synctest.Wait()
		for _, part := range []string{`reason="bad frame"`, "listener=PLAINTEXT", "remote=client:"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("log lacks %s:\n%s", part, &out)
			}
		}
	})
}

func TestBufferClasses(t *testing.T) {
	var p bufferPool
	for _, n := range []int{0, 1, 511, 512, 513, 640, 641, 4096, 4097, 1 << 20, 1<<20 + 1, 1 << maxClass, 1<<maxClass + 1} {
		b := p.get(n)
		if len(b.b) < n || len(b.b) > max(n+n/4, 512) {
			t.Errorf("get(%d) gives %d bytes", n, len(b.b))
		}
		p.put(b)
	}
	for c := range p.classes {
		if size := classSize(c); class(size) != c || c > 0 && class(size-1) != c || class(size+1) != c+1 {
			t.Errorf("class %d of %d bytes: %d, and %d and %d for a byte less and more", c, size, class(size), class(size-1), class(size+1))
		}
	}
}

// TestBudgetAgainstModel acquires and releases at random and checks that the
// limit holds, and that the first in the queue waits only while it must.
func TestBudgetAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 100
		b := &budget{limit: limit}
		type claim struct {
			n      int64
			cancel context.CancelFunc
			done   chan error
		}
		var waiting, held []claim
		settle := func() { // moves what was served from waiting to held
			for len(waiting) > 0 {
				b.mu.Lock()
				queued := len(b.waiters)
				b.mu.Unlock()
				if queued == len(waiting) {
					return
				}
				if err := <-waiting[0].done; err != nil {
					t.Fatal(err)
				}
				held, waiting = append(held, waiting[0]), waiting[1:]
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"acquire": func(t *rapid.T) {
				ctx, cancel := context.WithCancel(context.Background())
				c := claim{rapid.Int64Range(1, 150).Draw(t, "n"), cancel, make(chan error, 1)}
				b.mu.Lock()
				queued, free := len(b.waiters), len(b.waiters) == 0 && b.fitsLocked(c.n)
				b.mu.Unlock()
				go func() { c.done <- b.acquire(ctx, c.n) }()
				waiting = append(waiting, c)
				if !free { // until it is in the queue
					for _, n := b.state(); n == queued; _, n = b.state() {
						continue
					}
				} else if err := <-c.done; err != nil {
					t.Fatal(err)
				} else {
					held, waiting = append(held, c), waiting[:len(waiting)-1]
				}
			},
			"release": func(t *rapid.T) {
				if len(held) == 0 {
					return
				}
				i := rapid.IntRange(0, len(held)-1).Draw(t, "i")
				c := held[i]
				held = append(held[:i], held[i+1:]...)
				c.cancel()
				b.release(0, c.n)
			},
			"give up": func(t *rapid.T) {
				if len(waiting) == 0 {
					return
				}
				i := rapid.IntRange(0, len(waiting)-1).Draw(t, "i")
				c := waiting[i]
				waiting = append(waiting[:i], waiting[i+1:]...)
				c.cancel()
				if err := <-c.done; err == nil {
					t.Fatal("acquired after giving up")
				}
			},
			"": func(t *rapid.T) {
				settle()
				var sum int64
				for _, c := range held {
					sum += c.n
				}
				used, queued := b.state()
				if used != sum || sum > limit && len(held) > 1 {
					t.Fatalf("%d bytes held, %d counted, by %d", sum, used, len(held))
				}
				if queued != len(waiting) {
					t.Fatalf("%d wait, %d counted", len(waiting), queued)
				}
				if len(waiting) > 0 && (sum == 0 || sum+waiting[0].n <= limit) {
					t.Fatalf("first in the queue wants %d with %d used", waiting[0].n, sum)
				}
			},
		})
		for _, c := range waiting {
			c.cancel()
			<-c.done
		}
	})
}
