package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/adminhttp"
	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/controller"
	"github.com/milena-io/milena/internal/coordinator"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/quorum"
	"github.com/milena-io/milena/internal/replica"
	"github.com/milena-io/milena/internal/server"
)

// quorumDir is the metadata quorum's folder in the data directory.
const quorumDir = "milena.quorum"

// Node is one running broker.
type Node struct {
	cfg     Config
	log     *slog.Logger
	metrics *adminhttp.Metrics

	dir      *commitlog.Dir
	store    *metadata.Store
	live     *liveProps
	quorum   *quorum.Quorum
	server   *server.Server
	ctl      *controller.Controller
	replicas *replica.Set
	groups   *coordinator.Coordinator
	http     *adminhttp.Server

	ready   readiness
	fatal   chan error
	die     func(*invariant.Violation) // ends the process, outside of tests
	closers []closer                   // in the order of starting
}

// closer stops one part.
type closer struct {
	name  string
	close func(ctx context.Context) error
}

// Start brings a broker up. When it returns, clients are being served. ctx
// bounds the start only; an error leaves nothing running.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	cfg.fill()
	n := &Node{
		cfg: cfg, log: cfg.Logger, fatal: make(chan error, 1), die: func(v *invariant.Violation) { panic(v) },
		metrics: adminhttp.NewMetrics(adminhttp.MetricsOptions{Version: cfg.Version}),
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"metrics and health", n.startHTTP},
		{"data directory", n.openDir},
		{"metadata quorum", n.openQuorum},
		{"listeners", n.listen},
		{"registration", n.register},
		{"replicas", n.openReplicas},
		{"groups", n.startGroups},
		{"clients", n.serve},
	} {
		if err := step.run(ctx); err != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return nil, errors.Join(fmt.Errorf("%s: %w", step.name, err), n.Close(stop))
		}
	}
	n.started()
	return n, nil
}

// started opens to the HTTP server what it must not look into earlier, and makes
// it the first part to stop, as it looks into all others.
func (n *Node) started() {
	n.metrics.SetSources(n.sources())
	n.ready.done()
	if n.http != nil {
		n.onClose("metrics and health", n.http.Shutdown)
	}
}

