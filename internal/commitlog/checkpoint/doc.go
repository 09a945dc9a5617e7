// Package checkpoint reads and writes the small text files Kafka keeps beside
// its logs: offset checkpoints, partition.metadata and meta.properties.
//
// An offset checkpoint (recovery-point-offset-checkpoint,
// log-start-offset-checkpoint, cleaner-offset-checkpoint,
// replication-offset-checkpoint) and a leader-epoch-checkpoint share one frame:
//
//	0                    version
//	2                    number of lines that follow
//	orders 0 1841        fields of one entry, separated by one space
//	orders 1 77
//
// partition.metadata holds the topic id of the directory it lies in:
//
//	version: 0
//	topic_id: 0nB6M1sUSgmW5R5qnYVaOQ
//
// meta.properties is a Java properties file that ties a log directory to a
// cluster, a node and itself:
//
//	cluster.id=4L6g3nShT-eMCtK--X86sw
//	directory.id=5vJmSL9cRruGGiYbFpk0Hw
//	node.id=1
//	version=1
//
// Invariants: writing goes through a temporary file, fsync, rename and an fsync
// of the directory, so a reader finds either the old or the new content whole.
// Parsing is strict (exact counts, decimal integers, no duplicates, nothing
// after the end): a damaged file is a *FormatError, never a guess. Whether to
// rebuild or to stop is the caller's decision. An I/O error is passed on as is,
// so that it is never mistaken for damage.
//
// Concurrency: functions only, no state; two writers of one name must be
// serialised by the caller.
package checkpoint
