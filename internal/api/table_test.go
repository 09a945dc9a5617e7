package api

import (
	"bytes"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/wire"
)

// Every served key has exactly the range of a real Kafka 4.4 broker, and both
// codecs know all of it.
func TestVersionsAreKafkas(t *testing.T) {
	for _, e := range table {
		i := slices.IndexFunc(kafkaVersions, func(k kafkaAPI) bool { return k.key == e.Key })
		if i < 0 {
			t.Fatalf("Kafka does not serve key %d", e.Key)
		}
		k := kafkaVersions[i]
		if e.Name != k.name || e.AdvertisedMin != k.min || e.Max != k.max {
			t.Errorf("%s is advertised as %d–%d, Kafka's %s as %d–%d", e.Name, e.AdvertisedMin, e.Max, k.name, k.min, k.max)
		}
		if top := kmsg.RequestForKey(e.Key).MaxVersion(); e.Max > top {
			t.Errorf("%s: v%d is above kmsg's %d", e.Name, e.Max, top)
		}
		if r, ok := wire.Versions(e.Key); !ok || r.Min > e.Min || r.Max < e.Max {
			t.Errorf("%s: schemas cover %+v, served are %d–%d", e.Name, r, e.Min, e.Max)
		}
		if len(e.ACL) == 0 && e.Key != keyAPIVersions {
			t.Errorf("%s asks for no permission", e.Name)
		}
		if e.Overlaps != (e.Key == 0) {
			t.Errorf("%s: only Produce may overlap", e.Name)
		}
	}
	if !slices.IsSortedFunc(table, func(a, b Entry) int { return int(a.Key) - int(b.Key) }) {
		t.Error("the table is not in the order of keys")
	}
}

func TestEveryKafkaKeyIsServedOrExplained(t *testing.T) {
	for _, k := range kafkaVersions {
		_, explained := absent[k.key]
		if served := lookup(k.key) != nil; served == explained {
			t.Errorf("%s: served %v, explained %v", k.name, served, explained)
		}
	}
}

// One ordinary request of every key in every version is answered in that
// version's own form, asks only for the permissions its table entry lists, and
// over all versions for each of them at least once where the sample can.
func TestEveryVersionIsAnswered(t *testing.T) {
	for _, e := range table {
		t.Run(e.Name, func(t *testing.T) {
			for v := e.Min; v <= e.Max; v++ {
				b := newBroker(t)
				b.topic("t", 1, 1)
				req := sample(e.Key)
				body := encoded(t, b.reply(t, v, req).Now)
				resp := req.ResponseKind()
				resp.SetVersion(v)
				if err := resp.ReadFrom(body); err != nil {
					t.Fatalf("v%d: %v", v, err)
				}
				if again := resp.AppendTo(nil); !bytes.Equal(again, body) {
					t.Errorf("v%d: the answer is not what its version allows\n got %x\nwant %x", v, body, again)
				}
				for p := range b.asked {
					if !slices.Contains(e.ACL, p) && !showsOperations[e.Key] {
						t.Errorf("v%d asks for %s, which the table does not list", v, p)
					}
				}
				if len(b.asked) == 0 && len(e.ACL) > 0 {
					t.Errorf("v%d asks for no permission at all", v)
				}
			}
		})
	}
}

// showsOperations lists the keys whose answers always show what the principal
// may do, and which therefore ask about everything.
var showsOperations = map[int16]bool{60: true, 75: true}

