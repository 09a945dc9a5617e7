package scale

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	topics      = flag.Int("topics", 100, "topics to create")
	partitions  = flag.Int("partitions", 10, "partitions of each topic")
	connections = flag.Int("connections", 500, "idle connections")
	idle        = flag.Duration("idle", 2*time.Second, "how long the CPU time of an idle server is measured")
	profiles    = flag.String("profiles", "", "directory to which the server's heap profiles are written")
)

// What may be held, with room for the runtime's own doings. A partition that is
// idle costs memory for what it is called and where it ends, and nothing else.
const (
	baseBytes       = 60 << 20
	bytesPartition  = 8 << 10
	bytesConnection = 12 << 10
	baseGoroutines  = 60
	baseFiles       = 60
)

func TestManyPartitionsAndConnections(t *testing.T) {
	p := newProcess(t)
	total := *topics * *partitions
	t.Logf("empty directory: first answer after %v", p.start())
	p.note("empty, idle")

	t.Logf("create %d partitions: %v", total, p.create())
	p.expect(total, 0, 0)
	t.Logf("clean stop after creating: %v", p.stop())
	t.Logf("start after a clean stop: first answer after %v", p.start())
	p.note("after a clean start")
	p.profile("heap-start")

	t.Logf("one record to each of %d partitions, flushed: %v", total, p.touch(total))
	p.note("after one record in each partition")
	p.kill()
	t.Logf("start after kill -9: first answer after %v", p.start())
	p.expect(total, 0, maxFiles)
	t.Logf("clean stop: %v", p.stop())
	t.Logf("start after a clean stop, records in each partition: first answer after %v", p.start())

	quiet := p.latency()
	conns := p.connect(*connections)
	t.Logf("%d idle connections", len(conns))
	time.Sleep(time.Second) // let the garbage of connecting be collected
	before := p.usage()
	time.Sleep(*idle)
	after := p.usage()
	t.Logf("idle: %v of CPU in %v (%.2f %% of a core)", after.cpu-before.cpu, *idle, 100*(after.cpu-before.cpu).Seconds()/idle.Seconds())
	p.expect(total, len(conns), maxFiles)
	p.profile("heap-idle")
	t.Logf("producing one record at a time: %s; with %d idle connections: %s", quiet, len(conns), p.latency())
	p.scrape()
	for _, c := range conns {
		if err := askVersions(c); err != nil {
			t.Fatalf("an idle connection does not answer any more: %v", err)
		}
	}
	p.note("after the scrape and one request on each connection")
	t.Logf("clean stop with %d connections: %v", len(conns), p.stop())
}

// maxFiles is the broker's default for files of logs.
const maxFiles = 4096

func (p *process) note(when string) { p.t.Logf("%s: %v", when, p.usage()) }

// expect asserts what the process holds.
func (p *process) expect(partitions, connections, files int) {
	p.t.Helper()
	u := p.usage()
	p.t.Logf("%d partitions, %d connections: %v", partitions, connections, u)
	if limit := int64(baseBytes + partitions*bytesPartition + connections*bytesConnection); u.rss > limit {
		p.t.Errorf("%d bytes are resident, more than %d", u.rss, limit)
	}
	if limit := baseGoroutines + connections; u.goroutines > limit {
		p.t.Errorf("there are %d goroutines, more than %d", u.goroutines, limit)
	}
	if limit := baseFiles + connections + files; u.files > limit {
		p.t.Errorf("%d files are open, more than %d", u.files, limit)
	}
}

func (p *process) client(opts ...kgo.Opt) *kgo.Client {
	p.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(p.kafka)}, opts...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	return cl
}

// create makes the topics, a hundred with each request.
func (p *process) create() time.Duration {
	p.t.Helper()
	cl := p.client(kgo.RequestTimeoutOverhead(time.Minute))
	defer cl.Close()
	adm := kadm.NewClient(cl)
	begin := time.Now()
	for names := range slices.Chunk(topicNames(), 100) {
		made, err := adm.CreateTopics(p.t.Context(), int32(*partitions), 1, nil, names...)
		if err == nil {
			err = made.Error()
		}
		if err != nil {
			p.t.Fatalf("create topics: %v\n%s", err, p.tail())
		}
	}
	return time.Since(begin)
}

func topicNames() []string {
	names := make([]string, *topics)
	for i := range names {
		names[i] = fmt.Sprintf("scale-%05d", i)
	}
	return names
}

// touch writes one record to every partition and waits for all.
func (p *process) touch(total int) time.Duration {
	p.t.Helper()
	cl := p.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(total), kgo.ProducerLinger(50*time.Millisecond))
	defer cl.Close()
	var records []*kgo.Record
	for _, name := range topicNames() {
		for i := range *partitions {
			records = append(records, &kgo.Record{Topic: name, Partition: int32(i), Value: []byte(name)})
		}
	}
	begin := time.Now()
	if err := cl.ProduceSync(p.t.Context(), records...).FirstErr(); err != nil {
		p.t.Fatalf("produce: %v\n%s", err, p.tail())
	}
	return time.Since(begin)
}

// connect opens connections that have asked once and then do nothing.
func (p *process) connect(n int) []net.Conn {
	p.t.Helper()
	conns := make([]net.Conn, 0, n)
	p.t.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	begin := time.Now()
	for range n {
		c, err := net.Dial("tcp", p.kafka)
		if err == nil {
			conns = append(conns, c)
			err = askVersions(c)
		}
		if err != nil {
			p.t.Fatalf("connection %d: %v\n%s", len(conns), err, p.tail())
		}
	}
	p.t.Logf("%d connections opened in %v", n, time.Since(begin))
	return conns
}

// latency is that of producing durable records one at a time.
func (p *process) latency() string {
	p.t.Helper()
	cl := p.client(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	took := make([]time.Duration, 0, 1000)
	for i := range 1100 {
		begin := time.Now()
		r := &kgo.Record{Topic: topicNames()[0], Partition: int32(i % *partitions), Value: []byte("one at a time")}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			p.t.Fatalf("produce: %v\n%s", err, p.tail())
		}
		if i >= 100 {
			took = append(took, time.Since(begin))
		}
	}
	slices.Sort(took)
	return fmt.Sprintf("p50 %v, p99 %v", took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
}

// scrape reads the metrics a few times.
func (p *process) scrape() {
	p.t.Helper()
	before := p.usage().cpu
	const times = 5
	begin, size := time.Now(), 0
	for range times {
		size = len(p.get("/metrics"))
	}
	took := time.Since(begin)
	p.t.Logf("scrape: %v, %.1f MiB, %v of CPU", took/times, float64(size)/(1<<20), (p.usage().cpu-before)/times)
}

func (p *process) profile(name string) {
	if *profiles == "" {
		return
	}
	for _, kind := range []string{"heap", "goroutine"} {
		if err := os.WriteFile(*profiles+"/"+name+"."+kind, p.get("/debug/pprof/"+kind), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}
