package confkey

import "strings"

// absent lists families of Kafka keys that are refused because ignoring them
// would quietly drop what their user relies on.
var absent = []struct{ prefix, reason string }{
	{"ssl.", noTLS},
	{"sasl.", noSASL},
	{"security.", noTLS},
	{"connections.max.reauth.ms", noSASL},
	{"connection.failed.authentication.delay.ms", noSASL},
	{"delegation.token.", noSASL},
	{"principal.builder.class", noSASL},
	{"authorizer.class.name", noACL},
	{"super.users", noACL},
	{"allow.everyone.if.no.acl.found", noACL},
	{"remote.", noTiering.reason()},
	{"rsm.config.", noTiering.reason()},
	{"rlmm.config.", noTiering.reason()},
	{"zookeeper.", "there is no ZooKeeper: a node keeps its own metadata"},
	{"inter.broker.protocol.version", "Kafka 4 has no such key either: feature levels replaced it"},
	{"log.message.format.version", "Kafka 4 has no such key either: only message format 2 exists"},
	{"create.topic.policy.class.name", noJava},
	{"alter.config.policy.class.name", noJava},
	{"client.quota.callback.class", noJava},
	{"listener.name.", "settings of single listeners do not exist in this version"},
}

const (
	noTLS  = "TLS does not exist in this version: remove the key, or keep this node behind something that does TLS"
	noSASL = "SASL does not exist in this version: remove the key, and keep the listener on a trusted network"
	noACL  = "ACLs do not exist in this version: remove the key, and keep the listener on a trusted network"
	noJava = "Java classes cannot be loaded"
)

// reason is why a rule with a single answer refuses the other.
func (r *rule) reason() string { return r.check("true") }

// Absent says why a key that Kafka has is not in the table, "" when there is
// nothing to say about the name.
func Absent(name string) string {
	if k := brokerIndex.byName[name]; k != nil {
		return ""
	}
	for _, a := range absent {
		if strings.HasPrefix(name, a.prefix) {
			return a.reason
		}
	}
	return ""
}
