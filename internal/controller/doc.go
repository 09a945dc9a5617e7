// Package controller decides every change of cluster metadata: topics,
// partitions, configuration, brokers, producer ids.
//
// A command is checked against the image, turned into records, committed by the
// quorum and applied before its caller hears of success. Commands are decided
// strictly one after another, each on the image that includes all before it, by
// one goroutine that exists only while there is work. Commands that wait at the
// same time share one proposal, hence one fsync: the decided records are applied
// to a throw-away copy of the image, the next command is decided on that copy,
// and all callers are answered when the common proposal is applied. If it fails,
// they all fail.
//
// # Invariants
//
//   - Only what was checked is proposed: metadata.Apply never rejects a record
//     from here (tests and an assertion hold this).
//   - A command that fails leaves no record; within a request, topics and
//     resources succeed or fail one by one, as in Kafka.
//   - A producer id is handed out only after a record above it is durable, and
//     never again, whatever crashes.
//   - Topics are removed by id.
//
// # Errors
//
// Errors wrap a *kerr.Error; the text before it is the message for the client.
// NOT_CONTROLLER means that another node leads, or that leadership was lost
// while the command was on its way (then it may have taken effect).
//
// # Differences from Kafka
//
// Unknown broker keys are refused (Kafka keeps them for plug-ins). Replica
// placement starts where the number of partitions points, not at random, so
// that the same commands give the same cluster. A failed check of an untouched,
// older override does not block other changes.
//
// # Concurrency
//
// All methods are safe for concurrent use and block until the outcome is known
// or their context ends.
package controller
