//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/milena-io/milena/internal/bench"
)

// client runs `milena bench` against a broker and returns what it measured.
// Both brokers are measured by the same binary.
func (w *workshop) client(ctx context.Context, b *broker, args ...string) (*bench.Result, error) {
	line := append(onProcessors(w.clientCPU()), w.milena, "bench")
	line = append(line, args...)
	line = append(line, "--bootstrap-server", b.address, "--broker-pid", strconv.Itoa(b.pid), "--no-calibration", "--output", "json")
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("the client: %w: %s", err, lastLine(failure.String()))
	}
	r := &bench.Result{}
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, fmt.Errorf("the client printed %q: %w", out.String(), err)
	}
	if r.Broker == nil || r.Broker.Error != "" {
		return nil, fmt.Errorf("the client could not measure the broker: %+v", r.Broker)
	}
	for _, t := range []*bench.Throughput{r.Produced, r.Consumed} {
		if t != nil && t.Records == 0 {
			return nil, errors.New("nothing was confirmed or read in the measured time")
		}
	}
	return r, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// seconds is a duration as a flag.
func seconds(d time.Duration) string { return d.String() }
