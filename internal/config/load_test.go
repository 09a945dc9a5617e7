package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, err := Load(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if c.DataDir != "./milena-data" || c.HTTP != "127.0.0.1:9644" || len(c.Listeners) != 1 || c.Listeners[0].Addr() != "127.0.0.1:9092" {
		t.Errorf("got %+v", c)
	}
	if got := c.Props.Int("group.initial.rebalance.delay.ms"); got != 0 {
		t.Errorf("a node without a file must not delay its first group: %d", got)
	}
	if c.Inert != nil {
		t.Errorf("nothing was set, but %v has no effect", c.Inert)
	}
}

func TestPrecedence(t *testing.T) {
	src := Sources{
		File:  writeFile(t, "num.partitions=2\nmessage.max.bytes=2\nlog.retention.ms=2\nlog.dirs=/file\n"),
		Env:   []string{"KAFKA_NUM_PARTITIONS=3", "KAFKA_MESSAGE_MAX_BYTES=3", "KAFKA_LOG_DIRS=/env", "PATH=/bin"},
		Sets:  []string{"num.partitions=4", "log.dirs=/set"},
		Flags: []Flag{{"--data-dir", "log.dirs", "/flag"}},
	}
	c, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int64{"num.partitions": 4, "message.max.bytes": 3, "log.retention.ms": 2, "group.initial.rebalance.delay.ms": 3000} {
		if got := c.Props.Int64(key); got != want {
			t.Errorf("%s = %d, want %d", key, got, want)
		}
	}
	if c.DataDir != "/flag" {
		t.Errorf("data directory %q", c.DataDir)
	}
	for key, want := range map[string]string{
		"num.partitions": "--set", "message.max.bytes": "environment KAFKA_MESSAGE_MAX_BYTES",
		"log.retention.ms": "server.properties:3", "log.dirs": "--data-dir",
	} {
		if got := c.Origins[key]; got != want {
			t.Errorf("%s came from %q, want %q", key, got, want)
		}
	}
}

func TestEveryBadSettingIsReportedWithItsOrigin(t *testing.T) {
	_, err := Load(Sources{
		File: writeFile(t, "# a comment\nlog.retention.m=5\n\nnum.partitions=\\\n  0\nssl.keystore.location=/x\nretention.ms=1\n"),
		Env:  []string{"KAFKA_LOG_RETENTOIN_BYTES=7", "KAFKA_HEAP_OPTS=-Xmx1g"},
		Sets: []string{"message.max.bytes=big", "nonsense"},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		`--set "nonsense" must have the form key=value`,
		"server.properties:2: Unknown broker config name: log.retention.m (did you mean log.retention.ms?)",
		"environment KAFKA_LOG_RETENTOIN_BYTES: Unknown broker config name: log.retentoin.bytes (did you mean log.retention.bytes?)",
		"--set: Invalid value big for configuration message.max.bytes: Not a number of type INT",
		"server.properties:4: Invalid value 0 for configuration num.partitions: Value must be at least 1",
		"server.properties:7: Unknown broker config name: retention.ms (did you mean log.retention.ms?)",
		"server.properties:6: Unknown broker config name: ssl.keystore.location (TLS does not exist in this version: remove the key, or keep this node behind something that does TLS)",
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// A file as Kafka ships it for a combined broker and controller.
const kafkaFile = `
process.roles=broker,controller
node.id=7
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`

func TestKafkasOwnFileLoads(t *testing.T) {
	c, err := Load(Sources{File: writeFile(t, kafkaFile)})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Listeners) != 1 || c.Listeners[0].Addr() != ":9092" || c.DataDir != "/tmp/kraft-combined-logs" || c.Props.Int("node.id") != 7 {
		t.Errorf("got %+v", c)
	}
	inert := strings.Join(c.Inert, " ")
	for _, want := range []string{"num.network.threads", "process.roles"} {
		if !strings.Contains(inert, want) {
			t.Errorf("%s must be named as having no effect: %s", want, inert)
		}
	}
	if strings.Contains(inert, "log.segment.bytes") {
		t.Errorf("log.segment.bytes has an effect: %s", inert)
	}
}

func TestNobodyCouldConnect(t *testing.T) {
	_, err := Load(Sources{Sets: []string{"max.connections.per.ip=0"}})
	if err == nil || !strings.Contains(err.Error(), "Nobody could connect") {
		t.Errorf("no connections from anywhere: %v", err)
	}
	if _, err := Load(Sources{Sets: []string{"max.connections.per.ip=0", "max.connections.per.ip.overrides=10.0.0.1:5"}}); err != nil {
		t.Errorf("connections from one address: %v", err)
	}
}

func TestOldBrokerID(t *testing.T) {
	c, err := Load(Sources{Sets: []string{"broker.id=5"}})
	if err != nil || c.Props.Int("node.id") != 5 {
		t.Errorf("broker.id alone: %d, %v", c.Props.Int("node.id"), err)
	}
	if _, err := Load(Sources{Sets: []string{"broker.id=5", "node.id=6"}}); err == nil || !strings.Contains(err.Error(), "same thing") {
		t.Errorf("a contradiction: %v", err)
	}
}

func TestHTTPOffAndMissingFile(t *testing.T) {
	if c, err := Load(Sources{Sets: []string{"milena.http.listen=off"}}); err != nil || c.HTTP != "" {
		t.Errorf("off: %q, %v", c.HTTP, err)
	}
	if _, err := Load(Sources{File: "/does/not/exist"}); err == nil {
		t.Error("a missing file must stop the start")
	}
	if _, err := Load(Sources{Sets: []string{"listeners=SSL://:9092"}}); err == nil {
		t.Error("a TLS listener must stop the start")
	}
}
