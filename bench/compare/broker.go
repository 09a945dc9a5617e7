//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/milena-io/milena/test/freeport"
	"github.com/milena-io/milena/test/peer"
)

// broker is a running process of one side.
type broker struct {
	side    side
	address string
	pid     int
	began   time.Time // when the process started
	dir     string
	stop    func() error // cleanly
	kill    func()       // -9
	ended   <-chan struct{}
}

// startOptions say how a broker is started.
type startOptions struct {
	dir     string // "" for a new one
	cpus    string
	address string // "" for a free one
}

// start starts a broker and returns when it answers. The caller stops it.
func (w *workshop) start(ctx context.Context, s side, o startOptions) (*broker, error) {
	if o.dir == "" {
		dir, err := os.MkdirTemp(w.dir, "broker-")
		if err != nil {
			return nil, err
		}
		o.dir = dir
	}
	var err error
	if o.address == "" {
		if o.address, err = freeport.Address(); err != nil {
			return nil, err
		}
	}
	var b *broker
	if s.kafka {
		b, err = startKafka(ctx, s, o)
	} else {
		b, err = w.startMilena(ctx, s, o)
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.name, err)
	}
	w.running(b)
	return b, nil
}

func startKafka(ctx context.Context, s side, o startOptions) (*broker, error) {
	controller, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	properties := map[string]string{"listeners": "PLAINTEXT://" + o.address + ",CONTROLLER://" + controller}
	maps.Copy(properties, common)
	maps.Copy(properties, s.properties)
	p, err := peer.Start(ctx, peer.Options{Heap: s.heap, JVMFlags: s.jvm, Properties: properties, Dir: o.dir, CPUs: o.cpus})
	if err != nil {
		return nil, err
	}
	b := &broker{side: s, address: p.Address(), pid: p.PID(), dir: o.dir, stop: p.Stop, ended: p.Done()}
	b.kill = func() { _ = p.Kill() }
	b.began, err = startOf(b.pid)
	return b, err
}

func (w *workshop) startMilena(ctx context.Context, s side, o startOptions) (*broker, error) {
	args := []string{"server", "--data-dir", filepath.Join(o.dir, "data"), "--listen", o.address, "--http", "off", "--log-level", "warn"}
	properties := maps.Clone(common)
	maps.Copy(properties, s.properties)
	for key, value := range properties {
		args = append(args, "--set", key+"="+value)
	}
	line := append(onProcessors(o.cpus), append([]string{w.milena}, args...)...)
	cmd := exec.Command(line[0], line[1:]...)
	printed := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = printed, printed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	b := &broker{side: s, address: o.address, dir: o.dir, began: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.pid = cmd.Process.Pid
	ended := make(chan struct{})
	var how error
	go func() { how = cmd.Wait(); close(ended) }()
	b.ended = ended
	b.kill = func() { _ = cmd.Process.Kill(); <-ended }
	b.stop = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return how
		case <-time.After(time.Minute):
			b.kill()
			return errors.New("it did not stop within a minute")
		}
	}
	if err := b.await(ctx); err != nil {
		b.kill()
		return nil, fmt.Errorf("%w\n%s", err, printed)
	}
	return b, nil
}

// await dials until somebody listens.
func (b *broker) await(ctx context.Context) error {
	for {
		if c, err := net.Dial("tcp", b.address); err == nil {
			return c.Close()
		}
		select {
		case <-b.ended:
			return errors.New("the process ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// alive reports whether the process still runs.
func (b *broker) alive() bool {
	select {
	case <-b.ended:
		return false
	default:
		return true
	}
}

// limit gives the process the limits that all machines of a comparison have.
func (b *broker) limit(files uint64) error {
	return unix.Prlimit(b.pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: files}, nil)
}

func onProcessors(cpus string) []string {
	if cpus == "" {
		return nil
	}
	return []string{"taskset", "-c", cpus}
}

// startOf is when a process started, to a hundredth of a second.
func startOf(pid int) (time.Time, error) {
	stat := readText(fmt.Sprintf("/proc/%d/stat", pid))
	ticks, err := startTicks(stat)
	if err != nil {
		return time.Time{}, err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Time{}, err
	}
	age := time.Duration(now.Nano()) - time.Duration(ticks)*10*time.Millisecond
	return time.Now().Add(-age), nil
}

// startTicks is the time of a process's start in the text of /proc/PID/stat, in
// hundredths of a second since the machine started.
func startTicks(stat string) (int64, error) {
	end := strings.LastIndexByte(stat, ')')
	words := strings.Fields(stat[end+1:])
	if end < 0 || len(words) < 20 {
		return 0, errors.New("/proc: unexpected format")
	}
	return int64(number(words[19])), nil
}

// workshop is what scenarios work with.
type workshop struct {
	dir          string // everything lies under it and is removed in the end
	milena       string // the binary
	size         size
	pinned       bool
	withoutKafka bool
	say          func(format string, args ...any)
	current      *outcome

	mu   sync.Mutex
	open []*broker
}

func (w *workshop) running(b *broker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, b)
}

// endAll kills what still runs and removes what was written.
func (w *workshop) endAll() {
	w.mu.Lock()
	open := w.open
	w.open = nil
	w.mu.Unlock()
	for _, b := range open {
		b.end()
	}
}

// end kills a broker, if it lives, and removes its directory.
func (b *broker) end() {
	b.kill()
	_ = os.RemoveAll(b.dir)
}

func (w *workshop) brokerCPU() string {
	if w.pinned {
		return "0"
	}
	return ""
}

func (w *workshop) clientCPU() string {
	if w.pinned {
		return "1"
	}
	return ""
}

// record adds a run to the outcome of the current scenario.
func (w *workshop) record(r run) {
	w.current.Runs = append(w.current.Runs, r)
	if r.Error != "" {
		w.say("  %-20s round %d: %s", r.Side, r.Round, r.Error)
		return
	}
	w.say("  %-20s round %d: %s", r.Side, r.Round, metricText(r.Metrics))
}

func (w *workshop) note(format string, args ...any) {
	w.current.Notes = append(w.current.Notes, fmt.Sprintf(format, args...))
}
