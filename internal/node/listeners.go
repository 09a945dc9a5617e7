package node

import (
	"context"
	"net"
	"os"
	"strconv"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/server"
	"github.com/milena-io/milena/internal/wire"
)

// listen binds the client listeners. Connections queue in the kernel until the
// handlers exist.
func (n *Node) listen(context.Context) error {
	var listeners []server.Listener
	for _, l := range confkey.ClientListeners(n.cfg.Props) {
		listeners = append(listeners, server.Listener{Name: l.Name, Addr: l.Addr()})
	}
	n.server = server.New(server.Config{
		Network: n.cfg.Network, Listeners: listeners, Limits: n.serverLimits(n.live.Get()), Observer: n.observer(),
		Logger: n.log, PoisonFrames: n.cfg.PoisonFrames,
	})
	n.onClose("listeners", n.server.Shutdown) // for a start that fails before clients are served
	return n.server.Listen()
}

// advertised is what clients are told: advertised.listeners, or else the
// listeners with the port they got, and a host name for those on every interface.
func (n *Node) advertised() []metadata.Listener {
	explicit := confkey.AdvertisedListeners(n.cfg.Props)
	bound := n.server.Addrs()
	var out []metadata.Listener
	for i, l := range confkey.ClientListeners(n.cfg.Props) {
		host, port := l.Host, l.Port
		if h, p, err := net.SplitHostPort(bound[i].String()); err == nil {
			if q, err := strconv.Atoi(p); err == nil {
				port = q
			}
			if host == "" {
				host = h
			}
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = hostname()
		}
		for _, a := range explicit {
			if a.Name == l.Name {
				host = a.Host
				if a.Port != 0 {
					port = a.Port
				}
			}
		}
		out = append(out, metadata.Listener{Name: l.Name, Host: host, Port: uint16(port)})
	}
	return out
}

// hostname is what Kafka advertises for a listener on every interface.
func hostname() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "localhost"
}

func (n *Node) wireLimits() wire.Limits {
	l := wire.DefaultLimits()
	l.MaxElements = n.cfg.Props.Int("milena.request.max.elements")
	l.MaxUnknownTags = n.cfg.Props.Int("milena.request.max.tagged.fields")
	return l
}

// Addr is the first client listener's address, as host:port.
func (n *Node) Addr() string {
	addrs := n.server.Addrs()
	if len(addrs) == 0 {
		return ""
	}
	return addrs[0].String()
}

// HTTPAddr is the address of metrics and health, "" when switched off.
func (n *Node) HTTPAddr() string {
	if n.http == nil || n.http.Addr() == nil {
		return ""
	}
	return n.http.Addr().String()
}
