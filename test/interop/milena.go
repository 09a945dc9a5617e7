package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// startTime is what the server may take to say where it listens.
const startTime = 20 * time.Second

// milena is a server built from this tree, on a data directory of its own.
type milena struct {
	address string
	dir     string
	cmd     *exec.Cmd
}

var listens = regexp.MustCompile(`Kafka[^0-9]*(127\.0\.0\.1:[0-9]+)`)

// startMilena builds the server and starts it on free ports.
func startMilena(ctx context.Context, root string) (*milena, error) {
	dir, err := os.MkdirTemp("", "milena-interop-")
	if err != nil {
		return nil, err
	}
	m := &milena{dir: dir}
	if err := m.start(ctx, root); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, m.log()), m.stop())
	}
	return m, nil
}

func (m *milena) start(ctx context.Context, root string) error {
	binary := filepath.Join(m.dir, "milena")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/milena")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(m.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own
	// Not CommandContext: stop ends the server, and in order.
	m.cmd = exec.Command(binary, "server", "--data-dir", filepath.Join(m.dir, "data"), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
	m.cmd.Stderr = log
	inGroup(m.cmd) // so that an interrupt at the terminal reaches the clients first
	m.cmd.Cancel = nil
	banner, err := m.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	found := make(chan string, 1)
	go findAddress(banner, found)
	select {
	case m.address = <-found:
	case <-time.After(startTime):
	case <-ctx.Done():
	}
	if m.address == "" {
		return errors.New("the server printed no address")
	}
	return nil
}

// findAddress reads the server's banner to its end, so that the server never
// waits for a reader.
func findAddress(banner io.Reader, found chan<- string) {
	lines := bufio.NewScanner(banner)
	for lines.Scan() {
		if m := listens.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case found <- m[1]:
			default:
			}
		}
	}
	close(found)
}

// log is the end of what the server logged.
func (m *milena) log() string {
	data, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		return ""
	}
	return string(data[max(0, len(data)-tailBytes):])
}

// stop ends the server in order and removes its data.
func (m *milena) stop() error {
	var err error
	if m.cmd != nil && m.cmd.Process != nil {
		_ = m.cmd.Process.Signal(os.Interrupt)
		force := time.AfterFunc(startTime, func() { _ = m.cmd.Process.Kill() })
		err = m.cmd.Wait()
		force.Stop()
		if err != nil {
			err = fmt.Errorf("the server's end: %w\n%s", err, m.log())
		}
	}
	return errors.Join(err, os.RemoveAll(m.dir))
}
