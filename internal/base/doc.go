// Package base holds the nouns every other package shares: node ids, topic
// partitions, UUIDs, topic-name rules, and the notifier that wakes waiters.
//
// Admission rule: standard library only, no I/O, no goroutines, and only types
// that at least two layers above need. Offsets are plain int64 and epochs plain
// int32 throughout Milena, as on Kafka's wire.
//
// Concurrency: values are immutable; Notifier is safe for concurrent use.
package base
