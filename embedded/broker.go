package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/node"
	"github.com/milena-io/milena/internal/vfs"
)

// Options describe a broker. The zero value is a broker in memory on a free
// port.
type Options struct {
	// Dir keeps the data in this directory; "" keeps it in memory, where it is
	// gone after Close.
	Dir string
	// Listen is the address for clients, host:port; "" is a free port of
	// 127.0.0.1.
	Listen string
	// InMemoryListener makes the broker reachable through Broker.Dial only, as
	// Listen or, if that is "", as "milena:9092". Use it with testing/synctest.
	InMemoryListener bool
	// HTTP is the address for metrics and health; "" serves none.
	HTTP string
	// Properties are broker settings by Kafka's names, such as
	// "auto.create.topics.enable": "false". Unknown names and bad values are
	// errors of Start. Times that make sense on servers but make tests slow
	// have other defaults here: group.initial.rebalance.delay.ms is 0, and the
	// topic of committed offsets has 4 partitions.
	Properties map[string]string
	// Logger receives the broker's log; nil discards it.
	Logger *slog.Logger
}

// Broker is one running broker.
type Broker struct {
	node *node.Node
	dial func(ctx context.Context, addr string) (net.Conn, error)
	once sync.Once
	err  error
}

// testDefaults are the settings that differ from a server's.
var testDefaults = map[string]string{
	"group.initial.rebalance.delay.ms": "0",
	"offsets.topic.num.partitions":     "4",
	"milena.disk.reserve.bytes":        "0",
}

// inMemoryAddress is how a broker without sockets is known to its clients.
const inMemoryAddress = "milena:9092"

// closePatience bounds how long requests in flight may delay Close, when its
// context does not.
const closePatience = 10 * time.Second

// Start runs a broker. When it returns, clients are being served. ctx bounds
// the start only.
func Start(ctx context.Context, o Options) (*Broker, error) {
	cfg := node.Config{HTTPAddr: o.HTTP, Logger: o.Logger, Version: "embedded", DataDir: o.Dir}
	b := &Broker{dial: netx.TCP().DialContext}
	if o.Dir == "" {
		cfg.FS, cfg.DataDir = vfs.NewMem(), "/milena"
	}
	address := o.Listen
	if o.InMemoryListener {
		network := netx.NewMem()
		cfg.Network, b.dial = network, network.DialContext
		if address == "" {
			address = inMemoryAddress
		}
	} else if address == "" {
		address = "127.0.0.1:0"
	}
	var err error
	if cfg.Props, err = properties(address, o.Properties); err != nil {
		return nil, err
	}
	if b.node, err = node.Start(ctx, cfg); err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	return b, nil
}

func properties(address string, own map[string]string) (confkey.Values, error) {
	raw := maps.Clone(testDefaults)
	raw["listeners"] = "PLAINTEXT://" + address
	maps.Copy(raw, own)
	props, bad := confkey.NewBroker(raw)
	err := errors.Join(bad...)
	if err == nil {
		props, err = confkey.Complete(props)
	}
	if err != nil {
		return confkey.Values{}, fmt.Errorf("embedded: properties: %w", err)
	}
	return props, nil
}

// Addr is the address for clients, as host:port: their bootstrap servers.
func (b *Broker) Addr() string { return b.node.Addr() }

// HTTPAddr is the address of metrics and health, "" if there is none.
func (b *Broker) HTTPAddr() string { return b.node.HTTPAddr() }

// Dial connects to the broker. It has the form that franz-go's kgo.Dialer takes,
// and is the only way to a broker with an in-memory listener.
func (b *Broker) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	return b.dial(ctx, addr)
}

// Close stops the broker cleanly. Data in memory is gone afterwards.
func (b *Broker) Close(ctx context.Context) error {
	b.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, closePatience)
		defer cancel()
		b.err = b.node.Close(ctx)
	})
	return b.err
}
