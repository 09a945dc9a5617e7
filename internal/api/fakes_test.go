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
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/group"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/quorum"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/wire"
)

// fakePartition keeps batches in memory. Unless hold is set, what is appended
// is committed at once.
type fakePartition struct {
	id base.UUID

	mu       sync.Mutex
	batches  []record.Batch
	end, hw  int64
	lso      int64 // -1: the high watermark
	start    int64
	hold     bool
	err      error // of every call
	aborted  []commitlog.AbortedTxn
	diverge  *partition.EpochEnd
	watchers map[*base.Notifier]int64
	awaiting map[*partition.Commits]int64
	watched  chan struct{} // receives when somebody begins to watch, if not nil
	appends  []partition.AppendRequest
	reads    []partition.ReadRequest

	delivered int // bytes
}

func newFakePartition(id base.UUID) *fakePartition {
	return &fakePartition{id: id, lso: -1, watchers: map[*base.Notifier]int64{}, awaiting: map[*partition.Commits]int64{}}
}

func (p *fakePartition) TopicID() base.UUID { return p.id }

func (p *fakePartition) Append(data []byte, req partition.AppendRequest) (partition.Appended, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.appends = append(p.appends, req)
	if p.err != nil {
		return partition.Appended{}, p.err
	}
	b, _, err := record.Split(data)
	if err != nil {
		return partition.Appended{}, err
	}
	if err := b.CheckCRC(); err != nil {
		return partition.Appended{}, err
	}
	first := p.end
	b.SetBaseOffset(first)
	p.batches = append(p.batches, append(record.Batch(nil), b...))
	p.end = b.NextOffset()
	if !p.hold {
		p.commitLocked()
	}
	return partition.Appended{BaseOffset: first, LogAppendTime: -1, LogStart: p.start, End: p.end}, nil
}

// commit moves the high watermark to the end.
func (p *fakePartition) commit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commitLocked()
}

func (p *fakePartition) commitLocked() {
	p.hw = p.end
	for n, until := range p.watchers {
		if p.hw >= until {
			n.Notify()
		}
	}
	for c, end := range p.awaiting {
		if p.hw >= end {
			delete(p.awaiting, c)
			c.Reached()
		}
	}
}

// fail makes every call fail and wakes all waiters.
func (p *fakePartition) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	for n := range p.watchers {
		n.Notify()
	}
	for c := range p.awaiting {
		c.Disturb()
	}
}

func (p *fakePartition) Committed(end int64) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hw >= end, p.err
}

func (p *fakePartition) Read(req partition.ReadRequest) (partition.ReadResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads = append(p.reads, req)
	if p.err != nil {
		return partition.ReadResult{HighWatermark: -1, LastStable: -1, LogStart: -1}, p.err
	}
	res := partition.ReadResult{HighWatermark: p.hw, LastStable: p.hw, LogStart: p.start}
	if p.lso >= 0 {
		res.LastStable = p.lso
	}
	if p.diverge != nil && req.LastFetchedEpoch >= 0 {
		res.Diverging = p.diverge
		return res, nil
	}
	if req.Offset < p.start || req.Offset > p.end {
		return res, kerr.OffsetOutOfRange
	}
	upTo := res.HighWatermark
	if req.ReadCommitted {
		upTo = res.LastStable
		res.Aborted = p.aborted
	}
	for _, b := range p.batches {
		if b.NextOffset() <= req.Offset || b.NextOffset() > upTo {
			continue
		}
		if res.Bytes+len(b) > req.MaxBytes && (res.Bytes > 0 || !req.MinOne) {
			break
		}
		res.Data = append(res.Data, b)
		res.Bytes += len(b)
	}
	return res, nil
}

func (p *fakePartition) Watch(n *base.Notifier, until int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[n] = until
	if p.watched != nil {
		p.watched <- struct{}{}
	}
}

func (p *fakePartition) Unwatch(n *base.Notifier) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watchers, n)
}

func (p *fakePartition) Await(c *partition.Commits, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hw < end {
		c.Expect()
		p.awaiting[c] = end
	}
}

func (p *fakePartition) Unawait(c *partition.Commits, _ int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.awaiting[c]; there {
		delete(p.awaiting, c)
		c.Reached()
	}
}

func (p *fakePartition) Delivered(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivered += bytes
}

func (p *fakePartition) watching() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.watchers) + len(p.awaiting)
}

func (p *fakePartition) ListOffset(ts int64, committed bool, epoch int32) (commitlog.TimestampOffset, error) {
	switch {
	case p.err != nil:
		return commitlog.TimestampOffset{}, p.err
	case ts == partition.TimestampLatest && committed && p.lso >= 0:
		return commitlog.TimestampOffset{Timestamp: -1, Offset: p.lso, LeaderEpoch: 3}, nil
	case ts == partition.TimestampLatest:
		return commitlog.TimestampOffset{Timestamp: -1, Offset: p.hw, LeaderEpoch: 3}, nil
	case ts < partition.TimestampEarliestPendingUpload:
		return commitlog.TimestampOffset{}, kerr.UnsupportedVersion
	case epoch > 3:
		return commitlog.TimestampOffset{}, kerr.UnknownLeaderEpoch
	}
	return commitlog.TimestampOffset{Timestamp: ts, Offset: p.start, LeaderEpoch: 3}, nil
}

