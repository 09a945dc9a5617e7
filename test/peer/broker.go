package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Options say how a broker is started; the zero value is Kafka as it comes.
type Options struct {
	// Heap is the size of the Java heap, "1g" if empty: Kafka's own default.
	Heap string
	// JVMFlags come after those of Kafka's start script, so that they win.
	JVMFlags []string
	// Properties are set over the defaults of one combined KRaft node.
	Properties map[string]string
	// Format are more arguments of the step that formats the data directory.
	Format []string
	// Dir holds everything the broker writes. Empty means a temporary
	// directory that Stop removes. A directory of an earlier broker is used
	// again: same data, same ports if they are free.
	Dir string
	// CPUs is the list of processors it may run on, as taskset has it.
	CPUs string
	// Log takes what the broker prints: warnings and errors.
	Log io.Writer
}

// clusterID is that of every peer; nothing depends on it.
const clusterID = "MkU3OEVBNTcwNTJENDM2Qk"

// bounds on what is waited for.
const (
	startMax = 3 * time.Minute // of a large data directory, or on a busy machine
	stopMax  = time.Minute
)

// kafkaFlags are those of Kafka's own start script.
var kafkaFlags = []string{
	"-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
	"-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true",
}

// logFlags make the simple logger print warnings and errors.
var logFlags = []string{"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"}

// Broker is a running Apache Kafka.
type Broker struct {
	address   string
	dir       string
	temporary bool
	cmd       *exec.Cmd
	last      *tail
	done      chan struct{} // closed when the process has ended
	ended     error         // how; set before done is closed
	removing  sync.Once
}

// Start starts a broker and returns when it answers. It resolves the jars with
// Maven when that has not been done before.
func Start(ctx context.Context, o Options) (*Broker, error) {
	classes, err := classPath(ctx, brokerPom)
	if err != nil {
		return nil, err
	}
	b := &Broker{dir: o.Dir, last: &tail{next: o.Log}, done: make(chan struct{})}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "kafka-peer-"); err != nil {
			return nil, err
		}
		b.temporary = true
	}
	if err := b.start(ctx, o, classes); err != nil {
		b.remove()
		return nil, err
	}
	return b, nil
}

func (b *Broker) start(ctx context.Context, o Options, classes string) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(b.dir, "server.properties")
	address, err := writeProperties(file, b.dir, o.Properties)
	if err != nil {
		return err
	}
	b.address = address
	if _, err := os.Stat(filepath.Join(b.dir, "data", "meta.properties")); errors.Is(err, os.ErrNotExist) {
		args := append([]string{"-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classes, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file}, o.Format...)
		if out, err := exec.CommandContext(ctx, "java", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("formatting Kafka's data directory: %w\n%s", err, out)
		}
	}
	line := b.commandLine(o, classes, file)
	b.cmd = exec.Command(line[0], line[1:]...)
	b.cmd.Stdout, b.cmd.Stderr, b.cmd.SysProcAttr = b.last, b.last, ownGroup()
	if err := b.cmd.Start(); err != nil {
		return err
	}
	go func() {
		b.ended = b.cmd.Wait()
		close(b.done)
	}()
	if err := b.awaitAnswer(ctx); err != nil {
		return errors.Join(err, b.Kill())
	}
	return nil
}

func (b *Broker) commandLine(o Options, classes, file string) []string {
	heap := o.Heap
	if heap == "" {
		heap = "1g"
	}
	var line []string
	if o.CPUs != "" {
		line = append(line, "taskset", "-c", o.CPUs) // it becomes java: the process id stays
	}
	line = append(line, "java", "-Xmx"+heap, "-Xms"+heap)
	line = append(line, kafkaFlags...)
	line = append(line, logFlags...)
	line = append(line, o.JVMFlags...)
	return append(line, "-cp", classes, "kafka.Kafka", file)
}

// awaitAnswer asks which APIs there are until that is answered.
func (b *Broker) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		if answers(ctx, b.address) {
			return nil
		}
		select {
		case <-b.done:
			return fmt.Errorf("the broker ended while it was starting: %w\n%s", b.ended, b.last.text())
		case <-ctx.Done():
			return fmt.Errorf("the broker does not answer: %w\n%s", ctx.Err(), b.last.text())
		case <-pause.C:
		}
	}
}

// Address is host:port of the client listener.
func (b *Broker) Address() string { return b.address }

// PID is the process id of the virtual machine.
func (b *Broker) PID() int { return b.cmd.Process.Pid }

// Dir is the directory that holds server.properties and data.
func (b *Broker) Dir() string { return b.dir }

// Done is closed when the process has ended, for whatever reason.
func (b *Broker) Done() <-chan struct{} { return b.done }

// Stop ends the broker cleanly, waits for it and removes a temporary directory.
func (b *Broker) Stop() error {
	defer b.remove()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-b.done:
	case <-time.After(stopMax):
		return errors.Join(fmt.Errorf("the broker did not stop within %v", stopMax), b.Kill())
	}
	var exit *exec.ExitError
	if errors.As(b.ended, &exit) && exit.ExitCode() == 143 { // how a JVM ends on SIGTERM
		return nil
	}
	return b.ended
}

// Kill ends the broker at once and keeps its directory, even a temporary one.
func (b *Broker) Kill() error {
	if err := b.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-b.done
	return nil
}

func (b *Broker) remove() {
	b.removing.Do(func() {
		if b.temporary {
			_ = os.RemoveAll(b.dir)
		}
	})
}

// tail keeps the last of what the broker printed, for error messages.
type tail struct {
	next io.Writer
	lock sync.Mutex
	kept []byte
}

const tailMax = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*tailMax {
		t.kept = bytes.Clone(t.kept[len(t.kept)-tailMax:])
	}
	if t.next != nil {
		return t.next.Write(p)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.lock.Lock()
	defer t.lock.Unlock()
	return string(t.kept[max(0, len(t.kept)-tailMax):])
}
