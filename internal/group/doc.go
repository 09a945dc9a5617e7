// Package group is the coordinator of Kafka's classic group protocol and of
// committed offsets, as a pure state machine: (state, input, time) to (records,
// replies). It has no goroutines, locks, clock or randomness; a [Machine] is
// hosted by a shard, which appends its records to one partition of
// __consumer_offsets and sends its replies.
//
// # Two kinds of state
//
// Replicated state is what Apply builds from the log, in Kafka's own schemas:
// per group the value of its last GroupMetadata record (durable) and its
// committed offsets. It depends on the last record of each key only, so the
// live state, a replay of the log, and a replay of the compacted log are equal.
//
// Soft state is the running protocol: members, timers, parked requests. It is
// lost with leadership and rebuilt from durable by the first Tick. Kafka draws
// the same line: the generation that a rebalance starts is written down when
// the leader's assignment arrives, not before.
//
//	         join                  all joined, or timeout
//	Empty ─────────► PreparingRebalance ─────────► CompletingRebalance
//	  ▲                │      ▲     ▲                 │     │
//	  └────────────────┘      │     └─────────────────┘     │ leader's assignment
//	   all members left       │   join, leave, expiry       ▼ is in the log
//	                          └──────────────────────────  Stable
//
// # Invariants
//
//   - A group with members or pending members has a durable value.
//   - A Stable group equals its durable value: generation, protocol, leader,
//     members, subscriptions, assignments.
//   - An operation on a group answers after the group's last record; one that
//     found no group answers after the last record of the shard.
//   - A member is awaiting a join only in PreparingRebalance, a sync only in
//     CompletingRebalance.
//
// # Bounds
//
// Groups, members, pending members and bytes per member are bounded by
// [Config]. Members' metadata is opaque, except that the topics of a consumer
// subscription are read, by a parser that trusts no length; a value that does
// not parse means that the group's topics are unknown.
package group
