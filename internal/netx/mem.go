package netx

import (
	"context"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// acceptBacklog is how many dialled connections may wait for Accept.
const acceptBacklog = 1024

// firstEphemeral is where port numbers for ":0" and for dialling ends start.
const firstEphemeral = 49152

// anyHost in a link method stands for all hosts.
const anyHost = "*"

// Mem is a network in memory. A host is whatever stands before the port; "",
// "0.0.0.0" and "::" listen on every host name. Links between hosts are perfect
// until a test spoils them; their names are not checked.
//
// Mem itself acts as the host "client"; Host gives the view of another one.
//
// Lock order: Mem.mu before a connection's own locks.
type Mem struct {
	mu        sync.Mutex
	cond      *sync.Cond // broadcast on every change of links
	listeners map[string]*memListener
	links     map[link]linkState
	conns     map[*memConn]struct{} // dialling ends, for Reset
	nextPort  int
}

// link is one direction between two hosts.
type link struct{ from, to string }

type linkState struct {
	cut   bool
	delay time.Duration
}

// NewMem returns an empty network.
func NewMem() *Mem {
	m := &Mem{
		listeners: map[string]*memListener{},
		links:     map[link]linkState{},
		conns:     map[*memConn]struct{}{},
		nextPort:  firstEphemeral,
	}
	m.cond = sync.NewCond(&m.mu)
	return m
}

// Listen implements Network.
func (m *Mem) Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Err: err}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if port == "0" {
		port = m.ephemeralLocked()
	}
	a := memAddr{host: host, port: port}
	key := listenKey(host, port)
	if m.listeners[key] != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: a, Err: syscall.EADDRINUSE}
	}
	l := &memListener{m: m, addr: a, key: key, queue: make(chan *memConn, acceptBacklog), closed: make(chan struct{})}
	m.listeners[key] = l
	return l, nil
}

// listenKey folds the ways to write "every host".
func listenKey(host, port string) string {
	if host == "0.0.0.0" || host == "::" {
		host = ""
	}
	return net.JoinHostPort(host, port)
}

func (m *Mem) ephemeralLocked() string {
	m.nextPort++
	return strconv.Itoa(m.nextPort)
}

// DialContext implements Network for the host "client".
func (m *Mem) DialContext(ctx context.Context, addr string) (net.Conn, error) {
	return m.dial(ctx, "client", addr)
}

// Host returns the network as the named host sees it: its connections come
// from there and suffer what its links suffer.
func (m *Mem) Host(name string) Network { return memHost{m, name} }

type memHost struct {
	m    *Mem
	name string
}

func (h memHost) Listen(addr string) (net.Listener, error) { return h.m.Listen(addr) }

func (h memHost) DialContext(ctx context.Context, addr string) (net.Conn, error) {
	return h.m.dial(ctx, h.name, addr)
}

func (m *Mem) dial(ctx context.Context, from, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: memAddr{host: addr}, Err: err}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fail(err)
	}
	// A handshake needs both directions; on a cut link its packets just vanish.
	if err := m.awaitLink(ctx, from, host); err != nil {
		return fail(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.listeners[net.JoinHostPort(host, port)]
	if l == nil {
		l = m.listeners[listenKey("", port)]
	}
	if l == nil {
		return fail(syscall.ECONNREFUSED)
	}
	local := memAddr{host: from, port: m.ephemeralLocked()}
	client, server := m.connect(local, memAddr{host: host, port: port})
	select {
	case l.queue <- server:
	default:
		return fail(syscall.ECONNREFUSED) // the backlog is full
	}
	m.conns[client] = struct{}{}
	return client, nil
}

// awaitLink waits until neither direction is cut, and then for the round trip
// that a handshake takes.
func (m *Mem) awaitLink(ctx context.Context, a, b string) error {
	stop := context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.cond.Broadcast()
	})
	defer stop()
	m.mu.Lock()
	for ctx.Err() == nil && (m.linkLocked(a, b).cut || m.linkLocked(b, a).cut) {
		m.cond.Wait()
	}
	rtt := m.linkLocked(a, b).delay + m.linkLocked(b, a).delay
	m.mu.Unlock()
	if ctx.Err() != nil || rtt == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(rtt)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// linkLocked is the state of one direction, the specific or the general one.
