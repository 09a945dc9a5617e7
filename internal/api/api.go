package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/wire"
)

// Config is what the handlers act on.
type Config struct {
	NodeID base.NodeID
	// Static are the settings from file, environment and flags; Broker are
	// those in force now, with the dynamic overrides of the metadata.
	Static confkey.Values
	Broker func() confkey.Values

	Image      func() *metadata.Image
	Replicas   Replicas
	Controller Controller
	Groups     Groups
	Quorum     Quorum

	// Errors, if not nil, is told of every error code that is answered.
	Errors func(key, code int16)

	Authorizer Authorizer       // nil allows everything
	Limits     wire.Limits      // zero means wire.DefaultLimits
	Logger     *slog.Logger     // nil discards
	Now        func() time.Time // nil is time.Now
}

// API answers requests.
type API struct {
	cfg       Config
	sessions  *sessionCache
	producers producerIDs
	fetched   fetchMemory
}

// New returns an API over the given broker parts.
func New(cfg Config) *API {
	if cfg.Authorizer == nil {
		cfg.Authorizer = AllowAll{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Limits == (wire.Limits{}) {
		cfg.Limits = wire.DefaultLimits()
	}
	slots := cfg.Broker().Int("max.incremental.fetch.session.cache.slots")
	return &API{
		cfg: cfg, sessions: newSessionCache(slots, maxCachedPartitions, cfg.Now),
		fetched: fetchMemory{limit: cfg.Static.Int64("milena.fetch.memory.bytes")},
	}
}

// Handle answers one request. ctx bounds what is done before the reply is
// returned; Reply.Wait has its own.
func (a *API) Handle(ctx context.Context, r *Request) Reply {
	e := lookup(r.Key)
	switch {
	case e == nil:
		a.cfg.Logger.Debug("closing a connection: unknown API key", "conn", r.Conn.ID, "api", r.Key, "version", r.Version)
		return Reply{Close: true}
	case r.Version >= e.Min && r.Version <= e.Max:
		return e.handle(a, ctx, r)
	case r.Key == keyAPIVersions:
		return Reply{Now: a.answer(unsupportedAPIVersions(), 0)}
	}
	a.cfg.Logger.Debug("closing a connection: unsupported version", "conn", r.Conn.ID, "api", e.Name, "version", r.Version)
	return Reply{Close: true}
}

// message is what every kmsg request pointer can do.
type message[T any] interface {
	*T
	kmsg.Request
}

// decode checks and reads a body; nil means that it is malformed.
func decode[T any, P message[T]](a *API, r *Request) P {
	if err := wire.CheckBody(r.Key, r.Version, r.Body, a.cfg.Limits); err != nil {
		a.malformed(r, err)
		return nil
	}
	req := P(new(T))
	req.SetVersion(r.Version)
	if err := req.ReadFrom(r.Body); err != nil {
		a.malformed(r, err)
		return nil
	}
	return req
}

// malformed notes a request that ends its connection. The client is to blame,
// so it is not worth a warning.
func (a *API) malformed(r *Request, err error) {
	a.cfg.Logger.Debug("closing a connection: malformed request", "conn", r.Conn.ID, "api", lookup(r.Key).Name, "version", r.Version, "error", err)
}

// answered makes a handler of a function that never waits.
func answered[T any, P message[T]](fn func(a *API, r *Request, req P) kmsg.Response) handler {
	return func(a *API, _ context.Context, r *Request) Reply {
		req := decode[T, P](a, r)
		if req == nil {
			return Reply{Close: true}
		}
		return Reply{Now: a.answer(fn(a, r, req), r.Version)}
	}
}

// awaited makes a handler of a function that may wait for others: for a
// commit of the metadata quorum, a flush, or the other members of a group.
func awaited[T any, P message[T]](fn func(a *API, ctx context.Context, r *Request, req P) kmsg.Response) handler {
	return func(a *API, _ context.Context, r *Request) Reply {
		req := decode[T, P](a, r)
		if req == nil {
			return Reply{Close: true}
		}
		return Reply{Wait: func(ctx context.Context) Response { return a.answer(fn(a, ctx, r, req), r.Version) }}
	}
}

// polled is awaited for what waits for other clients. own makes the request
// independent of the frame it came in, whose memory is needed elsewhere.
func polled[T any, P message[T]](own func(req P), fn func(a *API, ctx context.Context, r *Request, req P) kmsg.Response) handler {
	return func(a *API, _ context.Context, r *Request) Reply {
		req := decode[T, P](a, r)
		if req == nil {
			return Reply{Close: true}
		}
		own(req)
		return Reply{Detached: true, Wait: func(ctx context.Context) Response { return a.answer(fn(a, ctx, r, req), r.Version) }}
	}
}

func (a *API) answer(resp kmsg.Response, version int16) Response {
	resp.SetVersion(version)
	a.countErrors(resp)
	return kmsgResponse{resp}
}

type kmsgResponse struct{ msg kmsg.Response }

// Encode implements Response.
func (r kmsgResponse) Encode(w *wire.Buffers) error {
	w.Message(r.msg)
	return nil
}

func (a *API) image() *metadata.Image { return a.cfg.Image() }
