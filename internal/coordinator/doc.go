// Package coordinator hosts the group coordinators: one shard per partition of
// __consumer_offsets that this node leads. A group belongs to the partition
// that its id hashes to, as in Kafka, so every broker and client agrees on its
// home.
//
//	api ──► Coordinator ──► shard.Shard ──► group.Machine      (decide, apply)
//	                            │
//	                            └─────────► partition.Partition (append, read)
//
// Every method named after a Kafka API takes and returns kmsg types, blocks
// until the answer may be known, and turns whatever went wrong into the code
// that clients of that API know how to handle.
//
// # Invariants
//
//   - Nothing is answered about a group whose partition this node does not lead
//     (NOT_COORDINATOR), or has not finished loading.
//   - A deleted topic loses its offsets only by a deletion in the metadata, for
//     offsets committed for that topic id or for none.
//
// # Concurrency
//
// All methods are safe for concurrent use. [Coordinator.Follow] is called by the
// metadata's goroutine and does not block. The coordinator starts no goroutine
// of its own except while topics are being deleted; shards run only while they
// have something to do. Close waits for all of them.
//
// Requests must own their memory: an operation may still be decided after its
// caller has gone. Byte fields and strings must not be slices of a buffer that
// is used again.
package coordinator