func (m *Mem) linkLocked(from, to string) linkState {
	for _, l := range []link{{from, to}, {from, anyHost}, {anyHost, to}, {anyHost, anyHost}} {
		if s, ok := m.links[l]; ok {
			return s
		}
	}
	return linkState{}
}

// change edits the state of directions and wakes everybody who depends on it.
func (m *Mem) change(edit func(*linkState), directions ...link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range directions {
		s := m.links[d]
		if edit(&s); s == (linkState{}) {
			delete(m.links, d)
		} else {
			m.links[d] = s
		}
	}
	m.cond.Broadcast()
	// Still under the lock: concurrent changes must reach the pipes in order.
	for c := range m.conns {
		c.out.setLink(m.linkLocked(c.local.host, c.remote.host))
		c.in.setLink(m.linkLocked(c.remote.host, c.local.host))
	}
}

// Cut makes the network between a and b drop everything, both ways, like a
// pulled cable: nobody is told, what was sent arrives after Heal, new
// connections hang. "*" stands for any host.
func (m *Mem) Cut(a, b string) {
	m.change(func(s *linkState) { s.cut = true }, link{a, b}, link{b, a})
}

// HalfOpen drops what from sends to to, while the other direction works.
func (m *Mem) HalfOpen(from, to string) {
	m.change(func(s *linkState) { s.cut = true }, link{from, to})
}

// Heal undoes Cut and HalfOpen between a and b.
func (m *Mem) Heal(a, b string) {
	m.change(func(s *linkState) { s.cut = false }, link{a, b}, link{b, a})
}

// Delay makes bytes between a and b take d each way; 0 removes the delay.
func (m *Mem) Delay(a, b string, d time.Duration) {
	m.change(func(s *linkState) { s.delay = d }, link{a, b}, link{b, a})
}

// Reset breaks all present connections between a and b with an error on both
// sides, as a restarting host or a stateful firewall does.
func (m *Mem) Reset(a, b string) {
	matches := func(pattern, host string) bool { return pattern == anyHost || pattern == host }
	m.mu.Lock()
	var hit []*memConn
	for c := range m.conns {
		l, r := c.local.host, c.remote.host
		if matches(a, l) && matches(b, r) || matches(a, r) && matches(b, l) {
			hit = append(hit, c)
		}
	}
	m.mu.Unlock()
	for _, c := range hit {
		c.out.fail(syscall.ECONNRESET)
		c.in.fail(syscall.ECONNRESET)
	}
}

// memAddr is the address of an end.
type memAddr struct{ host, port string }

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return net.JoinHostPort(a.host, a.port) }

type memListener struct {
	m      *Mem
	addr   memAddr
	key    string
	queue  chan *memConn
	closed chan struct{}
	once   sync.Once
}

func (l *memListener) Addr() net.Addr { return l.addr }

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.closedError()
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, l.closedError()
	}
}

func (l *memListener) closedError() error {
	return &net.OpError{Op: "accept", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
}

// Close also resets the connections that nobody accepted.
func (l *memListener) Close() error {
	err := l.closedError() // of a second Close
	l.once.Do(func() {
		err = nil
		l.m.mu.Lock()
		delete(l.m.listeners, l.key) // nothing is queued from here on
		l.m.mu.Unlock()
		close(l.closed)
		for len(l.queue) > 0 {
			select {
			case c := <-l.queue:
				c.out.fail(syscall.ECONNRESET)
				c.in.fail(syscall.ECONNRESET)
			default: // Accept was faster
			}
		}
	})
	return err
}
