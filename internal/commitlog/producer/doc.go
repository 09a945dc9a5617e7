// Package producer remembers, for one log, what each idempotent or
// transactional producer wrote last. It refuses gaps and zombies, recognises
// retries, and knows which transactions are undecided.
//
// The rules are Kafka's (KIP-98, KIP-360, KIP-890):
//
//   - Per producer id the last 5 batches are remembered. A batch with the epoch
//     and exactly the sequence range of one of them is a duplicate and gets the
//     offset of the original.
//   - Sequences go on without a gap and wrap from MaxInt32 to 0.
//   - A new epoch begins at sequence 0; an older epoch is fenced.
//   - A producer id that the log does not know may begin anywhere: its records
//     may have been deleted or its state expired.
//   - Check is strict and for clients. Append is lenient, for what is already
//     decided: our own write, a leader's batch, a log read back in recovery.
//
// A transaction is open from its first batch to its marker. It stays unstable
// until the high watermark has passed the marker, or records of a committed
// transaction could be read before the commit itself is safe.
//
// Snapshot is Kafka's .snapshot file, version 1, big-endian:
//
//	0         2                6               10
//	+---------+----------------+---------------+------------------------- - -
//	| int16 1 | CRC-32C of the | int32 number  | entries of 46 bytes
//	|         | bytes 6..end   | of entries    |
//	+---------+----------------+---------------+------------------------- - -
//	entry: producer id int64 | epoch int16 | last sequence int32 | last offset int64 |
//	       offset delta int32 | timestamp int64 | coordinator epoch int32 |
//	       first offset of the open transaction int64, or -1
//
// Kafka's entries have only the newest batch of each producer. A client whose
// broker dies repeats up to five, and would find all but the newest unknown and
// refused if the snapshot lay between them and the log's end. So the others
// follow behind the entries, where Kafka does not look; the CRC covers them:
//
//	0        4                 8
//	+--------+-----------------+--------------------- - -
//	| "MWN1" | int32 number of | batches of 32 bytes
//	|        | batches         |
//	+--------+-----------------+--------------------- - -
//	batch: producer id int64 | last sequence int32 | last offset int64 | offset delta int32 |
//	       timestamp int64
//
// They stand in the order of the entries, each producer's oldest first, at most
// four of one producer. The part is missing when there are none, as in files
// that Kafka wrote.
//
// Memory: producers live in one slab of 160-byte entries without pointers, found
// by linear search while they are few and through one map beyond that. A log
// that no such producer writes to holds nothing but the State itself.
//
// Concurrency: a State is not safe for concurrent use; its log guards it.
package producer
