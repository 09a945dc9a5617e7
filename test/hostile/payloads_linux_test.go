package hostile

import (
	"bytes"
	"context"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

// bombSize is what a bomb becomes: more than the server may ever hold at once.
const bombSize = 200 << 20

// bombs sends batches that decompress to bombSize to topics that make the server
// look inside: one that stores another codec, one that is compacted.
func (a *attack) bombs(t *testing.T) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.v.kafka))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	topics := map[string]map[string]*string{
		"bombs-lz4":     {"compression.type": kadm.StringPtr("lz4")},
		"bombs-gzip":    {"compression.type": kadm.StringPtr("gzip")},
		"bombs-compact": {"cleanup.policy": kadm.StringPtr("compact")},
		"bombs-time":    {"message.timestamp.after.max.ms": kadm.StringPtr("1000")},
	}
	for name, configs := range topics {
		if _, err := adm.CreateTopic(t.Context(), 1, 1, configs, name); err != nil && !strings.Contains(err.Error(), "EXISTS") {
			t.Fatal(err)
		}
	}
	// It compresses less well, so its bombs are no larger than what is allowed.
	harmless := map[record.Codec]bool{record.Snappy: true}
	zeros := make([]byte, bombSize)
	for _, codec := range []record.Codec{record.Gzip, record.Snappy, record.Lz4, record.Zstd} {
		bomb := fuse(codec, zeros)
		for topic := range topics {
			frame := request(produce(topic, bomb), 9)
			if len(frame) > 90<<20 {
				t.Fatalf("%v makes %d bytes of it", codec, len(frame))
			}
			a.many(6, 6, func(_ int, c net.Conn) {
				_, _ = c.Write(frame)
				_ = readAnswer(c)
			})
			inside := topic != "bombs-"+codec.String() && topic != "bombs-time"
			if code := a.produce(t, topic, bomb); code == 0 && inside && !harmless[codec] {
				t.Errorf("%v: topic %s took a bomb of %d bytes", codec, topic, len(bomb))
			}
		}
	}
}

// fuse compresses one record with a value of zeros; where that leaves the batch
// larger than topics allow, less of them.
func fuse(codec record.Codec, zeros []byte) []byte {
	for {
		b := record.NewBuilder(record.BuilderOptions{Codec: codec})
		b.Append(1, []byte("k"), zeros)
		if out := b.Build(); len(out) < 1<<20 {
			return out
		}
		zeros = zeros[:len(zeros)/2]
	}
}

func produce(topic string, batch []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = bytes.Clone(batch)
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// produce sends a batch and returns the error code.
func (a *attack) produce(t *testing.T, topic string, batch []byte) int16 {
	t.Helper()
	c, err := net.Dial("tcp", a.v.kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	req := produce(topic, batch)
	if _, err := c.Write(request(req, 9)); err != nil {
		return kerr.CorruptMessage.Code // hung up on
	}
	var buf bytes.Buffer
	if !copyAnswer(c, &buf) {
		return kerr.CorruptMessage.Code
	}
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	if err := resp.ReadFrom(buf.Bytes()[5:]); err != nil {
		t.Fatal(err)
	}
	return resp.Topics[0].Partitions[0].ErrorCode
}

func copyAnswer(c net.Conn, to *bytes.Buffer) bool {
	var size [4]byte
	if n, err := c.Read(size[:]); err != nil || n != 4 {
		return false
	}
	want := int(size[0])<<24 | int(size[1])<<16 | int(size[2])<<8 | int(size[3])
	part := make([]byte, 4096)
	for to.Len() < want {
		n, err := c.Read(part)
		if err != nil {
			return false
		}
		to.Write(part[:n])
	}
	return true
}

// randomRequests sends well-formed requests with random content: every API, every
// version.
func (a *attack) randomRequests(*testing.T) {
	const n = 3000
	frames := make([][]byte, n)
	for i := range frames {
		for frames[i] == nil {
			req := kmsg.RequestForKey(int16(a.rng.IntN(93)))
			if req == nil {
				continue
			}
			req.SetVersion(int16(a.rng.IntN(int(req.MaxVersion()) + 1)))
			a.fill(reflect.ValueOf(req).Elem(), 0)
			frames[i] = request(req, req.GetVersion())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a.many(n, 32, func(i int, c net.Conn) {
		if ctx.Err() != nil {
			return
		}
		_, _ = c.Write(frames[i])
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		_ = readAnswer(c)
	})
}

// fill sets every exported field to something random, seldom sensible.
func (a *attack) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && f.Name != "Version" && f.Name != "UnknownTags" {
				a.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		n := a.rng.IntN(4)
		if depth == 1 && a.rng.IntN(30) == 0 {
			n = 2000
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			a.fill(v.Index(i), depth+1)
		}
	case reflect.Pointer:
		if a.rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			a.fill(v.Elem(), depth)
		}
	case reflect.Array:
		for i := range v.Len() {
			a.fill(v.Index(i), depth)
		}
	case reflect.String:
		names := []string{"", "victim", "bombs-lz4", "__consumer_offsets", "..", "a/b", strings.Repeat("n", 300), "new-topic", "g"}
		v.SetString(names[a.rng.IntN(len(names))])
	case reflect.Bool:
		v.SetBool(a.rng.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(a.rng.Float64())
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		numbers := []int64{0, 1, -1, 2, 1000, 1<<31 - 1, 1<<62 + 1, int64(a.rng.Uint64())}
		v.SetInt(numbers[a.rng.IntN(len(numbers))])
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(a.rng.Uint64())
	}
}
