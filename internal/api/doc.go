// Package api turns a request frame into an answer: decode, authorise, act,
// encode. There is one file per Kafka API key, named by the key's number, and
// one table (table.go) of the versions, handlers and permissions of all of them.
//
// # The path
//
//	Handle ─ table ─ version? ─ wire.CheckBody ─ kmsg decode ─ handler ─ Reply
//	                                           └ Produce has its own decoder
//
// A handler is an ordinary call that returns its results; nothing below calls
// back. What can't be answered at once (records that must be flushed, a fetch
// that waits for bytes, a rebalance) comes back as Reply.Wait, which the
// connection's goroutine runs; there is no purgatory and no callback.
//
// Handlers see the rest of the broker through the small interfaces of deps.go.
// Errors from below are Kafka's own (kerr) or wrap one; errors.go is the one
// place that makes wire codes of them.
//
// # Invariants
//
//   - Every table entry names what a principal must be allowed to do, and every
//     handler asks API.allowed before it looks anything up, so that a denied
//     resource can't be told from a missing one.
//   - No bytes from the network reach kmsg before wire.CheckBody has bounded
//     what decoding them can allocate; Produce bounds itself.
//   - A malformed request closes its connection, as Kafka does, and has no
//     other effect.
//   - Nothing that outlives the reply refers to Request.Body.
//   - A replica id in a client's Fetch or ListOffsets never counts as
//     replication (CVE-2018-1288).
//
// # Concurrency
//
// API is safe for concurrent use. One connection's handlers run one after the
// other; only the waits of Produce requests overlap with later Produce
// requests. The fetch session cache has one lock, each session another; neither
// is held while a fetch waits.
package api
