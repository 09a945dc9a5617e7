package hostile

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	rounds      = flag.Int("rounds", 1, "how often all attacks are made")
	connections = flag.Int("connections", 5000, "how many connections are opened at a time")
	seed        = flag.Uint64("seed", 1, "seed of everything random")
)

// memoryLimit is how much the server's resident memory may grow. It is what
// requests may hold (queued.max.request.bytes, set to 64 MiB here), the tail
// cache (8 MiB), what decompression may take at a time (96 MiB), and as much of
// it again that Go's collector has not come to yet. Measured: 320 MiB.
const memoryLimit = 400 << 20

// TestHostileClients makes one attack after another on one server.
func TestHostileClients(t *testing.T) {
	t.Logf("-seed %d", *seed)
	v := start(t, "--set", "queued.max.request.bytes=67108864", "--set", "milena.tail.cache.bytes=8388608",
		"--set", "group.initial.rebalance.delay.ms=0")
	honest := newHonest(t, v)
	honest.work(0)
	attack := &attack{v: v, rng: rand.New(rand.NewPCG(*seed, 0))}
	files, goroutines, resident := v.files(), v.goroutines(), v.resident()
	for round := range *rounds {
		for i, a := range attack.list() {
			v.peak.Store(0)
			a.run(t)
			honest.work(1 + round*100 + i)
			t.Logf("%-28s at most %s resident", a.name, mib(v.peak.Load()))
			if growth := v.peak.Load() - resident; growth > memoryLimit {
				t.Errorf("%s: resident memory grew by %s", a.name, mib(growth))
			}
			if t.Failed() {
				return
			}
		}
	}
	if !eventually(20*time.Second, func() bool { return v.files() <= files+20 && v.goroutines() <= goroutines+20 }) {
		t.Errorf("%d files and %d goroutines before, %d and %d after", files, goroutines, v.files(), v.goroutines())
	}
	t.Logf("%d files, %d goroutines, %s before; %d, %d, %s after; %s of log",
		files, goroutines, mib(resident), v.files(), v.goroutines(), mib(v.resident()), mib(int64(v.log.Len())))
	if v.log.Len() > 4<<20 {
		t.Error("hostile clients can fill the disk with log")
	}
}

// honest is a client that only wants its records.
type honest struct {
	t  *testing.T
	cl *kgo.Client
}

func newHonest(t *testing.T, v *victim) *honest {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(v.kafka), kgo.ConsumeTopics("honest"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumerGroup("honest"), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, nil, "honest"); err != nil {
		t.Fatal(err)
	}
	return &honest{t: t, cl: cl}
}

// work writes a record, reads it back and commits.
func (h *honest) work(n int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	value := fmt.Sprintf("record %d", n)
	if err := h.cl.ProduceSync(ctx, &kgo.Record{Topic: "honest", Value: []byte(value)}).FirstErr(); err != nil {
		h.t.Fatalf("an honest producer: %v", err)
	}
	for read := false; !read; {
		fs := h.cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			h.t.Fatalf("an honest consumer: %v", err)
		}
		fs.EachRecord(func(r *kgo.Record) { read = read || string(r.Value) == value })
	}
	if err := h.cl.CommitUncommittedOffsets(ctx); err != nil {
		h.t.Fatalf("an honest commit: %v", err)
	}
}

// attack holds what attacks need.
type attack struct {
	v   *victim
	rng *rand.Rand
}

type namedAttack struct {
	name string
	run  func(t *testing.T)
}

func (a *attack) list() []namedAttack {
	return []namedAttack{
		{"garbage", a.garbage},
		{"half frames", a.halfFrames},
		{"huge lengths", a.hugeLengths},
		{"slow senders", a.slowSenders},
		{"tagged fields", a.taggedFields},
		{"array counts", a.arrayCounts},
		{"decompression bombs", a.bombs},
		{"connections", a.connections},
		{"random requests", a.randomRequests},
	}
}

