package conformance

import (
	"bufio"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/node"
	"github.com/milena-io/milena/internal/vfs"
)

const settingsFile = "testdata/broker.properties"

// settings are what both brokers are told.
func settings(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(settingsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(key, "#") {
			out[key] = value
		}
	}
	return out
}

// startMilena runs a node in this process, its data in memory.
func startMilena(t *testing.T) string {
	t.Helper()
	n := startNode(t, "data", vfs.NewMem())
	t.Cleanup(func() {
		if err := n.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return n.Addr()
}

// startNode starts a node with the settings that the Kafka beside it has. The
// caller closes it.
func startNode(t *testing.T, dir string, disk vfs.FS) *node.Node {
	t.Helper()
	raw := settings(t)
	raw["listeners"] = "PLAINTEXT://127.0.0.1:0"
	props, errs := confkey.NewBroker(raw)
	if errs != nil {
		t.Fatal(errs)
	}
	n, err := node.Start(t.Context(), node.Config{Props: props, DataDir: dir, FS: disk, PoisonFrames: true, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
