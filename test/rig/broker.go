package rig

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/node"
	"github.com/milena-io/milena/internal/vfs"
)

// DataDir is where every broker of a rig keeps its data.
const DataDir = "/data"

const (
	clientAddress = "milena:9092"
	httpAddress   = "milena:9644"
)

// Lively are settings under which a broker does in a second what it does in a
// day elsewhere: rolling, retention, compaction, checkpoints, file deletion.
var Lively = map[string]string{
	"offsets.topic.num.partitions":            "2",
	"group.initial.rebalance.delay.ms":        "0",
	"milena.disk.reserve.bytes":               "0",
	"milena.tail.cache.bytes":                 "16384",
	"log.roll.ms":                             "100",
	"log.retention.check.interval.ms":         "15",
	"log.segment.delete.delay.ms":             "20",
	"log.cleaner.backoff.ms":                  "20",
	"log.cleaner.min.cleanable.ratio":         "0.01",
	"log.flush.offset.checkpoint.interval.ms": "40",
	"log.index.interval.bytes":                "512",
}

// Broker is a running node.
type Broker struct {
	Node *node.Node
	Log  *Log
	net  *netx.Mem
}

// Start runs a broker on fsys. props are added to Lively.
func Start(ctx context.Context, fsys vfs.FS, props map[string]string) (*Broker, error) {
	b := &Broker{Log: &Log{}, net: netx.NewMem()}
	return b, b.start(ctx, fsys, props)
}

func (b *Broker) start(ctx context.Context, fsys vfs.FS, props map[string]string) error {
	raw := maps.Clone(Lively)
	raw["listeners"] = "PLAINTEXT://" + clientAddress
	maps.Copy(raw, props)
	values, bad := confkey.NewBroker(raw)
	if len(bad) > 0 {
		return fmt.Errorf("rig: %v", bad)
	}
	var err error
	b.Node, err = node.Start(ctx, node.Config{
		Props: values, DataDir: DataDir, FS: fsys, Network: b.net, HTTPAddr: httpAddress,
		Logger: slog.New(slog.NewTextHandler(b.Log, &slog.HandlerOptions{Level: slog.LevelInfo})), Version: "rig", PoisonFrames: true,
	})
	return err
}

// Close stops the broker within a deadline.
func (b *Broker) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return b.Node.Close(ctx)
}

// Dial opens a connection for requests.
func (b *Broker) Dial() (*Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := b.net.DialContext(ctx, clientAddress)
	if err != nil {
		return nil, err
	}
	return &Conn{c: c, Patience: patience}, nil
}

// Get asks the HTTP listener for a path.
func (b *Broker) Get(path string) (code int, body string, err error) {
	tr := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return b.net.DialContext(ctx, httpAddress)
		},
	}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, Timeout: 20 * time.Second}).Get("http://" + httpAddress + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// Log keeps what a broker logged.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// Lines are the logged lines that contain all of the given parts.
func (l *Log) Lines(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for line := range strings.Lines(l.buf.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// Errors are the lines of level ERROR.
func (l *Log) Errors() []string { return l.Lines("level=ERROR") }
