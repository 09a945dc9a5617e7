//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// serverProcess is a real "milena server" in a process of its own.
type serverProcess struct {
	cmd    *exec.Cmd
	kafka  string
	banner string
	stderr *bytes.Buffer
	out    *bufio.Reader
}

// startServer returns once the banner is printed: clients are served by then.
func startServer(t *testing.T, args ...string) *serverProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &serverProcess{cmd: exec.CommandContext(t.Context(), self), stderr: &bytes.Buffer{}}
	s.cmd.Args = append([]string{"milena", "server", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)
	s.cmd.Stderr = s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	for !strings.Contains(s.banner, "Ctrl-C stops it.") {
		line, err := s.out.ReadString('\n')
		if err != nil {
			_ = s.cmd.Wait()
			t.Fatalf("no banner: %v\n%s", err, s.stderr)
		}
		s.banner += line
		if f := strings.Fields(line); len(f) == 2 && f[0] == "Kafka" {
			s.kafka = f[1]
		}
	}
	return s
}

// stop ends the server with a signal and returns how it ended.
func (s *serverProcess) stop(t *testing.T, signal os.Signal) error {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, s.out)
	return s.cmd.Wait()
}

// run runs one command against the server.
func (s *serverProcess) run(t *testing.T, stdin string, args ...string) (out string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{in: strings.NewReader(stdin), out: &stdout, err: &stderr, getenv: func(string) string { return s.kafka }}
	if code := a.run(t.Context(), args); code != exitOK {
		t.Errorf("milena %s: exit code %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	return stdout.String()
}

// The whole of a first acquaintance: start without configuration, write, read,
// look, stop, start again and find everything as it was.
func TestServerProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := startServer(t, "--data-dir", dir, "--set", "num.network.threads=5")
	if !strings.Contains(s.banner, "durability   flushed") || !strings.Contains(s.banner, dir) {
		t.Errorf("banner:\n%s", s.banner)
	}
	s.run(t, "k1\tv1\nk2\tv2\n", "produce", "my_topic", "-q")
	if out := s.run(t, "", "consume", "my_topic", "-e", "-g", "readers", "-f", `%k=%v\n`); out != "k1=v1\nk2=v2\n" {
		t.Errorf("consumed %q", out)
	}
	s.run(t, "", "topic", "create", "orders", "-p", "2", "-c", "retention.ms=3600000")
	describe := s.run(t, "", "topic", "describe", "orders")
	for _, want := range []string{
		"Topic: orders\tTopicId: ", "\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: retention.ms=3600000\n",
		"\tTopic: orders\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n",
	} {
		if !strings.Contains(describe, want) {
			t.Errorf("missing %q in\n%s", want, describe)
		}
	}
	if err := s.stop(t, syscall.SIGTERM); err != nil {
		t.Errorf("a clean stop must succeed: %v\n%s", err, s.stderr)
	}
	if log := s.stderr.String(); !strings.Contains(log, "keys=num.network.threads") || !strings.Contains(log, "msg=stopped") {
		t.Errorf("log:\n%s", log)
	}
	if code, _, errs := runLocal(t, "dump-log", "--verify", dir); code != exitOK {
		t.Errorf("after a clean stop: %s", errs)
	}

	s = startServer(t, "--data-dir", dir)
	if again := s.run(t, "", "topic", "describe", "orders"); again != describe {
		t.Errorf("after a restart:\n%s\nbefore:\n%s", again, describe)
	}
	if out := s.run(t, "", "consume", "my_topic", "-e"); out != "v1\nv2\n" {
		t.Errorf("after a restart: %q", out)
	}
	if out := s.run(t, "", "group", "describe", "readers"); !strings.Contains(out, "TOTAL LAG    0") {
		t.Errorf("after a restart:\n%s", out)
	}
	if err := s.stop(t, os.Interrupt); err != nil {
		t.Errorf("a clean stop must succeed: %v\n%s", err, s.stderr)
	}
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	first := startServer(t, "--data-dir", dir)
	code, _, errs := runLocal(t, "server", "--listen", "127.0.0.1:0", "--http", "off", "--data-dir", dir)
	if code != exitFailed || !strings.Contains(errs, "the broker did not start: data directory: ") {
		t.Errorf("a directory in use: exit %d\n%s", code, errs)
	}
	code, _, errs = runLocal(t, "server", "--listen", first.kafka, "--http", "off", "--data-dir", t.TempDir())
	if code != exitFailed || !strings.Contains(errs, "address already in use") || !strings.Contains(errs, "--listen") {
		t.Errorf("a port in use: exit %d\n%s", code, errs)
	}
	if err := first.stop(t, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
