package api

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// Metadata (key 3, v0–v13) tells where brokers and partitions are.
//
//   - Null topics (v0: an empty list) mean all topics the principal may
//     describe. v10+ answers with topic ids, v12+ can ask by id; an id in v10 or
//     v11, or a topic with neither name nor id, is INVALID_REQUEST.
//   - Missing topics are created if auto.create.topics.enable and the request's
//     allow_auto_topic_creation (v4+) agree, the name is good and not one of the
//     broker's own topics. The answer then already holds the new topic; Kafka
//     says UNKNOWN_TOPIC_OR_PARTITION once and lets the client ask again.
//   - Brokers are listed with the address of the listener that was asked.
//   - v8+ fills in authorized operations when asked.
func handleMetadata(a *API, ctx context.Context, r *Request, req *kmsg.MetadataRequest) kmsg.Response {
	resp := kmsg.NewPtrMetadataResponse()
	if bad := badMetadataTopics(r.Version, req); bad != nil {
		resp.Topics = bad
		return resp
	}
	m := &metadataRequest{api: a, conn: r.Conn, version: r.Version, operations: r.Version >= 8 && req.IncludeTopicAuthorizedOperations}
	if req.Topics == nil || r.Version == 0 && len(req.Topics) == 0 {
		m.all(resp)
	} else {
		if r.Version < 4 || req.AllowAutoTopicCreation {
			m.create(ctx, req)
		}
		m.each(resp, req)
	}
	a.describeBrokers(r.Conn, resp)
	if r.Version >= 8 && r.Version <= 10 && req.IncludeClusterAuthorizedOperations {
		resp.AuthorizedOperations = 0
		if a.clusterAllowed(r.Conn, mayDescribe) {
			resp.AuthorizedOperations = a.operations(r.Conn, onCluster, ClusterName)
		}
	}
	return resp
}

// each answers for the requested topics, once for each of them.
func (m *metadataRequest) each(resp *kmsg.MetadataResponse, req *kmsg.MetadataRequest) {
	type answer struct {
		id   base.UUID
		name string
	}
	// A topic has at most two names here, its own and its id: whatever is named
	// again is left out before it costs a description.
	named, seen := make(map[answer]bool, len(req.Topics)), make(map[answer]bool, len(req.Topics))
	for i := range req.Topics {
		ref := answer{id: req.Topics[i].TopicID}
		if ref.id.IsZero() {
			ref.name = *req.Topics[i].Topic
		}
		if named[ref] {
			continue
		}
		named[ref] = true
		t := m.one(&req.Topics[i])
		key := answer{id: t.TopicID}
		if t.Topic != nil {
			key.name = *t.Topic
		}
		if !seen[key] {
			seen[key] = true
			resp.Topics = append(resp.Topics, t)
		}
	}
}

// badMetadataTopics answers a request that names topics in a way its version
// can't: every topic is INVALID_REQUEST.
func badMetadataTopics(version int16, req *kmsg.MetadataRequest) []kmsg.MetadataResponseTopic {
	bad := false
	for _, t := range req.Topics {
		hasID := base.UUID(t.TopicID) != base.ZeroUUID
		bad = bad || version < 12 && (hasID || t.Topic == nil) || !hasID && t.Topic == nil
	}
	if !bad {
		return nil
	}
	var out []kmsg.MetadataResponseTopic
	for _, t := range req.Topics {
		res := kmsg.NewMetadataResponseTopic()
		res.ErrorCode, res.TopicID, res.Topic = kerr.InvalidRequest.Code, t.TopicID, t.Topic
		if res.Topic == nil {
			res.Topic = new(string)
		}
		out = append(out, res)
	}
	return out
}

func (a *API) describeBrokers(c *Conn, resp *kmsg.MetadataResponse) {
	resp.ControllerID = -1
	for _, n := range a.nodes(c, false) {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = int32(n.id), n.host, n.port, optional(n.rack)
		resp.Brokers = append(resp.Brokers, b)
		if resp.ControllerID < 0 || n.id == a.cfg.NodeID {
			resp.ControllerID = int32(n.id) // any broker takes administrative requests
		}
	}
	clusterID := a.image().ClusterID()
	resp.ClusterID = &clusterID
}

type metadataRequest struct {
	api        *API
	conn       *Conn
	version    int16
	operations bool
	failed     map[string]*kerr.Error // why a topic could not be created
}

func (m *metadataRequest) all(resp *kmsg.MetadataResponse) {
	for t := range m.api.image().Topics() {
		if m.api.allowed(m.conn, mayDescribe, onTopic, t.Name) {
			resp.Topics = append(resp.Topics, m.describe(t))
		}
	}
}

// autoCreateTimeout bounds how long a metadata request waits for new topics.
const autoCreateTimeout = 15 * time.Second