// denials is what a principal without any permission hears, per key.
var denials = map[int16][]string{
	0: {"TOPIC_AUTHORIZATION_FAILED"}, 1: {"TOPIC_AUTHORIZATION_FAILED"}, 2: {"TOPIC_AUTHORIZATION_FAILED"},
	3: {"TOPIC_AUTHORIZATION_FAILED"}, 8: {"GROUP_AUTHORIZATION_FAILED"}, 9: {"GROUP_AUTHORIZATION_FAILED"},
	10: {"GROUP_AUTHORIZATION_FAILED"}, 11: {"GROUP_AUTHORIZATION_FAILED"}, 12: {"GROUP_AUTHORIZATION_FAILED"},
	13: {"GROUP_AUTHORIZATION_FAILED"}, 14: {"GROUP_AUTHORIZATION_FAILED"}, 15: {"GROUP_AUTHORIZATION_FAILED"},
	19: {"TOPIC_AUTHORIZATION_FAILED"}, 20: {"TOPIC_AUTHORIZATION_FAILED"}, 21: {"TOPIC_AUTHORIZATION_FAILED"},
	22: {"CLUSTER_AUTHORIZATION_FAILED"}, 23: {"TOPIC_AUTHORIZATION_FAILED"},
	32: {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"},
	33: {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"},
	44: {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"},
	35: {"CLUSTER_AUTHORIZATION_FAILED"}, 37: {"TOPIC_AUTHORIZATION_FAILED"}, 42: {"GROUP_AUTHORIZATION_FAILED"},
	47: {"GROUP_AUTHORIZATION_FAILED"}, 55: {"CLUSTER_AUTHORIZATION_FAILED"}, 61: {"TOPIC_AUTHORIZATION_FAILED"},
	74: {"CLUSTER_AUTHORIZATION_FAILED"}, 75: {"TOPIC_AUTHORIZATION_FAILED"},
	16: nil, // an empty list
	60: nil, // shows brokers to everybody, as in Kafka; only the operations need Describe
}

// Without permissions every key answers with an authorization error and nothing
// else, whether what it names exists or not.
func TestDeniedMeansNoEffectAndNoInformation(t *testing.T) {
	for _, e := range table {
		if e.Key == keyAPIVersions {
			continue
		}
		want, listed := denials[e.Key]
		if !listed {
			t.Errorf("%s has no denial to test", e.Name)
			continue
		}
		var answers [2][]byte
		for i, existing := range []bool{true, false} {
			b := newBroker(t)
			for _, p := range e.ACL {
				b.deny[p.Operation.String()+" "+p.Resource.String()] = true
			}
			if existing {
				b.topic("t", 1, 1)
			}
			v := min(e.Max, 9) // topic names, where there is a choice
			req := sample(e.Key)
			r := b.reply(t, v, req)
			if r.Now == nil {
				t.Fatalf("%s: no answer", e.Name)
			}
			answers[i] = encoded(t, r.Now)
			if b.groups.last != nil && e.Key != 16 || b.altered != nil || b.image.Topic("new") != nil || existing && b.image.Topic("t") == nil {
				t.Errorf("%s reached the broker", e.Name)
			}
			resp := req.ResponseKind()
			resp.SetVersion(v)
			if err := resp.ReadFrom(answers[i]); err != nil {
				t.Fatal(err)
			}
			if got := errorNames(resp); !slices.Equal(got, want) {
				t.Errorf("%s: errors %v, want %v", e.Name, got, want)
			}
		}
		if !bytes.Equal(answers[0], answers[1]) {
			t.Errorf("%s tells an existing topic from a missing one:\n%x\n%x", e.Name, answers[0], answers[1])
		}
	}
}

func TestUnknownKeysAndVersionsClose(t *testing.T) {
	b := newBroker(t)
	for _, c := range []struct{ key, version int16 }{
		{-1, 0},
		{4, 0},
		{17, 0},
		{24, 0},
		{52, 0},
		{93, 0},
		{94, 0},
		{95, 0},
		{32767, 0},
		{-32768, 0},
		{0, 2},
		{0, 14},
		{0, -1},
		{1, 3},
		{1, 19},
		{2, 0},
		{8, 1},
		{19, 1},
		{75, 1},
	} {
		r := b.api.Handle(t.Context(), &Request{Key: c.key, Version: c.version, Conn: b.conn})
		if !r.Close || r.Now != nil || r.Wait != nil {
			t.Errorf("key %d v%d: %+v", c.key, c.version, r)
		}
	}
}

// A body that ends early, or in the middle of anything, closes the connection.
func TestTruncatedBodiesClose(t *testing.T) {
	for _, e := range table {
		for v := e.Min; v <= e.Max; v++ {
			b := newBroker(t)
			b.topic("t", 1, 1)
			req := b.request(v, sample(e.Key))
			for n := range req.Body {
				cut := *req
				cut.Body = bytes.Clone(req.Body[:n])
				if r := b.api.Handle(t.Context(), &cut); !r.Close {
					t.Fatalf("%s v%d: %d of %d bytes were accepted", e.Name, v, n, len(req.Body))
				}
			}
		}
	}
}
