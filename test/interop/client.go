package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// clientTime is what a client may take, installing it included.
	clientTime = 5 * time.Minute
	// patience is how long output may stay open behind a client that has ended.
	patience = 5 * time.Second
	// tailBytes is how much of a failed client's other output is shown.
	tailBytes = 8 << 10
)

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if extra := t.buf.Len() - tailBytes; extra > 0 {
		t.buf.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// runClient runs one folder's client to its end. said is the end of what it
// printed beside its results.
func runClient(ctx context.Context, dir, folder, address string) (o *outcome, said string) {
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	rest := &tail{}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, folder, "run"), address)
	cmd.Stderr = rest
	cmd.WaitDelay = patience
	inGroup(cmd)
	out, in := io.Pipe()
	cmd.Stdout = in
	parsed := make(chan *outcome)
	go func() { parsed <- parse(folder, out, rest) }()
	err := cmd.Run()
	_ = in.Close() // a PipeWriter has no other answer
	o = <-parsed
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped after %v (%w)", clientTime, context.Cause(ctx))
	}
	o.end(err)
	return o, rest.String()
}

// runAll runs the clients, at most jobs at a time, and tells of each when it is
// done.
func runAll(ctx context.Context, dir, address string, folders []string, jobs int, report io.Writer) []*outcome {
	outcomes := make([]*outcome, len(folders))
	slots := make(chan struct{}, jobs)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, folder := range folders {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			start := time.Now()
			o, said := runClient(ctx, dir, folder, address)
			outcomes[i] = o
			mu.Lock()
			defer mu.Unlock()
			tell(report, o, said, time.Since(start))
		})
	}
	all.Wait()
	return outcomes
}

func tell(w io.Writer, o *outcome, said string, took time.Duration) {
	fmt.Fprintf(w, "%s: %d ok, %d none, %d failed, %d missing (%.0f s)\n",
		o.name, o.count(ok), o.count(none), o.count(failed), o.count(missing), took.Seconds())
	if o.good() {
		return
	}
	for l := range strings.Lines(said) {
		fmt.Fprint(w, "  | "+strings.TrimRight(l, "\n")+"\n")
	}
}

// absent are the folders without a client in them.
func absent(dir string, folders []string) (gone []string) {
	for _, f := range folders {
		if _, err := os.Stat(filepath.Join(dir, f, "run")); err != nil {
			gone = append(gone, f)
		}
	}
	return gone
}