// create makes the missing topics that may be made.
func (m *metadataRequest) create(ctx context.Context, req *kmsg.MetadataRequest) {
	if !m.api.cfg.Broker().Bool("auto.create.topics.enable") {
		return
	}
	var missing []NewTopic
	seen := make(map[string]bool)
	for _, t := range req.Topics {
		if t.Topic == nil || seen[*t.Topic] || !m.creatable(*t.Topic) {
			continue
		}
		seen[*t.Topic] = true
		missing = append(missing, NewTopic{Name: *t.Topic, Partitions: -1, ReplicationFactor: -1})
	}
	if len(missing) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, autoCreateTimeout)
	defer cancel()
	m.failed = make(map[string]*kerr.Error)
	for i, res := range m.api.cfg.Controller.CreateTopics(ctx, missing, false) {
		if res.Err != nil && !errors.Is(res.Err, kerr.TopicAlreadyExists) {
			m.failed[missing[i].Name] = m.api.code(res.Err)
		}
	}
}

func (m *metadataRequest) creatable(name string) bool {
	a := m.api
	return a.image().Topic(name) == nil && base.ValidateTopicName(name) == nil && !base.IsInternalTopic(name) &&
		a.allowed(m.conn, mayDescribe, onTopic, name) &&
		(a.clusterAllowed(m.conn, mayCreate) || a.allowed(m.conn, mayCreate, onTopic, name))
}

// one answers for one requested topic.
func (m *metadataRequest) one(t *kmsg.MetadataRequestTopic) kmsg.MetadataResponseTopic {
	id := base.UUID(t.TopicID)
	var topic *metadata.Topic
	var name string
	if id.IsZero() {
		name = *t.Topic
		topic = m.api.image().Topic(name)
	} else if topic = m.api.image().TopicByID(id); topic != nil {
		name = topic.Name
	}
	res := kmsg.NewMetadataResponseTopic()
	res.Topic, res.TopicID = t.Topic, t.TopicID
	switch {
	case !id.IsZero() && topic == nil:
		res.ErrorCode, res.Topic = kerr.UnknownTopicID.Code, nil // the id alone was looked at
		return res
	case !m.api.allowed(m.conn, mayDescribe, onTopic, name):
		res.ErrorCode = kerr.TopicAuthorizationFailed.Code
		return res
	case topic != nil:
		return m.describe(topic)
	}
	res.ErrorCode = errorCode(m.whyMissing(name))
	res.IsInternal = base.IsInternalTopic(name)
	res.AuthorizedOperations = m.topicOperations(name)
	return res
}

func (m *metadataRequest) whyMissing(name string) *kerr.Error {
	if base.ValidateTopicName(name) != nil {
		return kerr.InvalidTopicException
	}
	if err := m.failed[name]; err != nil && err != kerr.RequestTimedOut {
		return err
	}
	return kerr.UnknownTopicOrPartition
}

func (m *metadataRequest) topicOperations(name string) int32 {
	if !m.operations {
		return noOperations
	}
	return m.api.operations(m.conn, onTopic, name)
}

func (m *metadataRequest) describe(t *metadata.Topic) kmsg.MetadataResponseTopic {
	res := kmsg.NewMetadataResponseTopic()
	res.Topic, res.TopicID, res.IsInternal = &t.Name, t.ID, base.IsInternalTopic(t.Name)
	res.AuthorizedOperations = m.topicOperations(t.Name)
	res.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	for i := range t.Partitions {
		p := &t.Partitions[i]
		out := &res.Partitions[i]
		out.Default()
		leader, err := m.api.usableLeader(m.conn, p.Leader, m.version >= 6)
		out.ErrorCode = errorCode(err)
		out.Partition, out.Leader, out.LeaderEpoch = p.Index, int32(leader), p.LeaderEpoch
		out.Replicas, out.ISR = int32s(p.Replicas), int32s(p.ISR)
		out.OfflineReplicas = m.api.offline(p.Replicas)
	}
	return res
}

// usableLeader is the leader if it is alive and can be reached on the
// connection's listener.
func (a *API) usableLeader(c *Conn, leader base.NodeID, tellListener bool) (base.NodeID, *kerr.Error) {
	b := a.image().Broker(leader)
	if leader < 0 || b == nil || b.Fenced {
		return metadata.NoLeader, kerr.LeaderNotAvailable
	}
	if _, ok := onListener(b, c.Listener); ok {
		return leader, nil
	}
	if tellListener {
		return metadata.NoLeader, kerr.ListenerNotFound
	}
	return metadata.NoLeader, kerr.LeaderNotAvailable
}

// offline are the replicas whose broker is gone or fenced.
func (a *API) offline(replicas []base.NodeID) []int32 {
	var out []int32
	for _, id := range replicas {
		if b := a.image().Broker(id); b == nil || b.Fenced {
			out = append(out, int32(id))
		}
	}
	return out
}

func int32s(ids []base.NodeID) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}
