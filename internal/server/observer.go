package server

import "time"

// Observer learns what happens; any function may be nil. Functions are called
// on connections' goroutines and must be quick.
type Observer struct {
	// RequestDone is called when an answer has been written, or when a request
	// without an answer has been handled.
	RequestDone func(RequestInfo)
	// Opened and Closed frame the life of each accepted connection.
	Opened func(listener string)
	Closed func(listener string, why Reason)
	// Rejected connections were closed right after accepting.
	Rejected func(listener string, why Reason)
	// Panicked reports a handler's panic; its connection has been given up.
	Panicked func(value any, stack []byte)
}

// RequestInfo describes a finished request.
type RequestInfo struct {
	Listener     string
	Key, Version int16
	// Duration runs from the frame's last byte to the answer's last byte; it
	// includes what the client asked to wait.
	Duration            time.Duration
	RequestBytes        int
	ResponseBytes       int
	ClosedTheConnection bool
}

// Reason says why a connection was closed or rejected. The values are stable:
// they become metric labels.
type Reason string

// Reasons for closing.
const (
	ByClient     Reason = "client"        // the client closed, or the network broke
	ByShutdown   Reason = "shutdown"      // the server is stopping
	Idle         Reason = "idle"          // connections.max.idle.ms
	BadFrame     Reason = "bad frame"     // impossible size, or not the Kafka protocol
	BadRequest   Reason = "bad request"   // the header or the handler refused it
	SlowSender   Reason = "slow sender"   // a frame that did not arrive in time
	SlowReceiver Reason = "slow receiver" // an answer that was not taken in time
	Failure      Reason = "failure"       // an answer could not be made
	Panic        Reason = "panic"
	Handshake    Reason = "tls handshake"
)

// Reasons for rejecting.
const (
	TooMany      Reason = "max.connections"
	TooManyPerIP Reason = "max.connections.per.ip"
)

func (o *Observer) requestDone(i RequestInfo) {
	if o.RequestDone != nil {
		o.RequestDone(i)
	}
}

func (o *Observer) opened(listener string) {
	if o.Opened != nil {
		o.Opened(listener)
	}
}

func (o *Observer) closed(listener string, why Reason) {
	if o.Closed != nil {
		o.Closed(listener, why)
	}
}

func (o *Observer) rejected(listener string, why Reason) {
	if o.Rejected != nil {
		o.Rejected(listener, why)
	}
}

func (o *Observer) panicked(value any, stack []byte) {
	if o.Panicked != nil {
		o.Panicked(value, stack)
	}
}
