package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/netx"
)

// Server accepts connections and serves them.
type Server struct {
	cfg     Config
	limits  atomic.Pointer[Limits]
	accepts atomic.Pointer[rate.Limiter] // of all listeners together; nil is unlimited
	log     limitedLog
	memory  budget // of frames
	work    budget // of what handling requests takes beside; see cost.go
	buffers bufferPool
	nextID  atomic.Uint64

	// ctx ends when connections are cut off; pollCtx, a child, when long polls
	// must return because the server drains.
	ctx      context.Context
	cutOff   context.CancelFunc
	pollCtx  context.Context
	endPolls context.CancelFunc
	draining atomic.Bool

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*conn]struct{}
	perIP     map[string]int
	wg        sync.WaitGroup // accept loops and connections
}

// New returns a server that does not listen yet.
func New(cfg Config) *Server {
	if cfg.Network == nil {
		cfg.Network = netx.TCP()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits.MaxFrameBytes == 0 {
		cfg.Limits = DefaultLimits()
	}
	s := &Server{
		cfg:     cfg,
		log:     limitedLog{log: cfg.Logger},
		memory:  budget{limit: cfg.Limits.RequestMemory},
		work:    budget{limit: cfg.Limits.RequestMemory},
		buffers: bufferPool{poison: cfg.PoisonFrames || invariant.Enabled},
		conns:   map[*conn]struct{}{},
		perIP:   map[string]int{},
	}
	s.limits.Store(&cfg.Limits)
	s.accepts.Store(newAcceptLimiter(cfg.Limits.MaxAcceptRate))
	s.ctx, s.cutOff = context.WithCancel(context.Background())
	s.pollCtx, s.endPolls = context.WithCancel(s.ctx)
	return s
}

// SetLimits changes the limits for connections accepted from now on, and how fast
// they are accepted. The budget of request memory stays as it was.
func (s *Server) SetLimits(l Limits) {
	if old := s.limits.Swap(&l); old.MaxAcceptRate != l.MaxAcceptRate {
		s.accepts.Store(newAcceptLimiter(l.MaxAcceptRate))
	}
}

// Start listens and serves: Listen, then Serve with Config.Handler.
func (s *Server) Start() error {
	if err := s.Listen(); err != nil {
		return err
	}
	s.Serve(s.cfg.Handler)
	return nil
}

// Listen opens all listeners or none. Clients can connect from now on, but are
// not served before Serve: a broker that picks a free port must know it first.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.cfg.Listeners {
		opened, err := s.cfg.Network.Listen(l.Addr)
		if err != nil {
			for _, earlier := range s.listeners {
				err = errors.Join(err, earlier.Close())
			}
			s.listeners = nil
			return fmt.Errorf("listener %s: %w", l.Name, err)
		}
		s.listeners = append(s.listeners, opened)
	}
	return nil
}

// Serve starts accepting. It is called once, after Listen.
func (s *Server) Serve(h Handler) {
	s.cfg.Handler = h
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.listeners {
		a := &acceptor{s: s, l: l, name: s.cfg.Listeners[i].Name, tls: s.cfg.Listeners[i].TLS}
		s.wg.Go(a.run)
	}
}

// Addrs returns the addresses listened on, in the order of Config.Listeners.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Stats is what the server holds at one moment.
type Stats struct {
	Connections   int
	RequestMemory int64 // bytes charged for frames and for handling them
	MemoryWaiters int   // connections waiting for such memory
}

// Stats returns the present state for gauges.
func (s *Server) Stats() Stats {
	used, waiting := s.memory.state()
	working, queued := s.work.state()
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Connections: len(s.conns), RequestMemory: used + working, MemoryWaiters: waiting + queued}
}

// lastChance is how long cut-off connections may take to notice.
const lastChance = time.Second

// Shutdown stops accepting, lets requests in hand finish, and closes every
// connection. Long polls end at once, without an answer. When ctx ends first, the
// rest is cut off and an error says how many connections that concerned. No
// handler runs after a nil return.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining.Store(true)
	for _, l := range s.listeners {
		_ = l.Close() // closing twice is the only failure
	}
	for c := range s.conns {
		c.wake()
	}
	s.mu.Unlock()
	s.endPolls()
	defer s.cutOff()

	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	cut := s.cutConnections()
	select {
	case <-done:
	case <-time.After(lastChance):
	}
	return fmt.Errorf("server: %d connections cut off: %w", cut, ctx.Err())
}

// cutConnections ends all requests and connections by force.
func (s *Server) cutConnections() int {
	s.cutOff()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.abort()
	}
	return len(s.conns)
}

// reportPanic logs and reports a recovered panic.
func (s *Server) reportPanic(value any, stack []byte, c *api.Conn) {
	s.log.error("a request handler panicked; its connection is closed",
		"conn", c.ID, "remote", c.Remote.String(), "panic", fmt.Sprint(value), "stack", string(stack))
	s.cfg.Observer.panicked(value, stack)
}
