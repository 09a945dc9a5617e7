// Package replica holds the replicas that live on this node: it follows the
// cluster metadata, opens and deletes logs, hands leadership to partitions, and
// finds the partition a request names.
//
// Invariants:
//   - A log is deleted only because a committed metadata change removed that
//     topic id (I13). Logs that the metadata does not know are reported once and
//     left alone.
//   - A partition that cannot be served (quarantined, directory offline) stays in
//     the set and answers KAFKA_STORAGE_ERROR; it never looks like an unknown
//     topic, which clients would take for a deletion.
//
// A log that can't be opened for want of disk space or file descriptors is tried
// again, soon and then less often; until then its clients hear
// KAFKA_STORAGE_ERROR, too, which they retry.
//
// Concurrency: look-ups may come from any goroutine. Changes come from the
// metadata subscription, or from the timer of such retries, one at a time;
// opening the logs of one change is spread over a few workers.
package replica
