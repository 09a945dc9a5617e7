// Package record reads, checks, builds and rewrites Kafka record batches of
// format version 2 (KIP-98), the only format Milena stores.
//
// A batch on the wire and on disk, big-endian:
//
//	 0        8        12       16  17     21     23        27          35         43
//	+--------+--------+--------+---+------+------+---------+-----------+----------+
//	| base   | length | leader | m | crc  | attr | last    | base      | max      |
//	| offset | (int32)| epoch  | 2 | 32C  | (16) | offset  | timestamp | timestamp|
//	| (int64)|        | (int32)|   |      |      | delta   | (int64)   | (int64)  |
//	+--------+--------+--------+---+------+------+---------+-----------+----------+
//	 43         51      53       57      61
//	+----------+-------+--------+-------+--------------------------------------+
//	| producer | prod. | base   | count | records, compressed as one block by  |
//	| id       | epoch | seq.   | (int32| the codec in attr                    |
//	+----------+-------+--------+-------+--------------------------------------+
//
// length counts every byte after itself. The CRC covers attr to the end, so base
// offset, length, leader epoch and magic are outside it: the leader assigns
// offset and epoch in place without touching the payload, and a flipped bit
// there is not visible to the CRC.
//
// attr: bits 0–2 codec, 3 timestamp type (1 = LogAppendTime), 4 transactional,
// 5 control, 6 delete horizon (base timestamp then holds the horizon), rest 0.
//
// A record inside the payload, integers as zigzag varints:
//
//	length attr(int8) timestampDelta offsetDelta keyLen key valueLen value headerCount { keyLen key valueLen value }
//
// # Invariants
//
//   - Batch never owns more than one batch, and len(Batch) equals Size().
//   - Nothing is decompressed or walked unless a caller asks for records: the
//     produce path of an ordinary topic reads 61 bytes and computes one CRC.
//   - Every size that comes from the bytes is checked against the bytes that
//     remain, or against Limits, before anything is allocated for it.
//
// # Concurrency
//
// A Batch is a byte slice: reading is safe from many goroutines, setters are
// not. Codecs and their pools are safe for concurrent use. A Builder is not.
package record
