// Package bench loads a Kafka-compatible cluster and measures it: producing,
// consuming, and the way from a producer to a consumer.
//
// # What is measured
//
// Latency counts from the moment a record was due, not from the moment it was
// handed to the client. With a rate, record i of a producer is due at
// start + i/rate, so a server that stalls is charged for the records that
// queued up meanwhile (no coordinated omission). Without a rate a record is due
// when it is handed over, and latency is mostly time in the client's queue.
// Latencies are kept in an HDR histogram from 1 µs to 10 minutes with three
// significant digits; nothing is averaged away.
//
// Throughput counts confirmed records and the bytes of their keys and values,
// over the time from the end of the warm-up to the last confirmation. A
// megabyte is 10^6 bytes.
//
// With the broker's process id, its CPU time and memory are read from /proc at
// both ends of the same span. A calibration of the machine (memory copy, CRC,
// loopback, flush) goes with every result, because a figure says little without
// the machine it came from.
//
// Concurrency: each producer and consumer is one goroutine with a client of its
// own; all feed one meter, which shards its histograms to stay off their way.
// Every goroutine has ended when a run returns.
package bench
