// Package partition is one local replica of one partition: who leads it, in
// which epoch, how far it is committed, and who waits for that.
//
// It stands between the log, which knows bytes and durability, and the request
// handlers, which know the wire. Errors are Kafka's own (kerr), so that no
// layer above has to guess what a log error means to a client.
//
// Invariants:
//   - The high watermark never moves back while the replica leads, and is at
//     most what this node has made durable (or written, for a relaxed topic).
//     What a client reads or is acknowledged with acks=all is below it (I1, I2).
//   - Nothing that depends on the high watermark is answered before it has
//     reached the start of the leader's own epoch (I6).
//   - Appends are refused unless this replica leads in the epoch the caller
//     expects (I8).
//
// Concurrency: every method may be called from any goroutine. A change
// of leadership excludes appends, which the log orders among themselves, and
// nothing is held over a wait, a flush or a call to somebody else. The high
// watermark is published atomically; reads wait for no append.
package partition
