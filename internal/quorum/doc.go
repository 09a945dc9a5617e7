// Package quorum replicates the metadata log: it drives go.etcd.io/raft with
// storage of its own, and hands committed entries to one state machine. A
// single node is a quorum of one and runs the same code.
//
// # Invariants
//
//   - Term, vote and entries are on disk (fsynced) before any message that
//     depends on them leaves and before any entry is applied. There is no switch.
//   - A voter is a node id together with a directory id, folded into one Raft id
//     (Member.RaftID) and written at the head of every segment. A node whose disk
//     was replaced is another voter: it cannot vote as its former self, and a
//     directory that belongs to someone else is refused.
//   - The first error of a write, fsync or rename is final. The quorum stops,
//     every pending proposal fails, Config.OnFatal hears the cause. Nothing is
//     retried: after a failed fsync the kernel may have dropped the data and
//     would report the next one as good.
//   - An I/O error is never taken for corruption, and corruption is never
//     repaired by deleting: Open refuses with a *CorruptionError that names the
//     file, the offset and what to do.
//   - Entries reach the state machine once each, in order, on the loop's
//     goroutine. IsLeader is true only after the first entry of the own term is
//     applied, so a leader has seen everything that any leader before it committed.
//
// # Files
//
// A directory holds segments of one log and the two newest snapshots. All
// integers are little endian, all checksums CRC32C.
//
//	00000000000000000001.wal          segments, numbered from 1 without gaps
//	00000000000000000002.wal
//	00000000000000008193-0000000003.snap   index and term of a snapshot
//	.lock
//
// A segment has a fixed size from the start (its tail is zeros) and is a
// sequence of blocks. One block is what one fsync makes durable: the group
// commit of everything in one Raft Ready. Blocks start at multiples of 32 bytes,
// so a header never straddles a 512-byte sector.
//
//	 0       4       8      12      16              24      28      32
//	 +-------+-------+-------+-------+---------------+-------+-------+
//	 | magic | hcrc  | length| bcrc  | sequence      | chain | salt  |
//	 +-------+-------+-------+-------+---------------+-------+-------+
//	 | records … zero padding … 0xA5       (length bytes, 32-aligned) |
//	 +----------------------------------------------------------------+
//
//	magic     "MRL1"
//	hcrc      of bytes 8..32 of the header
//	bcrc      of the body
//	sequence  of the block in the whole log, counting from 1
//	chain     hcrc of the block before, across segments
//	salt      folded identity of the voter: blocks of another log do not match
//
//	record    kind:1 then
//	  1 head      version:1 node:4 directory:16 segment:8 size:8 index:8 term:8 commit:8 vote:8 hardTerm:8
//	              (first record of a segment; index and term are those of the last entry before it)
//	  2 state     term:8 vote:8 commit:8
//	  3 entry     type:1 term:8 index:8 length:4 data
//	  4 snapshot  index:8 term:8  (the log continues after this snapshot)
//	  5 seal      (nothing follows in this segment; written once the next one exists)
//
// A snapshot file:
//
//	+-------+-------+---------+-------+------+--------------------+---------+
//	| magic | crc   | version | count | size | index:8 term:8     |         |
//	| :4    | :4    | :4      | :4    | :8   | count × member:32  | data    |
//	+-------+-------+---------+-------+------+--------------------+---------+
//	member   raft id:8 node:4 directory:16 learner:1 reserved:3
//
// # Recovery
//
// Everything below the last durable block must be intact. A bad block is taken
// for the torn end of an interrupted write, and cut, only if all of this holds:
// it is in the last segment; no block with a later sequence follows (a later one
// proves that this one had been fsynced); and what is there looks like sectors
// that never reached the disk, or a write cut short: the header is all zeros, or
// all that follows it is, or the header is good and some sector of its body is
// all zeros or its last byte is. Anything else is corruption. So is a
// segment that is shorter than its size says, has a bad block in the middle,
// lacks its seal, or is sealed without a successor. A power loss while segments
// change leaves the last but one unsealed and the last one unused; this, and
// only this, is completed. What cannot be told from a torn write is a durable last block
// in which whole sectors turned to zeros; Close writes one more block, which
// closes this gap for clean shutdowns.
//
// A bad newest snapshot is no loss as long as the older one and the log after
// it, which is kept for that reason, are good; this is logged as an error.
//
// # Concurrency
//
// One goroutine (Quorum.run) owns Raft, the log and the state machine. All
// exported methods are safe for concurrent use. A cluster of one, once it
// leads, has no ticker: idle costs nothing.
package quorum
