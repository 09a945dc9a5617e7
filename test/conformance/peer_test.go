package conformance

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const clusterID = "MkU3OEVBNTcwNTJENDM2Qk"

// startKafka runs Apache Kafka from its Maven artifacts on loopback ports and
// returns its address. It stops with the test.
func startKafka(t *testing.T) string {
	t.Helper()
	path, err := exec.Command("../peer/classpath", "broker").Output()
	if err != nil {
		t.Fatalf("Kafka's class path: %v", err)
	}
	classes := strings.TrimSpace(string(path))
	dir := t.TempDir()
	client, controller := freeAddress(t), freeAddress(t)
	common, err := os.ReadFile(settingsFile)
	if err != nil {
		t.Fatal(err)
	}
	properties := filepath.Join(dir, "server.properties")
	text := string(common) + fmt.Sprintf("process.roles=broker,controller\ncontroller.listener.names=CONTROLLER\ncontroller.quorum.voters=1@%s\n"+
		"listeners=PLAINTEXT://%s,CONTROLLER://%s\nlog.dirs=%s\n", controller, client, controller, filepath.Join(dir, "data"))
	if err := os.WriteFile(properties, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	format := exec.Command("java", "-Xmx128m", "-cp", classes, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", properties,
		"--feature", "eligible.leader.replicas.version=0") // it would set min.insync.replicas for the cluster
	if out, err := format.CombinedOutput(); err != nil {
		t.Fatalf("format: %v\n%s", err, out)
	}
	var log bytes.Buffer
	cmd := exec.Command("java", "-Xmx512m", "-cp", classes, "kafka.Kafka", properties)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(100 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", client, time.Second); err == nil {
			_ = c.Close()
			return client
		}
	}
	t.Fatalf("Kafka did not come up:\n%s", log.String())
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
