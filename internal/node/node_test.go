package node

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a disk and a network that outlive the nodes on them.
type rig struct {
	t       *testing.T
	disk    *vfs.Mem
	network *netx.Mem
}

func newRig(t *testing.T) *rig { return &rig{t: t, disk: vfs.NewMem(), network: netx.NewMem()} }

func (r *rig) config(settings map[string]string) Config {
	r.t.Helper()
	raw := map[string]string{
		"listeners": "PLAINTEXT://broker:9092", "offsets.topic.num.partitions": "3",
		"group.initial.rebalance.delay.ms": "0", "milena.disk.reserve.bytes": "0",
	}
	for k, v := range settings {
		raw[k] = v
	}
	props, errs := confkey.NewBroker(raw)
	if len(errs) > 0 {
		r.t.Fatal(errs)
	}
	return Config{Props: props, DataDir: "/data", HTTPAddr: "broker:9644", FS: r.disk, Network: r.network, PoisonFrames: true}
}

// start runs a node until stop is called, or the test ends.
func (r *rig) start(settings map[string]string) (n *Node, stop func()) {
	r.t.Helper()
	n, err := Start(r.t.Context(), r.config(settings))
	if err != nil {
		r.t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			r.t.Error(err)
		}
	}
	r.t.Cleanup(stop)
	return n, stop
}

func (r *rig) client(opts ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers("broker:9092"), kgo.AllowAutoTopicCreation(), kgo.Dialer(func(ctx context.Context, _, addr string) (c net.Conn, err error) {
			return r.network.DialContext(ctx, addr)
		}),
	}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return cl
}

func (r *rig) produce(topic string, values ...string) {
	r.t.Helper()
	cl := r.client()
	defer cl.Close()
	for _, v := range values {
		if err := cl.ProduceSync(r.t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) get(path string) (int, string) {
	r.t.Helper()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, addr string) (net.Conn, error) { return r.network.DialContext(ctx, addr) },
	}}
	resp, err := c.Get("http://broker:9644" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestTwoStartsGiveTheSameImage(t *testing.T) {
	r := newRig(t)
	n, stop := r.start(nil)
	r.produce("orders", "a", "b")
	cl := r.client()
	adm := kadm.NewClient(cl)
	if _, err := adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("123456")}}, "orders"); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	id, hash, epoch := n.Image().ClusterID(), n.Image().Hash(), n.Image().Topic("orders").Partitions[0].LeaderEpoch
	stop()

	again, _ := r.start(nil)
	img := again.Image()
	if img.ClusterID() != id || img.Hash() != hash {
		t.Errorf("cluster %s, hash %s; before the restart %s, %s", img.ClusterID(), img.Hash(), id, hash)
	}
	if got := img.Topic("orders").Partitions[0].LeaderEpoch; got != epoch {
		t.Errorf("leader epoch %d after a clean stop, was %d", got, epoch)
	}
}

// crash leaves the disk as a crash would, with a topic, and tells its leader epoch.
func (r *rig) crash() int32 {
	r.t.Helper()
	n, stop := r.start(nil)
	r.produce("orders", "a")
	epoch := n.Image().Topic("orders").Partitions[0].LeaderEpoch
	crashed := r.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	stop()
	r.disk = crashed
	return epoch
}

// A start that fails after it verified the logs, because an address is taken, must
// not make the crash before it a clean stop.
func TestAFailedStartDoesNotHideACrash(t *testing.T) {
	r := newRig(t)
	before := r.crash()
	taken, err := r.network.Listen("broker:9092")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), r.config(nil)); err == nil {
		t.Fatal("started on an address that is taken")
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := r.start(nil)
	if got := again.Image().Topic("orders").Partitions[0].LeaderEpoch; got <= before {
		t.Errorf("leader epoch %d after a crash and a failed start, it was %d", got, before)
	}
}

// TestAnUncleanStartRaisesLeaderEpochs lets consumers notice that offsets beyond
// the recovered end may be given out twice (KIP-320).
func TestAnUncleanStartRaisesLeaderEpochs(t *testing.T) {
	r := newRig(t)
	before := r.crash()
	again, _ := r.start(nil)
	if got := again.Image().Topic("orders").Partitions[0].LeaderEpoch; got <= before {
		t.Errorf("leader epoch %d after a crash, was %d", got, before)
	}
}

