package api

import (
	"context"
	"net"
	"time"

	"github.com/milena-io/milena/internal/wire"
)

// Request is one decoded frame: the header's fields and the undecoded body.
// Body belongs to the handler until the reply has been encoded (Reply.Now) or
// Reply.Wait has returned, or is to be called if the reply is Detached; the
// server then reuses its memory.
type Request struct {
	Key           int16
	Version       int16
	CorrelationID int32
	ClientID      string // empty when the client sent null
	Conn          *Conn
	Body          []byte // after the request header
	Size          int    // whole frame, without its 4-byte length
	ReceivedAt    time.Time
}

// Conn is what handlers know about the connection a request came on. It is
// owned by that connection's goroutine: handlers of one connection never run
// at the same time, except Produce's waits, which do not touch it.
type Conn struct {
	ID        uint64
	Listener  string // listener name, such as PLAINTEXT
	Remote    net.Addr
	Local     net.Addr
	Principal string // such as User:ANONYMOUS

	// What the client said about itself in ApiVersions; empty before.
	SoftwareName    string
	SoftwareVersion string
}

// AnonymousPrincipal is the principal of a connection without authentication.
const AnonymousPrincipal = "User:ANONYMOUS"

// Response is a reply body; the server writes frame length and response header
// in front of it.
type Response interface {
	Encode(*wire.Buffers) error
}

// Releaser is a Response that holds something until it has been written, or
// given up. The server calls Release once for every such answer it is given,
// except to Produce, whose answers hold nothing.
type Releaser interface {
	Release()
}

// Reply is what a handler gives back. Exactly one of Now, Wait, None and Close
// is set, except that Close may accompany Now: answer, then close.
type Reply struct {
	// Now is the finished answer.
	Now Response
	// Wait blocks until the answer is there or ctx ends. It is called once,
	// from any goroutine; a nil Response closes the connection.
	Wait func(ctx context.Context) Response
	// Ready, which only replies with Wait may have, returns the answer if it is
	// there and nil otherwise, without blocking. It is not called during or after
	// Wait; once it has returned an answer, Wait is not called.
	Ready func() Response
	// Detached says that neither Wait nor its answer refers to Request.Body: a
	// wait for others must not hold memory that producers wait for.
	Detached bool
	// None means that the request has no answer (Produce with acks=0).
	None bool
	// Close ends the connection.
	Close bool
}
