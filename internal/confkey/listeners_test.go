package confkey

import (
	"strings"
	"testing"
)

func TestCheckListeners(t *testing.T) {
	for _, c := range []struct {
		what     string
		settings []string
		want     string // "" passes
		open     string
	}{
		{"default", nil, "", "PLAINTEXT 127.0.0.1:9092"},
		{"Kafka's combined file", []string{
			"listeners", "PLAINTEXT://:9092,CONTROLLER://:9093", "controller.listener.names", "CONTROLLER",
			"listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL",
		}, "", "PLAINTEXT :9092"},
		{"two", []string{
			"listeners", "IN://a:1,OUT://b:2", "listener.security.protocol.map", "IN:PLAINTEXT,OUT:PLAINTEXT",
			"advertised.listeners", "OUT://c:3", "inter.broker.listener.name", "IN",
		}, "", "IN a:1 OUT b:2"},
		{"none left", []string{"listeners", "CONTROLLER://:9093"}, "reserved by controller.listener.names", ""},
		{"advertised unknown", []string{"advertised.listeners", "OUT://c:3"}, "not among listeners", ""},
		{"advertised everywhere", []string{"advertised.listeners", "PLAINTEXT://0.0.0.0:9092"}, "needs the host name", ""},
		{"inter-broker unknown", []string{"inter.broker.listener.name", "X"}, "not among listeners", ""},
		{"not in the map", []string{"listeners", "IN://a:1"}, "add IN:PLAINTEXT", ""},
		{"TLS", []string{"listeners", "SSL://a:1"}, "TLS does not exist", ""},
	} {
		v := broker(t, c.settings...)
		err := CheckListeners(v)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		var open []string
		for _, l := range ClientListeners(v) {
			open = append(open, l.Name+" "+l.Addr())
		}
		if got := strings.Join(open, " "); err == nil && got != c.open {
			t.Errorf("%s: opens %q, want %q", c.what, got, c.open)
		}
	}
}

func TestDataDir(t *testing.T) {
	for _, c := range []struct {
		settings []string
		want     string
	}{{nil, "./milena-data"}, {[]string{"log.dir", "/a"}, "/a"}, {[]string{"log.dir", "/a", "log.dirs", "/b"}, "/b"}} {
		if got := DataDir(broker(t, c.settings...)); got != c.want {
			t.Errorf("%v: %s, want %s", c.settings, got, c.want)
		}
	}
}
