// Package metadata holds the cluster image: topics, partitions, brokers,
// configuration overrides, features and the producer-id counter, as every node
// sees them after replaying the same records.
//
// An Image never changes. Apply makes the next one from a batch of records and
// shares everything that the batch did not touch, so that creating ten thousand
// topics one after another costs ten thousand small copies. A Delta names what
// differs between two images; Store holds the current image, hands deltas to
// subscribers and is the quorum's state machine.
//
// # Invariants
//
//   - Apply is total: any records, in any order, from anywhere, give an image.
//     A record that makes no sense here (unknown topic, wrong epoch, bad id) or
//     whose kind is unknown changes nothing and is counted in the Delta. The
//     controller checks commands before it proposes them; Apply must survive the
//     day on which that check has a bug, because every node replays the log.
//   - Apply is deterministic: no clock, no randomness, no map order.
//   - Snapshot followed by the tail of the log gives the image of the whole log.
//   - A topic disappears only by a RemoveTopic record that names its id.
//   - Leader epochs, partition epochs and the next producer id never go back.
//
// # Digests
//
// ExactHash covers everything, so equal digests mean equal images. Hash leaves
// out which process embodies a broker (incarnation, epoch, where it listens,
// fenced or not): these change with every start, and what an operator compares
// between two starts, or two nodes, is what was decided about the cluster.
//
// # Concurrency
//
// Images and everything they return may be read from any goroutine and must
// not be changed. Store.Apply and Store.Restore are called by one goroutine
// (the quorum's); the rest of Store is safe for concurrent use.
package metadata
