//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// script makes a client out of a shell script.
func script(t *testing.T, dir, folder, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, folder, "run"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestClientsGetTheAddressAndAreToldOfInOrder(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "a", "echo CLIENT'\t'$1; echo warning >&2; cat <<'E'\n"+complete(nil)[len("CLIENT\tthat client 1.2\n"):]+"E\n")
	script(t, dir, "b", "echo RESULT'\tacks-0\tfailed\tbroken'; echo why >&2; exit 1")
	var report strings.Builder
	got := runAll(t.Context(), dir, "127.0.0.1:1", []string{"a", "b"}, 2, &report)
	if !got[0].good() || got[0].name != "127.0.0.1:1" {
		t.Errorf("a is %q: %q", got[0].name, got[0].complaints())
	}
	if got[1].folder != "b" || got[1].of("acks-0") != (result{failed, "broken"}) || got[1].count(missing) != len(features)-1 {
		t.Errorf("b: %q", got[1].complaints())
	}
	if s := report.String(); !strings.Contains(s, "b: 0 ok, 0 none, 1 failed, 24 missing") || !strings.Contains(s, "  | why\n") {
		t.Errorf("b's failure is told so: %s", s)
	}
	if strings.Contains(report.String(), "warning") {
		t.Error("what a good client logs is shown")
	}
}

// The grandchild holds the pipe of the client's output open; only its death lets
// the run end before anybody's patience does.
func TestAnInterruptEndsWhatTheClientStarted(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "a", "sleep 600 & echo started >&2; mkfifo started; echo >started; wait")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan *outcome, 1)
	t.Chdir(dir)
	go func() {
		o, _ := runClient(ctx, dir, "a", "x")
		ended <- o
	}()
	for {
		if data, err := os.ReadFile("started"); err == nil && len(data) > 0 {
			break
		}
		runtime.Gosched()
	}
	start := time.Now()
	cancel()
	if o := <-ended; o.good() || time.Since(start) > patience {
		t.Errorf("it ended after %v with %q", time.Since(start), o.complaints())
	}
}

func TestOptions(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil || o.page != "docs/compatibility.md" || !slices.Equal(o.folders, clients) {
		t.Errorf("all clients against Milena: %+v, %v", o, err)
	}
	for _, args := range [][]string{{"--address", "h:1"}, {"java"}} {
		if o, err := parseOptions(args, io.Discard); err != nil || o.page != "" {
			t.Errorf("%q writes %q (%v)", args, o.page, err)
		}
	}
	for _, args := range [][]string{{"jav"}, {"--jobs", "0"}, {"--nope"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestEveryKnownClientIsThere(t *testing.T) {
	if gone := absent(".", clients); len(gone) > 0 {
		t.Errorf("no run script for %q", gone)
	}
	if gone := absent(t.TempDir(), clients[:1]); len(gone) != 1 {
		t.Errorf("an empty folder has %q missing", gone)
	}
}
