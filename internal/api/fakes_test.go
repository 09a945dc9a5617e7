package api

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/quorum"
	"github.com/milena-io/milena/internal/wire"
)

// broker is a whole fake node around one API.
type broker struct {
	api        *API
	conn       *Conn
	image      *metadata.Image
	index      uint64
	partitions map[base.TopicPartition]*fakePartition
	props      confkey.Values
	deny       map[string]bool // "WRITE TOPIC name" or "WRITE TOPIC"
	askedMu    sync.Mutex      // waiting fetches ask side by side
	asked      map[Permission]bool
	groups     fakeGroups
	dirErr     error
	nextID     int64
	createErr  error
	altered    []ConfigChange
}

func newBroker(t testing.TB) *broker {
	b := &broker{
		image: metadata.Empty(), partitions: map[base.TopicPartition]*fakePartition{},
		deny: map[string]bool{}, asked: map[Permission]bool{},
		conn: &Conn{
			ID: 1, Listener: "PLAINTEXT", Principal: AnonymousPrincipal,
			Remote: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:5000")),
		},
	}
	b.set(t, "max.incremental.fetch.session.cache.slots", "2")
	b.groups.b = b
	b.apply(
		&metapb.ClusterInit{ClusterId: "cluster-1"}, &metapb.FeatureLevel{Name: "metadata.version", Level: 33},
		&metapb.RegisterBroker{Id: 1, Incarnation: uuid(9), Listeners: []*metapb.Listener{{Name: "PLAINTEXT", Host: "one", Port: 9092}}},
	)
	b.api = New(Config{
		NodeID: 1, Static: b.props, Broker: func() confkey.Values { return b.props }, Image: func() *metadata.Image { return b.image },
		Replicas: b, Controller: fakeController{b}, Groups: &b.groups, Quorum: fakeQuorum{}, Authorizer: b,
	})
	return b
}

// set changes one broker setting.
func (b *broker) set(t testing.TB, name, value string) {
	props, errs := b.props.With(map[string]string{name: value})
	if errs != nil {
		t.Fatal(errs)
	}
	b.props = props
}

func uuid(n byte) []byte { return []byte{0: 0x77, 15: n} }

func topicID(n byte) base.UUID { return base.UUID(uuid(n)) }

// topic creates a topic whose partitions this broker leads in epoch 3.
func (b *broker) topic(name string, id byte, partitions int) []*fakePartition {
	records := []proto.Message{&metapb.Topic{Id: uuid(id), Name: name}}
	var out []*fakePartition
	for i := range int32(partitions) {
		records = append(records, &metapb.Partition{TopicId: uuid(id), Index: i, Replicas: []int32{1}, Isr: []int32{1}, Leader: 1, LeaderEpoch: 3})
		p := newFakePartition(topicID(id))
		b.partitions[base.TopicPartition{Topic: name, Partition: i}] = p
		out = append(out, p)
	}
	b.apply(records...)
	return out
}

func (b *broker) drop(name string) {
	t := b.image.Topic(name)
	for i := range t.Partitions {
		delete(b.partitions, base.TopicPartition{Topic: name, Partition: int32(i)})
	}
	b.apply(&metapb.RemoveTopic{Id: t.ID[:]})
}

func (b *broker) apply(records ...proto.Message) {
	var rs []*metapb.Record
	for _, r := range records {
		rs = append(rs, metadata.Record(r))
	}
	b.index++
	b.image, _ = b.image.Apply(rs, b.index)
}

func (b *broker) Authorize(_ *Conn, op kmsg.ACLOperation, on kmsg.ACLResourceType, name string) bool {
	b.askedMu.Lock()
	b.asked[Permission{op, on}] = true
	b.askedMu.Unlock()
	kind := fmt.Sprintf("%s %s", op, on)
	return !b.deny[kind] && !b.deny[kind+" "+name]
}

func (b *broker) AuthorizeAny(c *Conn, op kmsg.ACLOperation, on kmsg.ACLResourceType) bool {
	return b.Authorize(c, op, on, "")
}

func (b *broker) Get(topic string, index int32) (Partition, error) {
	p := b.partitions[base.TopicPartition{Topic: topic, Partition: index}]
	if p == nil {
		return nil, kerr.NotLeaderForPartition
	}
	return p, nil
}

func (b *broker) GetByID(id base.UUID, index int32) (Partition, error) {
	t := b.image.TopicByID(id)
	if t == nil {
		return nil, kerr.UnknownTopicID
	}
	p, err := b.Get(t.Name, index)
	if err == nil && p.TopicID() != id {
		return nil, kerr.InconsistentTopicID
	}
	return p, err
}