// many runs f on n connections, width at a time.
func (a *attack) many(n, width int, f func(i int, c net.Conn)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range width {
		wg.Go(func() {
			for i := range next {
				c, err := net.Dial("tcp", a.v.kafka)
				if err != nil {
					continue // too many at once is the server's right
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				f(i, c)
				_ = c.Close()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (a *attack) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.rng.Uint32())
	}
	return b
}

func (a *attack) garbage(*testing.T) {
	junk := a.bytes(64 << 10)
	a.many(400, 16, func(i int, c net.Conn) {
		_, _ = c.Write(junk[i*100 : i*100+1+i*37%20000])
	})
	// With a size that is believed.
	a.many(400, 16, func(i int, c net.Conn) {
		_, _ = c.Write(frame(junk[i*100 : i*100+1+i%2000]))
		_, _ = c.Read(make([]byte, 1))
	})
}

// frame puts a size before a body.
func frame(body []byte) []byte {
	n := len(body)
	return append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

func (a *attack) halfFrames(*testing.T) {
	whole := request(kmsg.NewPtrMetadataRequest(), 12)
	a.many(600, 300, func(i int, c net.Conn) {
		_, _ = c.Write(whole[:i%len(whole)])
	})
}

// request is a whole frame.
func request(r kmsg.Request, version int16) []byte {
	r.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("hostile")).AppendRequest(nil, r, 1)
}

// hugeLengths announces up to 2 GiB and sends little of it, after a good request
// so that limits for strangers no longer apply.
func (a *attack) hugeLengths(*testing.T) {
	sizes := []uint32{0x7fffffff, 0xffffffff, 0x80000000, 104857600, 104857601, 64 << 20, 1 << 30}
	hello := request(kmsg.NewPtrApiVersionsRequest(), 3)
	a.many(1000, 200, func(i int, c net.Conn) {
		if i%2 == 0 {
			_, _ = c.Write(hello)
			readAnswer(c)
		}
		s := sizes[i%len(sizes)]
		_, _ = c.Write([]byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s), 0, 0, 0, 9})
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, _ = c.Read(make([]byte, 1))
	})
}

func readAnswer(c net.Conn) bool {
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return false
	}
	n := int64(size[0])<<24 | int64(size[1])<<16 | int64(size[2])<<8 | int64(size[3])
	_, err := io.CopyN(io.Discard, c, n)
	return err == nil
}

// slowSenders send a byte now and then of a large request.
func (a *attack) slowSenders(*testing.T) {
	a.many(500, 500, func(_ int, c net.Conn) {
		_, _ = c.Write([]byte{0, 6, 0, 0})
		for range 20 {
			<-time.After(50 * time.Millisecond)
			if _, err := c.Write([]byte{0}); err != nil {
				return
			}
		}
	})
}

// taggedFields sends millions of fields that nobody knows, in headers and bodies.
func (a *attack) taggedFields(*testing.T) {
	const n = 1_000_000
	tags := appendUvarint(nil, n)
	for i := range n {
		tags = append(appendUvarint(tags, uint64(i+100)), 0)
	}
	header := func(key, version byte) []byte {
		return append([]byte{0, key, 0, version, 0, 0, 0, 1, 0, 1, 'x'}, 0)
	}
	inHeader := append([]byte{0, 3, 0, 12, 0, 0, 0, 1, 0, 1, 'x'}, tags...)
	inBody := append(header(3, 12), 0, 0, 0, 0) // Metadata: all topics, three flags …
	inBody = append(inBody[:len(inBody)-1], tags...)
	versions := append(append(header(18, 3), 2, 'x', 2, '1'), tags...)
	hello := request(kmsg.NewPtrApiVersionsRequest(), 3)
	a.many(60, 8, func(i int, c net.Conn) {
		if i%2 == 0 {
			_, _ = c.Write(hello)
			readAnswer(c)
		}
		_, _ = c.Write(frame([][]byte{inHeader, inBody, versions}[i%3]))
		readAnswer(c)
	})
}

func appendUvarint(dst []byte, n uint64) []byte {
	for n >= 0x80 {
		dst, n = append(dst, byte(n)|0x80), n>>7
	}
	return append(dst, byte(n))
}

// arrayCounts announces arrays of two thousand million elements to every API.
func (a *attack) arrayCounts(*testing.T) {
	counts := [][]byte{
		{0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff, 0x07}, {0x00, 0x0f, 0x42, 0x40}, {0xc0, 0x84, 0x3d}, {0x80, 0, 0, 0},
	}
	const keys = 93
	a.many(keys*len(counts)*4, 16, func(i int, c net.Conn) {
		key := i % keys
		count := counts[i/keys%len(counts)]
		versions := []byte{0, 3, 8, 12}
		body := []byte{0, byte(key), 0, versions[i/keys/len(counts)], 0, 0, 0, 1, 0, 1, 'x', 0}
		for range 200 {
			body = append(body, count...)
		}
		_, _ = c.Write(frame(body))
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = c.Read(make([]byte, 1))
	})
}

// connections opens many, says hello on some, and closes them.
func (a *attack) connections(t *testing.T) {
	hello := request(kmsg.NewPtrApiVersionsRequest(), 3)
	open := make([]net.Conn, 0, *connections)
	for i := range *connections {
		c, err := net.Dial("tcp", a.v.kafka)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		open = append(open, c)
		if i%3 == 0 {
			if _, err := c.Write(hello); err != nil || !readAnswer(c) {
				t.Fatalf("connection %d is not served: %v", i, err)
			}
		}
	}
	for _, c := range open {
		_ = c.Close()
	}
}
