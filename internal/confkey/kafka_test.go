package confkey

import (
	"os"
	"strings"
	"testing"
)

// different lists every fact that deliberately differs from Kafka 4.4, with
// the reason.
var different = map[string]string{
	"broker node.id default":                                          "a node starts without a configuration",
	"broker process.roles default":                                    "a node starts without a configuration",
	"broker controller.listener.names default":                        "a node starts without a configuration",
	"broker listeners default":                                        "not open to the network until asked",
	"broker log.dir default":                                          "data in /tmp is lost at the next boot",
	"broker offsets.topic.replication.factor default":                 "one node has one replica to offer",
	"broker transaction.state.log.replication.factor default":         "one node has one replica to offer",
	"broker transaction.state.log.min.isr default":                    "one node has one replica to offer",
	"broker share.coordinator.state.topic.replication.factor default": "one node has one replica to offer",
	"broker share.coordinator.state.topic.min.isr default":            "one node has one replica to offer",
	"broker max.connections default":                                  "limits are finite",
	"broker max.connections.per.ip default":                           "limits are finite",
	"broker max.connection.creation.rate default":                     "limits are finite",
	"broker queued.max.request.bytes default":                         "limits are finite",
	"broker connections.max.idle.ms accepts":                          "checked here; Kafka compares it with another setting",
	"broker max.connections accepts":                                  "refuses what could not work",
	"broker queued.max.request.bytes accepts":                         "refuses what could not work",
	"broker default.replication.factor accepts":                       "refuses what could not work",
	"broker log.retention.ms accepts":                                 "refuses what could not work",
	"broker log.retention.minutes accepts":                            "checked here; Kafka checks the result",
	"broker log.retention.hours accepts":                              "checked here; Kafka checks the result",
	"broker log.roll.ms accepts":                                      "refuses what could not work",
	"broker log.roll.jitter.ms accepts":                               "refuses what could not work",
	"broker broker.id accepts":                                        "refuses what could not work",
	"broker group.initial.rebalance.delay.ms accepts":                 "refuses what could not work",
	"broker group.min.session.timeout.ms accepts":                     "refuses what could not work",
	"broker group.max.session.timeout.ms accepts":                     "refuses what could not work",
	"broker offset.metadata.max.bytes accepts":                        "refuses what could not work",
	"broker offsets.topic.compression.codec accepts":                  "refuses what could not work",
	"broker listeners dynamic":                                        "opened once, at the start",
	"broker listener.security.protocol.map dynamic":                   "opened once, at the start",
	"broker listeners accepts":                                        "checked while reading, not at binding",
	"broker advertised.listeners accepts":                             "checked while reading, not at binding",
	"broker max.connections.per.ip.overrides accepts":                 "checked while reading, not at binding",
	"broker log.dirs accepts":                                         "one directory in this version",
	"broker listener.security.protocol.map accepts":                   "only PLAINTEXT in this version",
	"broker security.inter.broker.protocol accepts":                   "only PLAINTEXT in this version",
	"topic remote.storage.enable accepts":                             "no tiered storage in this version",
	"topic remote.log.copy.disable accepts":                           "no tiered storage in this version",
	"topic remote.log.delete.on.disable accepts":                      "no tiered storage in this version",
	"topic leader.replication.throttled.replicas accepts":             "worded differently",
	"topic follower.replication.throttled.replicas accepts":           "worded differently",
}

// beyond lists keys that are in the table though Kafka 4.4's static definition
// does not have them: they exist only as dynamic settings there.
var beyond = map[string]bool{
	"broker follower.replication.throttled.rate":            true,
	"broker leader.replication.throttled.rate":              true,
	"broker replica.alter.log.dirs.io.max.bytes.per.second": true,
}

func TestFactsAreKafkas(t *testing.T) {
	data, err := os.ReadFile("testdata/kafka-4.4.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kafka, used := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		id := f[0] + " " + f[1]
		kafka[id] = true
		k := lookup(map[string]Scope{"broker": ScopeBroker, "topic": ScopeTopic, "group": ScopeGroup}[f[0]], f[1])
		if k == nil {
			if f[7] != "internal" && Absent(f[1]) == "" && !leftOut(f[1]) {
				t.Errorf("%s is neither in the table nor absent for a reason", id)
			}
			continue
		}
		compare(t, k, id, f, used)
	}
	for id := range different {
		if !used[id] {
			t.Errorf("no difference any more: %s", id)
		}
	}
	for _, k := range All(ScopeBroker | ScopeTopic | ScopeGroup) {
		if id := k.Scope.String() + " " + k.Name; !k.Own && !kafka[id] && !beyond[id] {
			t.Errorf("%s: Kafka has no such key", id)
		}
	}
}

// compare checks one line of facts: name, type, default, accepted values,
// importance, update mode, internal.
func compare(t *testing.T, k *Key, id string, f []string, used map[string]bool) {
	t.Helper()
	def := k.Default
	switch {
	case !k.HasDefault:
		def = "-"
	case def == "":
		def = `""`
	}
	accepts := k.Accepts()
	if accepts == "" {
		accepts = "-"
	}
	for _, c := range []struct{ fact, got, want string }{
		{"type", k.Type.String(), f[2]},
		{"default", def, f[3]},
		{"accepts", accepts, f[4]},
		{"importance", k.Importance.String(), f[5]},
		{"dynamic", k.Dynamic.String(), f[6]},
		{"internal", map[bool]string{true: "internal", false: "-"}[k.Internal], f[7]},
	} {
		if c.got == c.want {
			continue
		}
		name := id + " " + c.fact
		used[name] = true
		if different[name] == "" {
			t.Errorf("%s is %q, Kafka has %q", name, c.got, c.want)
		}
	}
}

// leftOut are keys of plug-in points and features that nothing here refers to.
func leftOut(name string) bool {
	return name == "group.streams.topology.description.plugin.class"
}

func TestAbsentKeysSayWhy(t *testing.T) {
	for _, name := range []string{
		"ssl.keystore.location", "sasl.enabled.mechanisms", "authorizer.class.name",
		"super.users", "remote.log.storage.system.enable", "zookeeper.connect", "listener.name.internal.ssl.key.password",
	} {
		if Absent(name) == "" {
			t.Errorf("%s is refused without a reason", name)
		}
	}
	for _, name := range []string{"num.partitions", "no.such.key", "security.inter.broker.protocol"} {
		if why := Absent(name); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
}
