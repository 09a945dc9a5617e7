package confkey

import (
	"strings"
	"testing"
)

func TestEveryDefaultPassesItsOwnCheck(t *testing.T) {
	for _, k := range All(ScopeBroker | ScopeTopic | ScopeGroup) {
		if k.HasDefault && (k.Type != Class || k.Default != "") {
			if err := k.Check(k.Default); err != nil {
				t.Errorf("%s %s: %v", k.Scope, k.Name, err)
			}
		}
		if k.Type.Numeric() && k.HasDefault && k.Default == "" {
			t.Errorf("%s %s: a number needs a default or none", k.Scope, k.Name)
		}
	}
}

func TestTableIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range All(ScopeBroker | ScopeTopic | ScopeGroup) {
		id := k.Scope.String() + " " + k.Name
		if seen[id] {
			t.Errorf("%s is in the table twice", id)
		}
		seen[id] = true
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: text must be sentences: %q", id, k.Doc)
		}
		for _, name := range k.BrokerSynonyms {
			b, ok := Broker(name)
			if !ok {
				t.Errorf("%s: synonym %s does not exist", id, name)
			} else if k.Scope == ScopeTopic && b.TopicSynonym != k.Name {
				t.Errorf("%s does not lead back to %s", name, id)
			}
		}
		if k.Own != (strings.HasPrefix(k.Name, "milena.") || strings.HasSuffix(k.Name, "durability.mode")) {
			t.Errorf("%s: own keys are recognised by their name", id)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		scope             Scope
		name, value, want string // want "" accepts
	}{
		{ScopeTopic, "retention.ms", "-1", ""},
		{ScopeTopic, "retention.ms", " 42 ", ""},
		{ScopeTopic, "retention.ms", "-5", "Invalid value -5 for configuration retention.ms: Value must be at least -1"},
		{ScopeTopic, "retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG"},
		{ScopeTopic, "segment.bytes", "99999999999", "Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT"},
		{ScopeTopic, "segment.bytes", "1", "Invalid value 1 for configuration segment.bytes: Value must be at least 1048576"},
		{ScopeTopic, "retention.ms", "0", ""},
		{ScopeBroker, "log.retention.ms", "0", "at least 1, or -1"},
		{ScopeBroker, "log.retention.ms", "-1", ""},
		{ScopeBroker, "log.retention.minutes", "0", "at least 1, or negative"},
		{ScopeBroker, "log.retention.hours", "0", "at least 1, or negative"},
		{ScopeBroker, "log.retention.hours", "-1", ""},
		{ScopeBroker, "connections.max.idle.ms", "0", "above 100"},
		{ScopeBroker, "connections.max.idle.ms", "-1", ""},
		{ScopeTopic, "preallocate", "TRUE", ""},
		{ScopeTopic, "preallocate", "maybe", "Invalid value maybe for configuration preallocate: Expected value to be either true or false"},
		{ScopeTopic, "cleanup.policy", "compact, delete", ""},
		{ScopeTopic, "cleanup.policy", "", ""},
		{ScopeTopic, "cleanup.policy", "compact,foo", `"foo" is none of: compact, delete`},
		{ScopeTopic, "compression.type", "brotli", `"brotli" is none of`},
		{ScopeTopic, "compression.gzip.level", "0", "between 1 and 9 or equal to -1"},
		{ScopeTopic, "compression.gzip.level", "-1", ""},
		{ScopeTopic, "min.cleanable.dirty.ratio", "0.75", ""},
		{ScopeTopic, "min.cleanable.dirty.ratio", "1.01", "no more than 1"},
		{ScopeTopic, "min.cleanable.dirty.ratio", "NaN", "at least 0"},
		{ScopeTopic, "leader.replication.throttled.replicas", "0:1,1:2", ""},
		{ScopeTopic, "leader.replication.throttled.replicas", "*", ""},
		{ScopeTopic, "leader.replication.throttled.replicas", "x", "neither"},
		{ScopeTopic, "remote.storage.enable", "true", "tiered storage"},
		{ScopeTopic, "durability.mode", "relaxed", ""},
		{ScopeTopic, "retention.msec", "1", "Unknown topic config name: retention.msec (did you mean retention.ms?)"},
		{ScopeTopic, "log.retention.minutes", "1", "did you mean retention.ms?"},
		{ScopeBroker, "max.message.bytes", "1", "did you mean message.max.bytes?"},
		{ScopeGroup, "share.auto.offset.reset", "by_duration:P1DT2H", ""},
		{ScopeGroup, "share.auto.offset.reset", "by_duration:PT", "ISO 8601"},
		{ScopeBroker, "max.connections.per.ip.overrides", "localhost:5", `"localhost:5" must begin with an IP address`},
		{ScopeBroker, "max.connections.per.ip.overrides", "10.0.0.1:5, [::1]:6 , ::1:7", ""},
		{ScopeBroker, "listeners", "PLAINTEXT://:9092,CONTROLLER://:9093", ""},
		{ScopeBroker, "listeners", "PLAINTEXT://[::1]:9092", ""},
		{ScopeBroker, "listeners", "A://:1,a://:2", "used twice"},
		{ScopeBroker, "listeners", "localhost:9092", "NAME://host:port"},
		{ScopeBroker, "listener.security.protocol.map", "CONTROLLER:PLAINTEXT,SSL:SSL", ""},
		{ScopeBroker, "listener.security.protocol.map", "EXTERNAL:SSL", "only PLAINTEXT"},
		{ScopeBroker, "log.dirs", "/a,/b", "2 directories"},
		{ScopeBroker, "max.connections.per.ip.overrides", "127.0.0.1:5,::1:7", ""},
		{ScopeBroker, "max.connections.per.ip.overrides", "host", "address:count"},
		{ScopeBroker, "milena.http.listen", "off", ""},
		{ScopeBroker, "milena.http.listen", "9644", "host:port"},
		{ScopeBroker, "ssl.keystore.password", "secret", "TLS does not exist"},
		{ScopeBroker, "offsets.topic.replication.factor", "40000", "Not a number of type SHORT"},
	} {
		err := Check(c.scope, c.name, c.value)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s=%q: %v", c.name, c.value, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s=%q: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}

func TestSensitiveValuesAreHidden(t *testing.T) {
	k := &Key{Name: "p", Type: Password, rule: plaintextOnly, Sensitive: true}
	if err := k.Check("hunter2"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		scope      Scope
		name, want string
	}{
		{ScopeBroker, "log.retention.m", "log.retention.ms"},
		{ScopeBroker, "log.retentoin.ms", "log.retention.ms"},
		{ScopeBroker, "LOG_RETENTION_MS", "log.retention.ms"},
		{ScopeBroker, "num.partition", "num.partitions"},
		{ScopeTopic, "rentention.ms", "retention.ms"},
		{ScopeTopic, "clean.policy", "cleanup.policy"},
		{ScopeBroker, "completely.different.thing", ""},
		{ScopeTopic, "", ""},
	} {
		if got := Nearest(c.scope, c.name); got != c.want {
			t.Errorf("Nearest(%s, %q) = %q, want %q", c.scope, c.name, got, c.want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"kitten", "sitting", 3}, {"a", "zzzzzzzzzzzzz", 9}} {
		if got := editDistance(c.a, c.b, 9); got != c.want {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
