package netx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair connects host a to a listener on host b.
func pair(t testing.TB, m *Mem) (client, server net.Conn) {
	t.Helper()
	l, err := m.Listen("b:9092")
	must(t, err)
	defer l.Close()
	client, err = m.Host("a").DialContext(context.Background(), "b:9092")
	must(t, err)
	server, err = l.Accept()
	must(t, err)
	return client, server
}

// bubble runs a test with a connected pair in virtual time.
func bubble(t *testing.T, test func(t *testing.T, m *Mem, client, server net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMem()
		client, server := pair(t, m)
		test(t, m, client, server)
		_ = client.Close() // some tests closed it
		_ = server.Close()
	})
}

func read(t testing.TB, c net.Conn, n int) string {
	t.Helper()
	buf := make([]byte, n)
	_, err := io.ReadFull(c, buf)
	must(t, err)
	return string(buf)
}

func write(t testing.TB, c net.Conn, s string) {
	t.Helper()
	_, err := c.Write([]byte(s))
	must(t, err)
}

func TestBothNetworksCarryBytes(t *testing.T) {
	for name, nw := range map[string]Network{"tcp": TCP(), "mem": NewMem()} {
		t.Run(name, func(t *testing.T) {
			l, err := nw.Listen("127.0.0.1:0")
			must(t, err)
			payload := make([]byte, 3<<20)
			for i := range payload {
				payload[i] = byte(rand.Uint32())
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				c, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if _, err := io.Copy(c, c); err != nil {
					t.Error(err)
				}
			})
			c, err := nw.DialContext(t.Context(), l.Addr().String())
			must(t, err)
			if c.RemoteAddr().String() != l.Addr().String() {
				t.Errorf("remote %s, listener %s", c.RemoteAddr(), l.Addr())
			}
			wg.Go(func() {
				_, err := c.Write(payload)
				if err == nil {
					err = c.(interface{ CloseWrite() error }).CloseWrite()
				}
				if err != nil {
					t.Error(err)
				}
			})
			sum := sha256.New()
			_, err = io.Copy(sum, c)
			must(t, err)
			if want := sha256.Sum256(payload); !bytes.Equal(sum.Sum(nil), want[:]) {
				t.Error("echo differs")
			}
			wg.Wait()
			must(t, c.Close())
			must(t, l.Close())
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept after Close: %v", err)
			}
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("second Close: %v", err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	m := NewMem()
	l, err := m.Listen("0.0.0.0:9092")
	must(t, err)
	defer l.Close()
	if _, err := m.Listen(":9092"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listener: %v", err)
	}
	for _, host := range []string{"localhost", "b1", "127.0.0.1"} {
		c, err := m.DialContext(t.Context(), host+":9092")
		must(t, err)
		if got := c.RemoteAddr().String(); got != host+":9092" {
			t.Errorf("remote %s", got)
		}
		if host, _, _ := net.SplitHostPort(c.LocalAddr().String()); host != "client" {
			t.Errorf("local host %s", host)
		}
		must(t, c.Close())
	}
	if _, err := m.DialContext(t.Context(), "b1:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling a free port: %v", err)
	}
	if _, err := m.DialContext(t.Context(), "nonsense"); err == nil {
		t.Error("dialled an address without a port")
	}
	if _, err := m.Listen("nonsense"); err == nil {
		t.Error("listened on an address without a port")
	}
}

func TestWriterBlocksWhenTheBufferIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Mem, client, server net.Conn) {
		done := make(chan error, 1)
		go func() {
			_, err := client.Write(make([]byte, maxBuffer+1))
			done <- err
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("more than the buffer was accepted")
		default:
		}
		read(t, server, 1)
		must(t, <-done)
	})
}

func TestCloseDeliversWhatWasWritten(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Mem, client, server net.Conn) {
		write(t, client, "bye")
		must(t, client.Close())
		if got := read(t, server, 3); got != "bye" {
			t.Errorf("read %q", got)
		}
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the last byte: %v", err)
		}
		if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer: %v", err)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read on a closed end: %v", err)
		}
		if err := client.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestCloseWakesBlockedCalls(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Mem, client, _ net.Conn) {
		errs := make(chan error, 2)
		go func() {
			_, err := client.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := client.Write(make([]byte, 2*maxBuffer))
			errs <- err
		}()
		synctest.Wait()
		must(t, client.Close())
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("blocked call returned %v", err)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	bubble(t, func(t *testing.T, _ *Mem, client, server net.Conn) {
		start := time.Now()
		must(t, client.SetReadDeadline(start.Add(time.Minute)))
		_, err := client.Read(make([]byte, 1))
		timeout, ok := errors.AsType[net.Error](err)
		if !ok || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("timed out after %v", d)
		}
		must(t, client.SetReadDeadline(time.Time{}))
		write(t, server, "x")
		read(t, client, 1)

		// Moving a deadline while a call waits takes effect on that call.
		must(t, client.SetDeadline(time.Now().Add(time.Hour)))
		errs := make(chan error, 1)
		go func() {
			_, err := client.Write(make([]byte, 2*maxBuffer))
			errs <- err
		}()
		synctest.Wait()
		must(t, client.SetWriteDeadline(time.Now().Add(-1)))
		if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("write waited %v", d-time.Minute)
		}
	})
}