// Close stops the broker: no new requests, then the parts in the opposite order
// of their start, the data directory last. A clean stop lets the next start skip
// all verification.
func (n *Node) Close(ctx context.Context) error {
	n.ready.stopping()
	var errs []error
	for len(n.closers) > 0 {
		c := n.closers[len(n.closers)-1]
		n.closers = n.closers[:len(n.closers)-1]
		if err := c.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func (n *Node) onClose(name string, fn func(ctx context.Context) error) {
	n.closers = append(n.closers, closer{name, fn})
}

// Fatal delivers the error that ended a part which the broker cannot live
// without. The owner should Close the node.
func (n *Node) Fatal() <-chan error { return n.fatal }

func (n *Node) openDir(ctx context.Context) error {
	p := n.cfg.Props
	dir, err := commitlog.OpenDir(ctx, commitlog.DirOptions{
		FS: n.cfg.FS, Path: n.cfg.DataDir, NodeID: n.cfg.nodeID(), Logger: n.log, Events: n.logEvents(), Now: n.cfg.Now,
		PoisonLeases:           n.cfg.PoisonFrames,
		MaxOpenFiles:           logFiles(openFileLimit(), p.Int("milena.max.open.files")),
		TailCacheBytes:         p.Int64("milena.tail.cache.bytes"),
		FlushParallelism:       p.Int("milena.flush.parallelism"),
		VolumeSyncFrom:         orNever(p.Int("milena.flush.volume.min.logs")),
		ReserveBytes:           tuning(p).ReserveBytes,
		RetentionCheckInterval: p.Duration("log.retention.check.interval.ms"),
		CheckpointInterval:     p.Duration("log.flush.offset.checkpoint.interval.ms"),
		RecoveryWorkers:        p.Int("num.recovery.threads.per.data.dir"),
		CleanerBackoff:         p.Duration("log.cleaner.backoff.ms"),
		ProducerIDExpiration:   tuning(p).ProducerIDExpiration,
		CleanerMaxBytesPerSec:  tuning(p).CleanerMaxBytesPerSec,
	})
	if err != nil {
		return err
	}
	n.dir = dir
	dir.HoldManifest(dir.Verified() > 0) // until it is registered
	n.onClose("data directory", func(context.Context) error { return dir.Close() })
	return nil
}

// orNever gives a 0 of the configuration the meaning that commitlog has for
// negative numbers: there, 0 is the default.
func orNever(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// tuning is the part of the directory's options that may change.
func tuning(p confkey.Values) commitlog.Tuning {
	return commitlog.Tuning{
		ReserveBytes:          p.Int64("milena.disk.reserve.bytes"),
		ProducerIDExpiration:  p.Duration("producer.id.expiration.ms"),
		CleanerMaxBytesPerSec: cleanerRate(p),
	}
}

// tune puts changed broker settings into force where nobody asks for them each
// time. The server does not exist yet while the metadata is replayed; it starts
// with what is then in force.
func (n *Node) tune(p confkey.Values) {
	n.dir.Tune(tuning(p))
	if n.server != nil {
		n.server.SetLimits(n.serverLimits(p))
	}
}

// cleanerRate is the cleaner's limit; Kafka's default, the largest number there
// is, means none.
func cleanerRate(p confkey.Values) float64 {
	if rate := p.Float("log.cleaner.io.max.bytes.per.second"); rate < math.MaxInt64 {
		return rate
	}
	return 0
}

func (n *Node) openQuorum(ctx context.Context) error {
	n.store = metadata.NewStore(n.log)
	n.live = newLiveProps(n.cfg.nodeID(), n.cfg.Props)
	n.live.changed = n.tune
	n.store.Subscribe("configuration", n.live.apply)
	q, err := quorum.Open(ctx, quorum.Config{
		NodeID: n.cfg.nodeID(), DirectoryID: n.dir.DirectoryID(), FS: n.cfg.FS,
		Path: filepath.Join(n.cfg.DataDir, quorumDir), SM: n.store, Logger: n.log,
		SnapshotBytes: n.cfg.Props.Int64("metadata.log.max.record.bytes.between.snapshots"),
		OnFatal: func(err error) {
			n.log.Error("metadata quorum stopped", "err", err)
			n.fatal <- err // called once
		},
	})
	if err != nil {
		return err
	}
	n.quorum = q
	n.onClose("metadata quorum", func(context.Context) error { return q.Close() })
	return nil
}

// register makes the cluster, if it is new, and this broker's place in it.
func (n *Node) register(ctx context.Context) error {
	n.ctl = controller.New(n.quorum, n.store, controller.Config{NodeID: n.cfg.nodeID(), Broker: n.cfg.Props, Logger: n.log})
	_, err := n.ctl.Bootstrap(ctx, n.dir.ClusterID())
	if errors.Is(err, kerr.InconsistentClusterID) {
		return fmt.Errorf("%s and the metadata in %s name different clusters: they come from different places, "+
			"or meta.properties is damaged and its cluster.id must be set right: %w",
			filepath.Join(n.cfg.DataDir, "meta.properties"), filepath.Join(n.cfg.DataDir, quorumDir), err)
	}
	if err != nil {
		return err
	}
	_, err = n.ctl.RegisterBroker(ctx, controller.Registration{
		ID: n.cfg.nodeID(), Incarnation: base.NewUUID(), Listeners: n.advertised(), Rack: n.cfg.Props.String("broker.rack"),
		Directories: []base.UUID{n.dir.DirectoryID()}, Unclean: n.dir.Verified() > 0,
	})
	if err == nil {
		n.dir.HoldManifest(false)
	}
	return err
}

func (n *Node) openReplicas(context.Context) error {
	n.replicas = replica.New(replica.Config{
		Self: n.cfg.nodeID(), Store: n.store, Dir: n.dir, Props: n.live.Get, Logger: n.log, Events: n.topicEvents,
	})
	n.onClose("replicas", func(context.Context) error { n.replicas.Close(); return nil })
	n.replicas.Start()
	return nil
}

func (n *Node) startGroups(context.Context) error {
	n.groups = coordinator.New(coordinator.Options{
		Self: n.cfg.nodeID(), Config: coordinator.ConfigFrom(n.cfg.Props), Replicas: n.replicas, Image: n.store.Current,
		CreateTopic: n.createInternal, Logger: n.log,
	})
	n.onClose("groups", func(context.Context) error { n.groups.Close(); return nil })
	n.store.Subscribe("groups", n.groups.Follow)
	return nil
}

// serve lets clients in.
func (n *Node) serve(context.Context) error {
	handler := api.New(api.Config{
		NodeID: n.cfg.nodeID(), Static: n.cfg.Props, Broker: n.live.Get, Image: n.store.Current,
		Replicas: api.LocalReplicas(n.replicas, n.dir), Controller: apiController{n.ctl}, Groups: n.groups, Quorum: n.quorum,
		Errors: n.metrics.Requests.Error, Limits: n.wireLimits(), Logger: n.log, Now: n.cfg.Now,
	})
	n.server.Serve(handler)
	// Clients go first: while anything else is stopped, none must be told that
	// a partition or a group is not here.
	n.onClose("clients", n.server.Shutdown)
	return nil
}

// Props is the configuration in force.
func (n *Node) Props() confkey.Values { return n.live.Get() }

// Image is the cluster's metadata as this node sees it.
func (n *Node) Image() *metadata.Image { return n.store.Current() }
