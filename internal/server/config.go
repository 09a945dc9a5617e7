package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"time"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/wire"
)

// Handler answers requests. Handle runs on the connection's goroutine.
type Handler interface {
	Handle(ctx context.Context, r *api.Request) api.Reply
}

// Listener is one address to listen on.
type Listener struct {
	Name string // such as PLAINTEXT; requests carry it in api.Conn
	Addr string // host:port; port 0 picks a free one
	TLS  *tls.Config
}

// Config describes a server.
type Config struct {
	Network   netx.Network // nil is TCP
	Listeners []Listener
	Handler   Handler
	Limits    Limits // the zero value is DefaultLimits
	Observer  Observer
	Logger    *slog.Logger // nil discards
	// PoisonFrames overwrites frames before their memory is reused.
	PoisonFrames bool
}

// Limits bound what clients can make the server do. Start from DefaultLimits or
// LimitsFrom; zero fields mean zero.
type Limits struct {
	// MaxFrameBytes is the largest request (socket.request.max.bytes).
	MaxFrameBytes int
	// MaxFirstFrameBytes is the largest frame before a connection has had its
	// first answer. A larger one is read only if it starts with the header of
	// a Produce in a served version: some clients begin with that.
	MaxFirstFrameBytes int
	// RequestMemory is what all frames together may hold, and as much again is
	// what handling them may take; negative is unlimited
	// (queued.max.request.bytes).
	RequestMemory int64
	// MaxInFlight is how many Produce requests of one connection may be
	// waiting for their acknowledgement.
	MaxInFlight int

	// MaxConnections and MaxConnectionsPerIP close what comes beyond; the
	// overrides are by address.
	MaxConnections      int
	MaxConnectionsPerIP int
	PerIPOverrides      map[string]int
	// MaxAcceptRate delays further connections per second; 0 is unlimited.
	MaxAcceptRate int

	// IdleTimeout closes a connection without requests (connections.max.idle.ms).
	IdleTimeout time.Duration
	// MinRate is the slowest acceptable transfer in bytes per second, counted
	// after ReadGrace from a frame's first byte, and WriteGrace for an answer;
	// 0 is unlimited.
	MinRate    int
	ReadGrace  time.Duration
	WriteGrace time.Duration

	// SendBuffer and ReceiveBuffer set the kernel's buffers. Negative ones leave
	// them to the kernel, and so does 0, but for the send buffer of near clients.
	SendBuffer, ReceiveBuffer int

	// Wire bounds header parsing.
	Wire wire.Limits
}

// Defaults that no configuration key sets. A consumer may stop reading for a
// while when its application is busy, so writing gets more patience.
const (
	defaultReadGrace  = 10 * time.Second
	defaultWriteGrace = 2 * time.Minute
)

// drainGrace is WriteGrace while the server drains: a client that reads nothing
// must not hold the stop up until a supervisor kills the process, for which ten
// seconds are usual. Who had just taken something is given it twice.
const drainGrace = 3 * time.Second

// DefaultLimits are the limits of an unconfigured broker.
func DefaultLimits() Limits {
	return Limits{
		MaxFrameBytes:       100 << 20,
		MaxFirstFrameBytes:  512 << 10,
		RequestMemory:       256 << 20,
		MaxInFlight:         64,
		MaxConnections:      20_000,
		MaxConnectionsPerIP: 10_000,
		MaxAcceptRate:       10_000,
		IdleTimeout:         10 * time.Minute,
		MinRate:             1 << 10,
		ReadGrace:           defaultReadGrace,
		WriteGrace:          defaultWriteGrace,
		Wire:                wire.DefaultLimits(),
	}
}

// LimitsFrom reads the limits from the broker's configuration.
func LimitsFrom(v confkey.Values) Limits {
	l := DefaultLimits()
	l.MaxFrameBytes = v.Int("socket.request.max.bytes")
	l.MaxFirstFrameBytes = v.Int("milena.preauth.max.bytes")
	l.RequestMemory = v.Int64("queued.max.request.bytes")
	l.MaxInFlight = v.Int("milena.produce.pipeline.depth")
	l.MaxConnections = v.Int("max.connections")
	l.MaxConnectionsPerIP = v.Int("max.connections.per.ip")
	l.PerIPOverrides = perIPOverrides(v.List("max.connections.per.ip.overrides"))
	l.MaxAcceptRate = v.Int("max.connection.creation.rate")
	l.IdleTimeout = idleTimeout(v.Duration("connections.max.idle.ms"))
	l.MinRate = v.Int("milena.request.min.rate.bytes.per.sec")
	l.Wire.MaxFrameBytes = l.MaxFrameBytes
	l.Wire.MaxElements = v.Int("milena.request.max.elements")
	l.Wire.MaxUnknownTags = v.Int("milena.request.max.tagged.fields")
	// Kafka's defaults for these two switch off the kernel's own tuning, which
	// does better; so they count only when somebody asked for them.
	if _, set := v.Raw("socket.send.buffer.bytes"); set {
		l.SendBuffer = cmp.Or(v.Int("socket.send.buffer.bytes"), -1)
	}
	if _, set := v.Raw("socket.receive.buffer.bytes"); set {
		l.ReceiveBuffer = cmp.Or(v.Int("socket.receive.buffer.bytes"), -1)
	}
	return l
}

// idleTimeout gives a negative setting Kafka's meaning: connections are never
// closed for being idle.
func idleTimeout(set time.Duration) time.Duration {
	if set < 0 {
		return math.MaxInt64
	}
	return set
}

// perIPOverrides reads address:count pairs, which the key table has checked. The
// addresses get the form that hostOf gives those of clients.
func perIPOverrides(pairs []string) map[string]int {
	overrides := make(map[string]int, len(pairs))
	for _, pair := range pairs {
		if addr, n, err := confkey.ParseIPOverride(pair); err == nil {
			overrides[addr.String()] = n
		}
	}
	return overrides
}