func TestDelay(t *testing.T) {
	bubble(t, func(t *testing.T, m *Mem, client, server net.Conn) {
		m.Delay("a", "b", 30*time.Millisecond)
		start := time.Now()
		write(t, client, "one")
		time.Sleep(10 * time.Millisecond)
		write(t, client, "two")
		read(t, server, 3)
		if d := time.Since(start); d != 30*time.Millisecond {
			t.Errorf("first bytes after %v", d)
		}
		read(t, server, 1)
		if d := time.Since(start); d != 40*time.Millisecond {
			t.Errorf("second bytes after %v", d)
		}
		read(t, server, 2)
		m.Delay("a", "b", 0)
		write(t, client, "x")
		read(t, server, 1)
		if d := time.Since(start); d != 40*time.Millisecond {
			t.Errorf("undelayed byte after %v", d)
		}
	})
}

func TestCutAndHeal(t *testing.T) {
	bubble(t, func(t *testing.T, m *Mem, client, server net.Conn) {
		m.Cut("b", "a")
		write(t, client, "lost?")
		must(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read over a cut link: %v", err)
		}
		must(t, client.Close()) // the peer can't know
		must(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a close crossed a cut link: %v", err)
		}
		m.Heal("a", "b")
		must(t, server.SetReadDeadline(time.Time{}))
		if got := read(t, server, 5); got != "lost?" {
			t.Errorf("after healing: %q", got)
		}
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after healing: %v", err)
		}
	})
}

func TestHalfOpen(t *testing.T) {
	bubble(t, func(t *testing.T, m *Mem, client, server net.Conn) {
		m.HalfOpen("a", "b")
		write(t, server, "down")
		read(t, client, 4)
		write(t, client, "up")
		must(t, server.SetReadDeadline(time.Now().Add(time.Second)))
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read from the silent direction: %v", err)
		}
	})
}

func TestReset(t *testing.T) {
	bubble(t, func(t *testing.T, m *Mem, client, server net.Conn) {
		m.Reset("c", "*") // somebody else
		write(t, client, "x")
		m.Reset("*", "a")
		for _, c := range []net.Conn{client, server} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read: %v", err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("write: %v", err)
			}
		}
	})
}

func TestDiallingOverABadLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMem()
		l, err := m.Listen("b:1")
		must(t, err)
		defer l.Close()
		m.Cut("a", "*")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := m.Host("a").DialContext(ctx, "b:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial over a cut link: %v", err)
		}
		m.Heal("a", "*")
		m.Delay("a", "b", 50*time.Millisecond)
		start := time.Now()
		c, err := m.Host("a").DialContext(t.Context(), "b:1")
		must(t, err)
		if d := time.Since(start); d != 100*time.Millisecond {
			t.Errorf("handshake took %v, want one round trip", d)
		}
		must(t, c.Close())

		m.Cut("a", "b")
		healed := make(chan error, 1)
		go func() {
			c, err := m.Host("a").DialContext(t.Context(), "b:1")
			if err == nil {
				err = c.Close()
			}
			healed <- err
		}()
		synctest.Wait()
		m.Heal("a", "b")
		must(t, <-healed)
	})
}

func TestClosedListenerResetsItsBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMem()
		l, err := m.Listen("b:1")
		must(t, err)
		c, err := m.DialContext(t.Context(), "b:1")
		must(t, err)
		must(t, l.Close())
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
	})
}

func BenchmarkPingPong(b *testing.B) {
	m := NewMem()
	client, server := pair(b, m)
	defer client.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close()
		buf := make([]byte, 100)
		for {
			if _, err := io.ReadFull(server, buf); err != nil {
				return
			}
			if _, err := server.Write(buf); err != nil {
				return
			}
		}
	})
	buf := make([]byte, 100)
	for b.Loop() {
		_, err := client.Write(buf)
		must(b, err)
		_, err = io.ReadFull(client, buf)
		must(b, err)
	}
	must(b, client.Close())
	wg.Wait()
}
