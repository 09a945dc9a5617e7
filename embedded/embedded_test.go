package embedded_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/milena-io/milena/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, b *embedded.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr()), kgo.Dialer(b.Dial), kgo.AllowAutoTopicCreation()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func produce(t *testing.T, b *embedded.Broker, topic string, values ...string) {
	t.Helper()
	cl := client(t, b)
	for _, v := range values {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func consume(t *testing.T, b *embedded.Broker, topic string, n int) []string {
	t.Helper()
	cl := client(t, b, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out []string
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatalf("after %v: %v", out, err)
		}
		fs.EachRecord(func(r *kgo.Record) { out = append(out, string(r.Value)) })
	}
	return out
}

func TestEveryKindOfBrokerServes(t *testing.T) {
	for name, o := range map[string]embedded.Options{
		"memory, free port": {},
		"memory, no socket": {InMemoryListener: true},
		"directory":         {Dir: t.TempDir()},
		"with metrics":      {HTTP: "127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			b := embedded.ForTest(t, o)
			produce(t, b, "greetings", "hello", "world")
			if got := consume(t, b, "greetings", 2); strings.Join(got, " ") != "hello world" {
				t.Errorf("read %v", got)
			}
			if (b.HTTPAddr() != "") != (o.HTTP != "") {
				t.Errorf("HTTP address is %q", b.HTTPAddr())
			}
		})
	}
}

func TestADirectoryIsFoundAgain(t *testing.T) {
	o := embedded.Options{Dir: t.TempDir()}
	b, err := embedded.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	produce(t, b, "kept", "1", "2", "3")
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	again := embedded.ForTest(t, o)
	produce(t, again, "kept", "4")
	if got := consume(t, again, "kept", 4); strings.Join(got, "") != "1234" {
		t.Errorf("read %v", got)
	}
}

func TestADirectoryBelongsToOneBroker(t *testing.T) {
	o := embedded.Options{Dir: t.TempDir()}
	embedded.ForTest(t, o)
	if b, err := embedded.Start(t.Context(), o); err == nil {
		_ = b.Close(t.Context())
		t.Error("two brokers have one directory")
	}
}

func TestManyBrokersInOneProcess(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 8 {
		b := embedded.ForTest(t, embedded.Options{InMemoryListener: i%2 == 0})
		wg.Go(func() {
			produce(t, b, "same-name", fmt.Sprintf("from %d", i))
			if got := consume(t, b, "same-name", 1); got[0] != fmt.Sprintf("from %d", i) {
				t.Errorf("broker %d read %v", i, got)
			}
		})
	}
	wg.Wait()
}

func TestBadPropertiesAreNamed(t *testing.T) {
	_, err := embedded.Start(t.Context(), embedded.Options{Properties: map[string]string{"log.retention.m": "1", "num.partitions": "none"}})
	for _, want := range []string{"log.retention.m", "log.retention.ms", "num.partitions"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// What a server's start refuses because settings do not go together, and how it
// takes the old name of node.id, holds here as well.
func TestPropertiesGoTogether(t *testing.T) {
	for key, value := range map[string]string{
		"controller.listener.names": "PLAINTEXT", "listeners": "SSL://127.0.0.1:0", "max.connections.per.ip": "0", "inter.broker.listener.name": "OTHER",
	} {
		b, err := embedded.Start(t.Context(), embedded.Options{Properties: map[string]string{key: value}})
		if err == nil {
			_ = b.Close(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	b := embedded.ForTest(t, embedded.Options{Properties: map[string]string{"broker.id": "5"}})
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(t.Context(), client(t, b))
	if err != nil || len(meta.Brokers) != 1 || meta.Brokers[0].NodeID != 5 {
		t.Errorf("broker.id=5: %v, %v", meta.Brokers, err)
	}
}

func BenchmarkStart(b *testing.B) {
	for name, dir := range map[string]bool{"memory": false, "directory": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				o := embedded.Options{}
				if dir {
					o.Dir = b.TempDir()
				}
				broker, err := embedded.Start(b.Context(), o)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := broker.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
