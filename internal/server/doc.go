// Package server owns the listeners and connections: it turns bytes into
// api.Request values, runs the handler, and writes the answers back in order.
// It knows frames, deadlines and limits, and nothing about what a request means
// except which may overlap.
//
// # One connection
//
//	          ┌──────────── reader goroutine ────────────┐
//	socket ─► │ frame ─► header ─► Handler.Handle ─┬─────┼──► answer, written by the reader
//	          └────────────────────────────────────┼─────┘
//	                                Produce only   ▼
//	                                      queue of answers ─► writer goroutine ─► socket
//
// An idle connection is one goroutine blocked in Read. One that has been silent
// for a moment hands over to a new goroutine: work leaves 4 to 16 KiB of stack
// behind, and waiting needs less than the 2 KiB that a new one begins with.
//
// Kafka lets a client see one request at a time, except that a Produce may follow
// a Produce which is not acknowledged yet. So for every other API the reader first
// waits until all earlier answers are written (a barrier), then runs the request
// and its wait itself. Produce requests are appended by the reader, in order, and
// their acknowledgements are awaited and written, in the same order, by a writer
// goroutine that lives only while there are some.
//
// # Memory
//
//	frame      4-byte size, then that many bytes
//	buffer     starts at 4 KiB and quadruples as bytes arrive, or starts at the
//	           size of the largest frame that this connection has completed
//	budget     the first 16 KiB of a frame are charged without waiting, so that
//	           small requests (fetches, heartbeats, commits) pass even when
//	           producers have filled it; the rest waits in order of arrival
//	work       a second budget of the same size for what requests with many
//	           array elements decode to, charged before the handler sees them
//
// A frame's buffer is reused after its answer is written, or once a long poll
// that needs it no more begins to wait, never before; built
// with the tag "invariants" (or Config.PoisonFrames) it is overwritten first,
// so that a handler which keeps a reference is found out.
//
// # Invariants
//
//   - Answers leave in the order of their requests.
//   - Nothing a client sends can cost more than its own connection: bad frames,
//     slow senders, clients that never read, and panics of handlers close it.
//   - What a peer that has not yet been answered can make the server hold is
//     bounded by Limits.MaxFirstFrameBytes, unless its first frame begins as a
//     served request does.
//
// # Concurrency
//
// Server is safe for concurrent use. A conn's fields belong to its reader; what
// the writer and Shutdown share with it is in pipeline, under its lock, or
// atomic. Goroutines: one accept loop per listener, one reader per connection,
// one writer per connection with unacknowledged Produce requests, one watcher
// per request that has been waiting for long.
package server
