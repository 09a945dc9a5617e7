// Package wire frames Kafka requests and responses and checks request bodies
// before anything is allocated for them.
//
// A request on a connection, big-endian:
//
//	+---------+---------+---------+-------------+-----------+--------+------+
//	| size    | api key | version | correlation | client id | tags,  | body |
//	| (int32) | (int16) | (int16) | id (int32)  | (nullable | if     |      |
//	|         |         |         |             | string)   | flexible      |
//	+---------+---------+---------+-------------+-----------+--------+------+
//
// size counts what follows it. A response is size, correlation id, tags if
// flexible (but never for ApiVersions, whose reader may not know our version),
// body.
//
// The decoders behind this package allocate for each element and keep each
// unknown tag, and believe an array count as far as one byte per element. So
// CheckBody walks every body first, along schemas generated from Kafka's own:
// nothing is decoded that is cut off, that has more elements or tags than
// Limits allow, or arrays that can't fit. What the walk costs is bounded by the
// bytes and by Limits, and it allocates nothing. Values that come back from
// __consumer_offsets are walked the same way before they are decoded (Stored).
//
// Concurrency: functions are pure; a Buffers belongs to one goroutine at a time.
package wire
