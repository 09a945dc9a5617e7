// Package rig runs whole brokers on memory disks and an in-memory network for
// the proofs beside it, and judges what they kept.
//
//   - Broker is a node with everything it logged; Conn speaks the protocol to it,
//     one request at a time, with nothing retried behind the test's back.
//   - Story is what clients asked for and were promised, in the order in which
//     they learnt it. Its lock is the logical clock: Freeze takes a picture of a
//     disk and says exactly which promises are older than the picture.
//   - Crew is a workload: idempotent producers, a committer, somebody who creates
//     and deletes topics, somebody who deletes records. It can go on after a
//     crash, and then retries what it does not know the outcome of.
//   - Judge reads everything back from a broker and compares it with a story.
//
// Concurrency: a Story may be used from any goroutine, a Conn from one at a time.
package rig
