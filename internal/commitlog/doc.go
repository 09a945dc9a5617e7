// Package commitlog stores partitions: append-only logs of record batches in
// segment files that Apache Kafka's tools can read.
package commitlog
