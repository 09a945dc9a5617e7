// Package confkey is the one table of configuration keys: every broker, topic
// and group key that Milena knows, under Kafka's own names, with type, default,
// bounds, valid values, importance, how it may change at run time and a short
// text. Start-up checking, DescribeConfigs, AlterConfigs and the generated
// documentation all read this table, so they cannot disagree.
//
// # Where a value comes from
//
// Values is an immutable, typed view over raw strings. A broker key is looked
// up among the settings, then among its coarser siblings (log.retention.ms,
// then log.retention.minutes, then log.retention.hours), then takes the table's
// default. A topic key is looked up among the topic's overrides first, then in
// the broker keys it is a refinement of, then takes the broker's default:
//
//	topic override → broker setting(s) → broker default → topic default
//
// Group keys cascade to the broker's group.* keys in the same way.
//
// # Differences from Kafka
//
// Facts are Kafka 4.4's. Each deliberate difference (defaults that let one node
// start, finite limits) is listed in the comparison test with its reason. A key
// that is accepted so that an existing server.properties works, but which has
// nothing to act on here, is marked Inert; keys of features that do not exist
// (TLS, SASL, ACLs, tiered storage) are absent, because ignoring them silently
// would break a promise their user relies on. Absent says so by name.
//
// # Invariants
//
//   - every default in the table passes its own Check;
//   - every synonym names an existing broker key;
//   - a name handed to a typed getter exists: a misspelt name panics, so one
//     test run finds it.
//
// Concurrency: the table is built once at package initialisation and never
// changes; Values is immutable. Everything here is safe for concurrent use.
package confkey