func (p *fakePartition) DeleteRecords(offset int64) (int64, error) {
	if p.err != nil || offset > p.hw {
		return -1, kerr.OffsetOutOfRange
	}
	if offset == -1 {
		offset = p.hw
	}
	p.start = offset
	return p.start, nil
}

func (p *fakePartition) EndOffsetForEpoch(current, epoch int32) (partition.EpochEnd, error) {
	if current > 3 {
		return partition.EpochEnd{}, kerr.UnknownLeaderEpoch
	}
	return partition.EpochEnd{Epoch: epoch, End: p.end}, nil
}

func (p *fakePartition) LogStart() int64 { return p.start }

func (p *fakePartition) Producers() []producer.Info {
	return []producer.Info{{ProducerID: 7, Epoch: 1, LastSequence: 4, LastTimestamp: 99, CoordinatorEpoch: -1, TxnStart: -1}}
}

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

// fakeGroups answers every group request with a recognisable success.
type fakeGroups struct {
	b      *broker
	client group.Client
	last   kmsg.Request
	// committed is what a fetch of everything finds, if not nil.
	committed []kmsg.OffsetFetchRequestGroupTopic
}

func (g *fakeGroups) JoinGroup(_ context.Context, req *kmsg.JoinGroupRequest, from group.Client) *kmsg.JoinGroupResponse {
	g.last, g.client = req, from
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Generation, resp.MemberID, resp.LeaderID = 5, "m", "m"
	return resp
}

func (g *fakeGroups) SyncGroup(_ context.Context, req *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	g.last = req
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.MemberAssignment = []byte("share")
	return resp
}

func (g *fakeGroups) Heartbeat(_ context.Context, req *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	g.last = req
	return kmsg.NewPtrHeartbeatResponse()
}

func (g *fakeGroups) LeaveGroup(_ context.Context, req *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	g.last = req
	return kmsg.NewPtrLeaveGroupResponse()
}

func (g *fakeGroups) OffsetCommit(_ context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	g.last = req
	resp := kmsg.NewPtrOffsetCommitResponse()
	for _, t := range req.Topics {
		out := kmsg.NewOffsetCommitResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			out.Partitions = append(out.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition})
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (g *fakeGroups) OffsetFetch(_ context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	g.last = req
	resp := kmsg.NewPtrOffsetFetchResponse()
	for _, in := range req.Groups {
		out := kmsg.NewOffsetFetchResponseGroup()
		out.Group = in.Group
		if in.Group == "loading" {
			out.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		}
		topics := in.Topics
		if topics == nil && g.committed != nil {
			topics = g.committed
		} else if topics == nil {
			topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0}}, {Topic: "secret", Partitions: []int32{0}}}
		}
		for _, t := range topics {
			ot := kmsg.NewOffsetFetchResponseGroupTopic()
			ot.Topic, ot.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				op := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				op.Partition, op.Offset, op.Metadata = p, 42, new(string)
				ot.Partitions = append(ot.Partitions, op)
			}
			out.Topics = append(out.Topics, ot)
		}
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) OffsetDelete(_ context.Context, req *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	g.last = req
	resp := kmsg.NewPtrOffsetDeleteResponse()
	if req.Group == "none" {
		resp.ErrorCode = kerr.GroupIDNotFound.Code
	}
	return resp
}

func (g *fakeGroups) DescribeGroups(_ context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	g.last = req
	resp := kmsg.NewPtrDescribeGroupsResponse()
	for _, id := range req.Groups {
		out := kmsg.NewDescribeGroupsResponseGroup()
		out.Group, out.State = id, "Stable"
		if id == "none" {
			out.State = "Dead"
		}
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) ListGroups(_ context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	g.last = req
	resp := kmsg.NewPtrListGroupsResponse()
	for _, id := range []string{"g", "secret"} {
		out := kmsg.NewListGroupsResponseGroup()
		out.Group = id
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) DeleteGroups(_ context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	g.last = req
	resp := kmsg.NewPtrDeleteGroupsResponse()
	for _, id := range req.Groups {
		out := kmsg.NewDeleteGroupsResponseGroup()
		out.Group = id
		resp.Groups = append(resp.Groups, out)
	}
	return resp
}

func (g *fakeGroups) FindCoordinator(_ context.Context, id string) (base.NodeID, error) {
	switch id {
	case "elsewhere":
		return 2, nil // not registered
	case "loading":
		return -1, kerr.CoordinatorLoadInProgress
	}
	return 1, nil
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
