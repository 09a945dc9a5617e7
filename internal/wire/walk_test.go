package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryRequestOfClientsPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := 0
	shared(func(key, version int16) {
		n++
		for round := range 20 {
			_, body := randomRequest(r, key, version, round%2 == 0)
			shape, err := Measure(key, version, body, Limits{})
			if err != nil {
				t.Fatalf("%s v%d: %v\n%x", kmsg.NameForKey(key), version, err, body)
			}
			if shape.Trailing != 0 {
				t.Fatalf("%s v%d: the walk stops %d bytes early\n%x", kmsg.NameForKey(key), version, shape.Trailing, body)
			}
		}
	})
	if n < 300 {
		t.Errorf("only %d API versions are known to both sides", n)
	}
}

// A body that loses its last byte is incomplete, wherever it ends.
func TestEveryTruncationIsSeen(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	shared(func(key, version int16) {
		_, body := randomRequest(r, key, version, true)
		for n := range body {
			err := CheckBody(key, version, body[:n], Limits{})
			m, ok := errors.AsType[*MalformedError](err)
			if !ok || m.Key != key || m.Version != version || m.Offset > n || errors.Is(err, ErrLimit) {
				t.Fatalf("%s v%d cut to %d of %d bytes: %v", kmsg.NameForKey(key), version, n, len(body), err)
			}
		}
	})
}

// The walker must not accept what the decoder can't read, and where both accept,
// the decoder must give back the same request.
func TestWalkerAgreesWithDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	shared(func(key, version int16) {
		for range 10 {
			_, body := randomRequest(r, key, version, true)
			for range 20 {
				mutant := bytes.Clone(body)
				for range 1 + r.IntN(3) {
					if len(mutant) > 0 {
						mutant[r.IntN(len(mutant))] = byte(r.Uint32())
					}
				}
				mustDecodeIfChecked(t, key, version, mutant)
			}
			mustDecodeIfChecked(t, key, version, body)
		}
	})
}

func mustDecodeIfChecked(t testing.TB, key, version int16, body []byte) {
	t.Helper()
	shape, err := Measure(key, version, body, Limits{})
	if err != nil {
		return
	}
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	if err := req.ReadFrom(body); err != nil {
		t.Fatalf("%s v%d passes the check, but: %v\n%x", kmsg.NameForKey(key), version, err, body)
	}
	// Re-encoding is canonical: it may differ in the order and spelling of
	// tags, but must pass again with the same arrays.
	again := req.AppendTo(nil)
	shape2, err := Measure(key, version, again, Limits{})
	if err != nil || shape2.Elements != shape.Elements {
		t.Fatalf("%s v%d re-encoded: %v, %d elements, then %d\n%x\n%x", kmsg.NameForKey(key), version, err, shape.Elements, shape2.Elements, body, again)
	}
}

func TestLimits(t *testing.T) {
	// Metadata v9: [topics {name, tags}], three booleans, tags.
	metadata := func(n int) []byte {
		b := AppendArrayLen(nil, true, n)
		for range n {
			b = append(AppendString(b, true, "t"), 0)
		}
		return append(b, 0, 0, 0, 0)
	}
	tags := func(n int) []byte {
		b := AppendUvarint([]byte{1, 0, 0, 0}, uint32(n))
		for range n {
			b = append(b, 77, 0)
		}
		return b
	}
	var huge [8]byte
	copy(huge[:], AppendUvarint(nil, 1<<31))
	for name, c := range map[string]struct {
		body  []byte
		lim   Limits
		ok    bool
		limit bool
	}{
		"elements within":        {metadata(10), Limits{MaxElements: 10}, true, false},
		"elements above":         {metadata(11), Limits{MaxElements: 10}, false, true},
		"default elements":       {metadata(DefaultMaxElements + 1), Limits{}, false, true},
		"tags within":            {tags(10), Limits{MaxUnknownTags: 10}, true, false},
		"tags above":             {tags(11), Limits{MaxUnknownTags: 10}, false, true},
		"default tags":           {tags(DefaultMaxUnknownTags + 1), Limits{}, false, true},
		"count above bytes":      {huge[:], Limits{}, false, false},
		"trailing bytes ignored": {append(metadata(1), 1, 2, 3), Limits{}, true, false},
	} {
		err := CheckBody(3, 9, c.body, c.lim)
		if (err == nil) != c.ok || errors.Is(err, ErrLimit) != c.limit {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNullOnlyWhereAllowed(t *testing.T) {
	// Heartbeat v4: group id, generation, member id, nullable instance id, tags.
	good := []byte{2, 'g', 0, 0, 0, 1, 2, 'm', 0, 0}
	bad := []byte{0, 0, 0, 0, 1, 2, 'm', 0, 0}
	if err := CheckBody(12, 4, good, Limits{}); err != nil {
		t.Error(err)
	}
	if err := CheckBody(12, 4, bad, Limits{}); err == nil {
		t.Error("a null group id was accepted")
	}
}

func TestUnknownAPIs(t *testing.T) {
	for _, c := range [][2]int16{{-1, 0}, {4, 0}, {7, 3}, {0, 2}, {0, 14}, {1, 3}, {95, 0}, {32767, 0}, {3, -1}} {
		if err := CheckBody(c[0], c[1], nil, Limits{}); err != ErrUnsupported {
			t.Errorf("key %d version %d: %v", c[0], c[1], err)
		}
	}
}

func TestCheckBodyAllocatesNothing(t *testing.T) {
	_, body := randomRequest(rand.New(rand.NewPCG(7, 8)), 1, 18, true)
	if n := testing.AllocsPerRun(100, func() {
		if CheckBody(1, 18, body, Limits{}) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// fetchBody is a large ordinary request: n partitions in topics of 10.
func fetchBody(n int) []byte {
	req := kmsg.NewPtrFetchRequest()
	req.Version = 13
	for range n / 10 {
		topic := kmsg.NewFetchRequestTopic()
		for p := range 10 {
			part := kmsg.NewFetchRequestTopicPartition()
			part.Partition = int32(p)
			topic.Partitions = append(topic.Partitions, part)
		}
		req.Topics = append(req.Topics, topic)
	}
	return req.AppendTo(nil)
}

func BenchmarkCheckFetch1000Partitions(b *testing.B) {
	body := fetchBody(1000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckBody(1, 13, body, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckProduce(b *testing.B) {
	req := kmsg.NewPtrProduceRequest()
	req.Version = 12
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "orders"
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = make([]byte, 16<<10)
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	body := req.AppendTo(nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckBody(0, 12, body, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
