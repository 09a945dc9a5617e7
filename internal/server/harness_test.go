package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// API keys of requests in tests; all at versions with the plain header.
const (
	metadataKey  = 3
	heartbeatKey = 12
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// text is an answer whose body is its bytes.
type text string

func (a text) Encode(w *wire.Buffers) error {
	_, err := w.Write([]byte(a))
	return err
}

// handlerFunc is a Handler.
type handlerFunc func(ctx context.Context, r *api.Request) api.Reply

func (f handlerFunc) Handle(ctx context.Context, r *api.Request) api.Reply { return f(ctx, r) }

// echo answers every request with its own body.
func echo(_ context.Context, r *api.Request) api.Reply { return api.Reply{Now: text(r.Body)} }

// rig is a server on an in-memory network, with what its observer saw.
type rig struct {
	t   testing.TB
	net *netx.Mem
	s   *Server

	mu       sync.Mutex
	requests []RequestInfo
	closed   []Reason
	rejected []Reason
	panics   []any
}

// bubble runs a test in virtual time on a server with the given handler.
// Whatever the test leaves open is shut down.
func bubble(t *testing.T, h handlerFunc, adjust func(*Config), test func(t *testing.T, g *rig)) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, h, adjust)
		must(t, g.s.Start())
		defer func() { // also when the test gives up
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := g.s.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			if st := g.s.Stats(); st != (Stats{}) {
				t.Errorf("after shutdown the server holds %+v", st)
			}
		}()
		test(t, g)
	})
}

func newRig(t testing.TB, h handlerFunc, adjust func(*Config)) *rig {
	g := &rig{t: t, net: netx.NewMem()}
	cfg := Config{
		Network:   g.net,
		Listeners: []Listener{{Name: "PLAINTEXT", Addr: "broker:9092"}},
		Handler:   h,
		Limits:    DefaultLimits(),
		Observer: Observer{
			RequestDone: func(i RequestInfo) { g.note(func() { g.requests = append(g.requests, i) }) },
			Closed:      func(_ string, why Reason) { g.note(func() { g.closed = append(g.closed, why) }) },
			Rejected:    func(_ string, why Reason) { g.note(func() { g.rejected = append(g.rejected, why) }) },
			Panicked:    func(v any, _ []byte) { g.note(func() { g.panics = append(g.panics, v) }) },
		},
		PoisonFrames: true,
	}
	if adjust != nil {
		adjust(&cfg)
	}
	g.s = New(cfg)
	return g
}

func (g *rig) note(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// wantClosed checks why connections were closed so far.
func (g *rig) wantClosed(why ...Reason) {
	g.t.Helper()
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Equal(g.closed, why) {
		g.t.Errorf("connections closed for %q, want %q", g.closed, why)
	}
}

// client is a test's end of a connection.
type client struct {
	t testing.TB
	net.Conn
	corr int32
}

func (g *rig) dial() *client { return g.dialFrom("client") }

func (g *rig) dialFrom(host string) *client {
	g.t.Helper()
	nc, err := g.net.Host(host).DialContext(context.Background(), "broker:9092")
	must(g.t, err)
	return &client{t: g.t, Conn: nc}
}

// request is a frame with a null client id.
func request(key, version int16, corr int32, body string) []byte {
	f := binary.BigEndian.AppendUint32(nil, uint32(2+2+4+2+len(body)))
	f = binary.BigEndian.AppendUint16(f, uint16(key))
	f = binary.BigEndian.AppendUint16(f, uint16(version))
	f = binary.BigEndian.AppendUint32(f, uint32(corr))
	f = binary.BigEndian.AppendUint16(f, 0xFFFF)
	return append(f, body...)
}

func produceFrame(corr int32, body string) []byte { return request(produceKey, 8, corr, body) }

// send writes a request and returns its correlation id.
func (c *client) send(key int16, body string) int32 {
	c.t.Helper()
	c.write(c.next(key, body))
	return c.corr
}

// next is the frame of the next request.
func (c *client) next(key int16, body string) []byte {
	c.corr++
	version := map[int16]int16{produceKey: 8, fetchKey: 11, metadataKey: 1, heartbeatKey: 1, joinGroupKey: 1}[key]
	return request(key, version, c.corr, body)
}

func (c *client) write(p []byte) {
	c.t.Helper()
	_, err := c.Write(p)
	must(c.t, err)
}

// receive reads one answer.
func (c *client) receive() (corr int32, body string, err error) {
	var head [8]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return 0, "", err
	}
	rest := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	_, err = io.ReadFull(c, rest)
	return int32(binary.BigEndian.Uint32(head[4:])), string(rest), err
}

// want checks the next answer.
func (c *client) want(corr int32, body string) {
	c.t.Helper()
	gotCorr, gotBody, err := c.receive()
	must(c.t, err)
	if gotCorr != corr || gotBody != body {
		c.t.Errorf("answer %d %.40q, want %d %.40q", gotCorr, gotBody, corr, body)
	}
}

// ask sends a request and checks that it is echoed.
func (c *client) ask(body string) {
	c.t.Helper()
	c.want(c.send(metadataKey, body), body)
}

// wantSilence checks that no answer is there yet.
func (c *client) wantSilence() {
	c.t.Helper()
	must(c.t, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
	var one [1]byte
	if n, err := c.Read(one[:]); n != 0 {
		c.t.Errorf("got an answer too early (%v)", err)
	}
	must(c.t, c.SetReadDeadline(time.Time{}))
}

// wantEnd checks that the server has closed the connection.
func (c *client) wantEnd() {
	c.t.Helper()
	must(c.t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	if n, err := io.Copy(io.Discard, c); err != nil || n != 0 {
		c.t.Errorf("connection gives %d bytes and %v instead of its end", n, err)
	}
}

// gates lets a test finish produce requests by their body.
type gates struct {
	mu    sync.Mutex
	gates map[string]chan struct{}
	log   []string
}

func newGates() *gates { return &gates{gates: map[string]chan struct{}{}} }

func (g *gates) gate(body string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gates[body] == nil {
		g.gates[body] = make(chan struct{})
	}
	return g.gates[body]
}

func (g *gates) open(body string) { close(g.gate(body)) }

func (g *gates) seen() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.log, " ")
}

// handle answers a request when its gate opens; those that begin with "now" at
// once, and those that begin with "none" never.
func (g *gates) handle(_ context.Context, r *api.Request) api.Reply {
	body := string(r.Body)
	g.mu.Lock()
	g.log = append(g.log, body)
	g.mu.Unlock()
	switch {
	case strings.HasPrefix(body, "now"):
		return api.Reply{Now: text(body)}
	case strings.HasPrefix(body, "none"):
		return api.Reply{None: true}
	}
	gate := g.gate(body)
	return api.Reply{Wait: func(ctx context.Context) api.Response {
		select {
		case <-gate:
			return text(r.Body)
		case <-ctx.Done():
			return nil
		}
	}}
}

var errTest = errors.New("test")

// badAnswer can't be encoded.
type badAnswer struct{}

func (badAnswer) Encode(*wire.Buffers) error { return fmt.Errorf("encoding: %w", errTest) }
