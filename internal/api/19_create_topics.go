package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// CreateTopics (key 19, v2–v7) creates topics, or only checks with
// validate_only.
//
//   - Partitions and replication factor may be -1 for the broker's default; with
//     a manual assignment both must be.
//   - Errors are per topic; a name that is in the request twice is
//     INVALID_REQUEST.
//   - v5+ answers with the new topic's settings if the principal may describe
//     them (else TOPIC_AUTHORIZATION_FAILED in topic_config_error_code), v7+
//     with its id.
//   - Needs Create on the cluster or on the topic.
func handleCreateTopics(a *API, ctx context.Context, r *Request, req *kmsg.CreateTopicsRequest) kmsg.Response {
	resp := kmsg.NewPtrCreateTopicsResponse()
	names := countNames(len(req.Topics), func(i int) string { return req.Topics[i].Topic })
	anyTopic := a.clusterAllowed(r.Conn, mayCreate)
	var ask []NewTopic
	for i := range req.Topics {
		t := &req.Topics[i]
		topic, err := newTopic(t)
		switch {
		case names[t.Topic] == 0:
			continue // the first mention answered for all
		case names[t.Topic] > 1:
			names[t.Topic] = 0
			err = withMessage(kerr.InvalidRequest, "Duplicate topic name.")
		case !anyTopic && !a.allowed(r.Conn, mayCreate, onTopic, t.Topic):
			err = kerr.TopicAuthorizationFailed
		}
		if err != nil {
			resp.Topics = append(resp.Topics, createdTopic(t.Topic, TopicResult{Err: err}, a))
			continue
		}
		ask = append(ask, topic)
	}
	if len(ask) == 0 {
		return resp
	}
	ctx, cancel := withTimeout(ctx, req.TimeoutMillis)
	defer cancel()
	for i, res := range a.cfg.Controller.CreateTopics(ctx, ask, req.ValidateOnly) {
		out := createdTopic(ask[i].Name, res, a)
		if res.Err == nil && r.Version >= 5 {
			a.showCreated(r.Conn, &out, ask[i], req.ValidateOnly)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

// minTimeout keeps a client's time-out of 0 from failing what takes no time.
const minTimeout = time.Second

// withTimeout bounds an administrative request as its client asked.
func withTimeout(ctx context.Context, ms int32) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, max(minTimeout, time.Duration(ms)*time.Millisecond))
}

// countNames counts how often each of n names occurs.
func countNames(n int, name func(int) string) map[string]int {
	count := make(map[string]int, n)
	for i := range n {
		count[name(i)]++
	}
	return count
}

// newTopic checks what only the request can tell, such as contradictory sizes.
func newTopic(t *kmsg.CreateTopicsRequestTopic) (NewTopic, error) {
	topic := NewTopic{Name: t.Topic, Partitions: t.NumPartitions, ReplicationFactor: t.ReplicationFactor}
	if t.Topic == metadataTopicName {
		return topic, withMessage(kerr.InvalidRequest, "Creation of internal topic %s is prohibited.", t.Topic)
	}
	if len(t.Configs) > 0 {
		topic.Configs = make(map[string]string, len(t.Configs))
	}
	for _, c := range t.Configs {
		if c.Value == nil {
			return topic, withMessage(kerr.InvalidConfig, "Null value not supported for topic configs: %s", c.Name)
		}
		topic.Configs[c.Name] = *c.Value
	}
	if len(t.ReplicaAssignment) == 0 {
		return topic, nil
	}
	switch {
	case t.ReplicationFactor != -1:
		return topic, withMessage(kerr.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	case t.NumPartitions != -1:
		return topic, withMessage(kerr.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	topic.Assignment = make([][]base.NodeID, len(t.ReplicaAssignment))
	for _, p := range t.ReplicaAssignment {
		if p.Partition < 0 || int(p.Partition) >= len(topic.Assignment) || topic.Assignment[p.Partition] != nil {
			return topic, withMessage(kerr.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
		}
		topic.Assignment[p.Partition] = nodeIDs(p.Replicas)
	}
	return topic, nil
}

// metadataTopicName is the name under which clients know the metadata quorum.
const metadataTopicName = "__cluster_metadata"

// nodeIDs never returns nil, so that nil can mean "not named".
func nodeIDs(ids []int32) []base.NodeID {
	out := make([]base.NodeID, len(ids))
	for i, id := range ids {
		out[i] = base.NodeID(id)
	}
	return out
}

func createdTopic(name string, res TopicResult, a *API) kmsg.CreateTopicsResponseTopic {
	out := kmsg.NewCreateTopicsResponseTopic()
	out.Topic, out.TopicID = name, res.ID
	out.ErrorCode, out.ErrorMessage = a.wireCode(res.Err), explain(res.Err)
	out.NumPartitions, out.ReplicationFactor = -1, -1
	out.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
	return out
}

// showCreated adds size and settings of a topic that was, or could be, created.
func (a *API) showCreated(c *Conn, out *kmsg.CreateTopicsResponseTopic, asked NewTopic, validateOnly bool) {
	if !a.allowed(c, mayDescribeConfigs, onTopic, asked.Name) {
		out.ConfigErrorCode = kerr.TopicAuthorizationFailed.Code
		out.Configs = nil
		return
	}
	overrides := asked.Configs
	out.NumPartitions, out.ReplicationFactor = a.sizesOf(asked)
	if t := a.image().TopicByID(out.TopicID); t != nil && !validateOnly {
		overrides = a.image().TopicOverrides(t.Name)
		out.NumPartitions, out.ReplicationFactor = int32(len(t.Partitions)), int16(len(t.Partitions[0].Replicas))
	}
	view := a.describer(metadata.Resource{Type: metadata.ResourceTopic, Name: asked.Name})
	view.dynamic = overrides
	for _, e := range view.all() {
		cfg := kmsg.NewCreateTopicsResponseTopicConfig()
		cfg.Name, cfg.Value, cfg.ReadOnly = e.key.Name, e.value, e.readOnly()
		cfg.Source, cfg.IsSensitive = int8(e.ruling), e.key.Sensitive
		out.Configs = append(out.Configs, cfg)
	}
}

// sizesOf is how large a topic would become.
func (a *API) sizesOf(t NewTopic) (partitions int32, replicas int16) {
	if len(t.Assignment) > 0 {
		return int32(len(t.Assignment)), int16(len(t.Assignment[0]))
	}
	partitions, replicas = t.Partitions, t.ReplicationFactor
	if partitions < 0 {
		partitions = int32(a.cfg.Broker().Int("num.partitions"))
	}
	if replicas < 0 {
		replicas = int16(a.cfg.Broker().Int("default.replication.factor"))
	}
	return partitions, replicas
}