func TestDynamicBrokerSettingsReachTopics(t *testing.T) {
	r := newRig(t)
	n, _ := r.start(nil)
	r.produce("orders", "a")
	cl := r.client()
	defer cl.Close()
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.retention.ms", Value: kadm.StringPtr("777")}}
	results, err := kadm.NewClient(cl).AlterBrokerConfigs(t.Context(), change)
	if err == nil {
		for _, res := range results {
			err = res.Err
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.replicas.Get("orders", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Log().Config().RetentionMs; got != 777 {
		t.Errorf("the topic's retention is %d, want 777", got)
	}
	if got := n.Props().Int64("log.retention.ms"); got != 777 {
		t.Errorf("the broker's setting is %d, want 777", got)
	}
}

func TestHealthReadinessAndMetrics(t *testing.T) {
	r := newRig(t)
	n, _ := r.start(nil)
	r.produce("orders", "a", "b", "c")
	cl := r.client()
	defer cl.Close()
	offsets := kadm.Offsets{}
	offsets.AddOffset("orders", 0, 1, -1)
	if _, err := kadm.NewClient(cl).CommitOffsets(t.Context(), "readers", offsets); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := r.get(path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	_, metrics := r.get("/metrics")
	for _, want := range []string{
		`milena_group_lag_records{group="readers",partition="0",topic="orders"} 2`,
		`topic="orders"`, `milena_raft`, `api="Produce"`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	n.ready.stopping()
	if code, _ := r.get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("a stopping broker is ready: %d", code)
	}
}

// Verifying many logs takes long. Whoever watches must see a broker that lives
// and is not ready, or it will be killed for being slow.
func TestHealthAnswersWhileTheLogsAreVerified(t *testing.T) {
	r := newRig(t)
	slow := faultfs.NewGate()
	cfg := r.config(nil)
	cfg.FS = faultfs.New(r.disk, faultfs.Rule{Ops: []faultfs.Op{faultfs.Lock}, Do: faultfs.Stall(slow)})
	started := make(chan *Node)
	go func() {
		n, err := Start(t.Context(), cfg)
		if err != nil {
			t.Error(err)
		}
		started <- n
	}()
	<-slow.Arrived()
	if code, body := r.get("/healthz"); code != http.StatusOK {
		t.Errorf("while it starts: /healthz: %d %s", code, body)
	}
	if code, body := r.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "still starting") {
		t.Errorf("while it starts: /readyz: %d %s", code, body)
	}
	if code, body := r.get("/metrics"); code != http.StatusOK || !strings.Contains(body, "milena_build_info") {
		t.Errorf("while it starts: /metrics: %d", code)
	}
	slow.Open()
	n := <-started
	if code, body := r.get("/readyz"); code != http.StatusOK {
		t.Errorf("started: /readyz: %d %s", code, body)
	}
	if n != nil {
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Readers that catch up share memory, one answer after the other. It is
// overwritten when it is given back, so whoever gives it back early is found.
func TestConsumersThatCatchUpGetWhatWasProduced(t *testing.T) {
	r := newRig(t)
	r.start(map[string]string{"milena.tail.cache.bytes": "0"})
	var want []string
	for i := range 24 {
		want = append(want, strings.Repeat(string(rune('a'+i)), 200<<10))
	}
	r.produce("orders", want...)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			cl := r.client(kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			defer cl.Close()
			var got []string
			for len(got) < len(want) {
				fetches := cl.PollFetches(t.Context())
				if err := fetches.Err(); err != nil {
					t.Error(err)
					return
				}
				fetches.EachRecord(func(rec *kgo.Record) { got = append(got, string(rec.Value)) })
			}
			if !slices.Equal(got, want) {
				t.Error("what was read is not what was produced")
			}
		})
	}
	readers.Wait()
}

func TestAStartThatFailsLeavesNothingBehind(t *testing.T) {
	r := newRig(t)
	l, err := r.network.Listen("broker:9092")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), r.config(nil)); err == nil || !strings.Contains(err.Error(), "9092") {
		t.Errorf("the error does not name the address in use: %v", err)
	}
	_ = l.Close()
	r.start(nil) // the directory is not locked
}

func TestAWrongNodeIDIsRefused(t *testing.T) {
	r := newRig(t)
	_, stop := r.start(nil)
	stop()
	if _, err := Start(t.Context(), r.config(map[string]string{"node.id": "7"})); err == nil || !strings.Contains(err.Error(), "node 1") {
		t.Errorf("%v", err)
	}
}

func TestAdvertisedAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		settings map[string]string
		host     string
		port     uint16
	}{
		"as bound":      {nil, "broker", 9092},
		"as told":       {map[string]string{"advertised.listeners": "PLAINTEXT://kafka.example.org:1234"}, "kafka.example.org", 1234},
		"any interface": {map[string]string{"listeners": "PLAINTEXT://0.0.0.0:9092"}, hostname(), 9092},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			n, _ := r.start(c.settings)
			got := n.Image().Broker(base.NodeID(1)).Listeners
			if len(got) != 1 || got[0].Host != c.host || got[0].Port != c.port {
				t.Errorf("advertised %+v", got)
			}
		})
	}
}

// TestACleanStopTellsNobodyThatATopicIsGone: clients take UNKNOWN_TOPIC for a
// deletion. Whoever writes while the node stops sees its connection end.
func TestACleanStopTellsNobodyThatATopicIsGone(t *testing.T) {
	for range 5 {
		r := newRig(t)
		_, stop := r.start(nil)
		r.produce("orders", "first")
		var wg sync.WaitGroup
		for range 4 {
			cl := r.client(kgo.RecordRetries(0), kgo.ProducerLinger(0), kgo.DisableIdempotentWrite(), kgo.DialTimeout(time.Second), kgo.UnknownTopicRetries(0))
			wg.Go(func() {
				defer cl.Close()
				for {
					err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr()
					if code, ok := errors.AsType[*kerr.Error](err); ok {
						t.Errorf("a stopping node answered %v", code)
					}
					if err != nil {
						return
					}
				}
			})
		}
		stop()
		wg.Wait()
	}
}

func TestDynamicLimitsAreInForce(t *testing.T) {
	r := newRig(t)
	n, stop := r.start(nil)
	cl := r.client()
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.connections", Value: kadm.StringPtr("3")}}
	results, err := kadm.NewClient(cl).AlterBrokerConfigs(t.Context(), change)
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	cl.Close()
	for n.server.Stats().Connections > 0 { // it hears of that a little later
		<-time.After(time.Millisecond)
	}
	check := func(when string) {
		t.Helper()
		opened := 0
		for range 8 {
			c, err := r.network.DialContext(t.Context(), "broker:9092")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			// A connection over the limit is closed, any other one is answered.
			_, _ = c.Write([]byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff}) // ApiVersions v0
			if n, _ := c.Read(make([]byte, 1)); n == 1 {
				opened++
			}
		}
		if opened != 3 {
			t.Errorf("%s: %d connections were accepted, want 3", when, opened)
		}
	}
	check("at once")
	stop()
	r.start(nil)
	check("after a restart")
}
