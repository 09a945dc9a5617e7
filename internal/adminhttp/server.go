package adminhttp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/milena-io/milena/internal/netx"
)

// Bounds of the HTTP server. An operator's tools are few and patient.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 10 * time.Second
	writeTimeout    = time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = time.Second
	maxHeaderBytes  = 16 << 10
	maxBodyBytes    = 4 << 10 // nothing here reads a body
	maxConnections  = 64
)

// Config describes the HTTP server.
type Config struct {
	Network netx.Network // nil is TCP
	Addr    string       // host:port; port 0 picks a free one
	Metrics http.Handler // nil leaves /metrics out
	// Health and Ready are asked on each /healthz and /readyz.
	Health, Ready []Check
	// Pprof switches Go's profiles on. They show memory contents and cost time:
	// only for an address that operators alone reach.
	Pprof   bool
	Version string
	Logger  *slog.Logger // nil discards
}

// Server serves an operator's tools.
type Server struct {
	cfg      Config
	http     http.Server
	listener net.Listener
	done     chan struct{}
}

// New returns a server that does not listen yet.
func New(cfg Config) *Server {
	if cfg.Network == nil {
		cfg.Network = netx.TCP()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, done: make(chan struct{})}
	s.http = http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Handler is everything the server answers, for tests and embedding.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.index)
	mux.Handle("/healthz", checks{list: s.cfg.Health, good: "healthy", bad: "unhealthy"})
	mux.Handle("/readyz", checks{list: s.cfg.Ready, good: "ready", bad: "not ready"})
	if s.cfg.Metrics != nil {
		mux.Handle("/metrics", s.cfg.Metrics)
	}
	if s.cfg.Pprof {
		addPprof(mux)
	}
	return http.MaxBytesHandler(readOnly(mux), maxBodyBytes)
}

// readOnly refuses every method that could mean to change something, and tells
// browsers not to guess about content.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this server only answers GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Start listens and serves in the background.
func (s *Server) Start() error {
	l, err := s.cfg.Network.Listen(s.cfg.Addr)
	if err != nil {
		return err
	}
	s.listener = limitListener(l, maxConnections)
	go func() {
		defer close(s.done)
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("admin server stopped", "error", err)
		}
	}()
	return nil
}

// Addr is the address in use, nil before Start.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Shutdown lets requests in flight finish for a moment, but not longer than ctx,
// and then cuts them: the broker behind this stops afterwards, and a profile that
// somebody takes must not make its clients wait, or use up their time to finish.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.listener == nil {
		return nil
	}
	moment, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	var err error
	if s.http.Shutdown(moment) != nil {
		err = errors.Join(ctx.Err(), s.http.Close())
	}
	<-s.done
	return err
}
