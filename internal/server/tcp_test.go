package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/wire"
)

// overTCP starts a server on the loopback interface.
func overTCP(t testing.TB, h handlerFunc, adjust func(*Config)) *rig {
	t.Helper()
	g := newRig(t, h, func(c *Config) {
		c.Network = nil
		c.Listeners = []Listener{{Name: "PLAINTEXT", Addr: "127.0.0.1:0"}}
		if adjust != nil {
			adjust(c)
		}
	})
	must(t, g.s.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := g.s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return g
}

func (g *rig) dialTCP() *client {
	g.t.Helper()
	nc, err := netx.TCP().DialContext(context.Background(), g.s.Addrs()[0].String())
	must(g.t, err)
	g.t.Cleanup(func() { _ = nc.Close() }) // some tests have closed it
	return &client{t: g.t, Conn: nc}
}

// pieces is an answer of borrowed slices.
type pieces []string

func (a pieces) Encode(w *wire.Buffers) error {
	for i, p := range a {
		if i%2 == 0 {
			w.Borrow([]byte(p))
		} else if err := text(p).Encode(w); err != nil {
			return err
		}
	}
	return nil
}

func TestTCP(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 200_000)
	handle := func(ctx context.Context, r *api.Request) api.Reply {
		if string(r.Body) == "pieces" {
			return api.Reply{Now: pieces{"a", "b", large, "c", "d"}}
		}
		return echo(ctx, r)
	}
	g := overTCP(t, handle, func(c *Config) { c.Limits.SendBuffer, c.Limits.ReceiveBuffer = 64<<10, 64<<10 })
	var wg sync.WaitGroup
	for range 4 {
		c := g.dialTCP()
		wg.Go(func() {
			for range 5 {
				c.ask("small")
				c.ask(large)
				c.want(c.send(metadataKey, "pieces"), "ab"+large+"cd")
			}
		})
	}
	wg.Wait()
}

// certificate makes a self-signed one for 127.0.0.1.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	closed := make(chan Reason, 2)
	handle := func(ctx context.Context, r *api.Request) api.Reply {
		if string(r.Body) == "pieces" {
			return api.Reply{Now: pieces{"a", "b", "c"}}
		}
		return echo(ctx, r)
	}
	g := overTCP(t, handle, func(c *Config) {
		c.Listeners[0].TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		c.Observer.Closed = func(_ string, why Reason) { closed <- why }
	})
	plain := g.dialTCP()
	plain.write(request(metadataKey, 1, 1, "no handshake"))
	if why := <-closed; why != Handshake {
		t.Errorf("closed for %q", why)
	}
	raw := g.dialTCP()
	secure := tls.Client(raw.Conn, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
	c := &client{t: t, Conn: secure}
	c.ask("secret")
	c.ask(strings.Repeat("x", 1<<20))
	c.want(c.send(metadataKey, "pieces"), "abc")
	must(t, c.Close())
	if why := <-closed; why != ByClient {
		t.Errorf("closed for %q", why)
	}
}

func TestAPanicInTheHandshakeClosesItsConnection(t *testing.T) {
	closed := make(chan Reason, 1)
	g := overTCP(t, echo, func(c *Config) {
		c.Listeners[0].TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("no certificate") }}
		c.Observer.Closed = func(_ string, why Reason) { closed <- why }
	})
	secure := tls.Client(g.dialTCP().Conn, &tls.Config{ServerName: "127.0.0.1"})
	if err := secure.Handshake(); err == nil {
		t.Error("the handshake succeeded")
	}
	if why := <-closed; why != Panic {
		t.Errorf("closed for %q", why)
	}
}

// FuzzConnection sends arbitrary bytes over a connection: the server must
// survive, give back all memory, and answer at most what was asked.
func FuzzConnection(f *testing.F) {
	f.Add(request(metadataKey, 1, 1, "body"))
	f.Add(append(produceFrame(1, "a"), produceFrame(2, "b")...))
	f.Add(request(apiVersionsKey, 99, 7, "\x00"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(bytes.Repeat([]byte{0xFF}, 600))
	f.Add([]byte{0, 0, 0, 10, 0, 18, 0, 3, 0, 0, 0, 1, 0xFF, 0xFF, 0x7F})
	f.Fuzz(func(t *testing.T, data []byte) {
		g := newRig(t, echo, nil)
		must(t, g.s.Start())
		c := g.dial()
		go func() {
			_, _ = c.Write(data) // the server may close before it has read all
			_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		for answers := 0; ; answers++ {
			if _, _, err := c.receive(); err != nil {
				break
			}
			if answers > len(data)/10 {
				t.Fatal("more answers than requests")
			}
		}
		must(t, c.Close())
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(t, g.s.Shutdown(ctx))
		if st := g.s.Stats(); st != (Stats{}) || len(g.panics) > 0 {
			t.Fatalf("left %+v, panics %v", st, g.panics)
		}
	})
}

// BenchmarkPingPong is one request after the other over loopback TCP.
func BenchmarkPingPong(b *testing.B) {
	for name, key := range map[string]int16{"barrier": metadataKey, "produce": produceKey} {
		b.Run(name, func(b *testing.B) {
			handle := echo
			if key == produceKey {
				handle = func(_ context.Context, r *api.Request) api.Reply {
					return api.Reply{Wait: func(context.Context) api.Response { return text("acknowledged") }}
				}
			}
			c := overTCP(b, handle, unobserved).dialTCP()
			body := strings.Repeat("x", 100)
			b.ReportAllocs()
			for b.Loop() {
				c.send(key, body)
				if _, _, err := c.receive(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIngest sends 1 MiB produce requests, five in flight.
func BenchmarkIngest(b *testing.B) {
	handle := func(_ context.Context, r *api.Request) api.Reply {
		return api.Reply{Wait: func(context.Context) api.Response { return text("acknowledged") }}
	}
	c := overTCP(b, handle, unobserved).dialTCP()
	frame := produceFrame(1, strings.Repeat("x", 1<<20))
	b.SetBytes(int64(len(frame)))
	inFlight := make(chan struct{}, 5)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range inFlight {
			if _, _, err := c.receive(); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	for b.Loop() {
		inFlight <- struct{}{}
		c.write(frame)
	}
	close(inFlight)
	<-done
}

func unobserved(c *Config) { c.Observer, c.PoisonFrames = Observer{}, false }

// BenchmarkIdleConnections reports the memory of 5,000 connections that have
// had one request answered, on the server's side and without the kernel's.
func BenchmarkIdleConnections(b *testing.B) {
	const conns = 5000
	inUse := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse + m.StackInuse)
	}
	g := overTCP(b, echo, unobserved)
	for b.Loop() {
		before := inUse()
		var clients []*client
		for range conns {
			nc, err := netx.TCP().DialContext(context.Background(), g.s.Addrs()[0].String())
			must(b, err)
			c := &client{t: b, Conn: nc}
			c.ask("hello")
			clients = append(clients, c)
		}
		// The client ends are in this process too: about 600 bytes each.
		b.ReportMetric((inUse()-before)/conns, "B/conn")
		for _, c := range clients {
			must(b, c.Close())
		}
		for g.s.Stats().Connections > 0 {
			runtime.Gosched()
		}
	}
}