func (b *broker) LogDirs() []LogDir {
	d := LogDir{Path: "/data", Err: b.dirErr, Total: 100, Usable: 40}
	for t := range b.image.Topics() {
		for i := range t.Partitions {
			d.Partitions = append(d.Partitions, LogDirPartition{TP: base.TopicPartition{Topic: t.Name, Partition: int32(i)}, Size: 11})
		}
	}
	return []LogDir{d}
}

type fakeController struct{ b *broker }

func (c fakeController) CreateTopics(_ context.Context, topics []NewTopic, validateOnly bool) []TopicResult {
	out := make([]TopicResult, len(topics))
	for i, t := range topics {
		switch {
		case c.b.createErr != nil:
			out[i].Err = c.b.createErr
		case c.b.image.Topic(t.Name) != nil:
			out[i].Err = withMessage(kerr.TopicAlreadyExists, "Topic '%s' already exists.", t.Name)
		case !validateOnly:
			n := min(max(1, int(t.Partitions)), 10)
			id := byte(100 + c.b.image.TopicCount())
			c.b.topic(t.Name, id, n)
			out[i] = TopicResult{ID: topicID(id), Partitions: int32(n), ReplicationFactor: 1}
		}
	}
	return out
}

func (c fakeController) DeleteTopics(_ context.Context, ids []base.UUID) []error {
	out := make([]error, len(ids))
	for _, id := range ids {
		c.b.drop(c.b.image.TopicByID(id).Name)
	}
	return out
}

func (c fakeController) CreatePartitions(_ context.Context, topics []NewPartitions, _ bool) []error {
	out := make([]error, len(topics))
	for i, t := range topics {
		if int(t.Total) <= len(c.b.image.Topic(t.Topic).Partitions) {
			out[i] = withMessage(kerr.InvalidPartitions, "not an increase")
		}
	}
	return out
}

func (c fakeController) AlterConfigs(_ context.Context, changes []ConfigChange, _ bool) []error {
	c.b.altered = append(c.b.altered, changes...)
	return make([]error, len(changes))
}

func (c fakeController) AllocateProducerIDs(_ context.Context, n int) (int64, error) {
	if c.b.createErr != nil {
		return 0, c.b.createErr
	}
	c.b.nextID += int64(n)
	return c.b.nextID - int64(n), nil
}

type fakeQuorum struct{}

func (fakeQuorum) Status() quorum.Status {
	self := quorum.Voter{NodeID: 1, DirectoryID: topicID(50)}
	return quorum.Status{Self: self, Leader: 1, LeaderKnown: true, Term: 4, Commit: 20, Last: 21, Members: []quorum.MemberStatus{
		{Member: quorum.Member{Voter: self}}, {Member: quorum.Member{Voter: quorum.Voter{NodeID: 2}, Learner: true}, Match: 18},
	}}
}

// request encodes a request as a client of the given version would.
func (b *broker) request(version int16, req kmsg.Request) *Request {
	req.SetVersion(version)
	body := req.AppendTo(nil)
	return &Request{Key: req.Key(), Version: version, ClientID: "test", Conn: b.conn, Body: body, Size: len(body), ReceivedAt: b.api.cfg.Now()}
}

// reply handles a request and waits for its answer.
func (b *broker) reply(t testing.TB, version int16, req kmsg.Request) Reply {
	t.Helper()
	return settle(t, b.api.Handle(t.Context(), b.request(version, req)))
}

func settle(t testing.TB, r Reply) Reply {
	if r.Wait != nil {
		now := r.Wait(t.Context())
		return Reply{Now: now, Close: now == nil}
	}
	return r
}

// ask handles a request and decodes the answer.
func ask[T kmsg.Response](t testing.TB, b *broker, version int16, req kmsg.Request) T {
	t.Helper()
	r := b.reply(t, version, req)
	if r.Now == nil {
		t.Fatalf("%T v%d was not answered: %+v", req, version, r)
	}
	resp := req.ResponseKind()
	resp.SetVersion(version)
	if err := resp.ReadFrom(encoded(t, r.Now)); err != nil {
		t.Fatalf("answer to %T v%d: %v", req, version, err)
	}
	return resp.(T)
}

// encoded is an answer's body as it would go over the wire.
func encoded(t testing.TB, r Response) []byte {
	t.Helper()
	w := wire.NewBuffers()
	defer w.Release()
	w.Start(keyAPIVersions, 0, 0) // the shortest header: size and correlation id
	if err := r.Encode(w); err != nil {
		t.Fatal(err)
	}
	bufs, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	var frame []byte
	for _, p := range *bufs {
		frame = append(frame, p...)
	}
	return frame[8:]
}

// name is an error code in words.
func name(code int16) string {
	if code == 0 {
		return "ok"
	}
	return kerr.TypedErrorForCode(code).Message
}
