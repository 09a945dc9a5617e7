// Package shard is the event loop that every coordinator runs on: a replicated
// state machine over the log of one partition of an internal topic.
//
//	Submit ──► mailbox ──► Decide ──► append ──► Apply ──► wait for HW ──► reply
//	                          ▲                    ▲
//	          deadlines ── Tick                    └── replay, when leadership is gained
//
// A [Machine] is pure: it is called by one goroutine at a time, with the time
// as an argument, and never blocks. What it decides is a value ([Outcome]):
// records to append, replies to send, and what to do once the records are in
// the log. The shard owns everything else: mailbox, batches, log, parked
// replies, leadership and the clock.
//
// # Rules
//
//   - Replicated state changes only in Apply, and Apply only sees records that
//     are in the log. Live traffic and replay go through the same Apply, with
//     the same bytes. If an append is refused, no record is applied and the
//     replies become that error.
//   - Operations that the machine calls independent are decided one after the
//     other on the same state and appended as one batch (group commit: the
//     batch is whatever gathered while the last one was written). Any other
//     operation sees the effect of all before it, and is appended at once.
//   - A reply leaves when the high watermark has passed the records of its
//     operation and Outcome.After, the last record the answer depends on. So a
//     reader never learns what a failover could still take back, and no second
//     (committed) copy of the state is needed.
//   - Replay ends when the high watermark has reached the log end at which
//     leadership was gained. Until then Submit answers [ErrLoading]. Losing
//     leadership drops the machine and fails everything that waits with
//     [ErrNotLeading].
//
// # Concurrency
//
// All methods of Shard are safe for concurrent use. An idle shard has no
// goroutine: one is started by the first submission, deadline or leadership
// change, and ends when the mailbox is empty and no reply waits for the high
// watermark. A reply that the machine itself holds back (a join that waits for
// other members) keeps no goroutine here. The mutex guards the mailbox and the
// wished-for leadership only and is never held across log calls or waits.
// Deadlines of all shards of a host share one timer ([Timers]).
package shard
