package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/milena-io/milena/internal/adminhttp"
)

// readiness says whether the broker is meant to serve.
type readiness struct{ state atomic.Int32 }

const (
	stateStarting = iota
	stateServing
	stateStopping
)

func (r *readiness) done()     { r.state.Store(stateServing) }
func (r *readiness) stopping() { r.state.Store(stateStopping) }

func (r *readiness) probe(context.Context) error {
	switch r.state.Load() {
	case stateStarting:
		return errors.New("still starting")
	case stateStopping:
		return errors.New("shutting down")
	}
	return nil
}

// of is a probe of a part, which may not exist before the broker serves and is
// gone when it stops. Until then and from then on it has nothing to add to what
// the broker's own probe says.
func (r *readiness) of(probe func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if r.state.Load() != stateServing {
			return nil
		}
		return probe(ctx)
	}
}

// startHTTP comes before everything else: whoever watches the broker learns that
// it lives while it verifies its logs, however long that takes.
func (n *Node) startHTTP(context.Context) error {
	if n.cfg.HTTPAddr == "" {
		return nil
	}
	n.http = adminhttp.New(adminhttp.Config{
		Network: n.cfg.Network, Addr: n.cfg.HTTPAddr, Metrics: n.metrics.Handler(), Logger: n.log, Version: n.cfg.Version,
		Pprof:  n.cfg.Props.Bool("milena.pprof.enable"),
		Health: []adminhttp.Check{{Name: "log directory", Probe: n.ready.of(n.probeDir)}},
		Ready: []adminhttp.Check{
			{Name: "broker", Probe: n.ready.probe},
			{Name: "log directory", Probe: n.ready.of(n.probeDir)},
			{Name: "metadata quorum", Probe: n.ready.of(n.probeQuorum)},
			{Name: "replicas", Probe: n.ready.of(n.probeReplicas)},
		},
	})
	if err := n.http.Start(); err != nil {
		n.http = nil
		return err
	}
	n.onClose("metrics and health", n.http.Shutdown) // for a start that fails
	return nil
}

func (n *Node) probeDir(context.Context) error { return n.dir.Offline() }

func (n *Node) probeQuorum(context.Context) error {
	if _, known := n.quorum.Leader(); !known {
		return errors.New("no leader is known")
	}
	return nil
}

func (n *Node) probeReplicas(context.Context) error {
	bad := n.replicas.Unserved()
	for tp, err := range bad {
		return fmt.Errorf("%d partitions cannot be served, among them %s: %w", len(bad), tp, err)
	}
	return nil
}
