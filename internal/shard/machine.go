package shard

// Ticket identifies one submitted operation, so that a machine can answer it
// later than it decided it. The zero Ticket is nobody: deadlines have it.
type Ticket int64

// Machine is the state machine of one shard. Op is its set of operations.
type Machine[Op any] interface {
	// Decide says what op does, from the state as applied so far. It may change
	// soft state, which is lost with leadership, but not replicated state.
	Decide(t Ticket, op Op, now Instant) Outcome
	// Independent reports whether the decision on op holds whatever other
	// independent operations decided but did not yet append.
	Independent(op Op) bool
	// Apply folds one entry of the log into the replicated state. It must accept
	// any bytes: what it does not understand it skips.
	Apply(e Entry)
	// Tick is called once when replay ends, then when Deadline has passed.
	Tick(now Instant) Outcome
	// Deadline is when Tick wants to be called next, on the steady clock; 0 for
	// never.
	Deadline() int64
}

// Instant is a moment on two clocks, in milliseconds. Wall is the time of day,
// for what is written down and compared later, perhaps by another node. Steady
// is never 0 and never jumps ahead, neither when the clock is corrected nor when
// the process stood still: deadlines are set on it, so that neither expires
// every session of every group.
type Instant struct{ Wall, Steady int64 }

// Record is what a machine asks to be appended. A nil Value is a tombstone.
type Record struct{ Key, Value []byte }

// Entry is a record, or the end of a transaction, as it lies in the log.
type Entry struct {
	Offset    int64
	Timestamp int64
	Key       []byte
	Value     []byte // nil is null
	// ProducerID is the transaction the entry belongs to, -1 for none.
	ProducerID int64
	// Marker tells the end of ProducerID's transaction from a record.
	Marker Marker
}

// Marker says what an entry means for its producer's transaction.
type Marker int8

// An entry is a record, or it commits or aborts what its producer wrote.
const (
	NoMarker Marker = iota
	CommitMarker
	AbortMarker
)

// Reply answers the operation with ticket To. Err goes to the submitter as it
// is. An answer to a ticket that nobody waits for any more is dropped.
type Reply struct {
	To    Ticket
	Value any
	Err   error
}

// Outcome is a decision.
type Outcome struct {
	// Records are appended together and in order.
	Records []Record
	// Replies are sent once Records are committed; if the append is refused they
	// turn into that error.
	Replies []Reply
	// After is the end offset (last offset + 1) of the last record that the
	// replies depend on besides Records.
	After int64
	// Settle, if set, is called after Records were applied, or with the error
	// that kept them from being appended. What it decides is carried out like
	// any other outcome, and its replies wait for Records too.
	Settle func(err error, now Instant) Outcome
}

// Answer is the outcome that only sends v to t, after the given end offset.
func Answer(t Ticket, v any, after int64) Outcome {
	return Outcome{Replies: []Reply{{To: t, Value: v}}, After: after}
}
