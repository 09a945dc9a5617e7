package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// OffsetFetch (key 9, v1–v10) reads a group's offsets.
//
//   - An unknown group, topic or partition is no error: the offset is -1.
//   - Null topics (v2+) mean everything committed, as far as the principal may
//     describe the topics. v8+ asks for several groups, v10+ by topic id
//     (UNKNOWN_TOPIC_ID per partition).
//   - v1 has no error field of its own: the error is repeated per partition.
//   - Whatever the version, the coordinator gets the form of v8 and v9: groups,
//     and topics by name, with the id they have now: what was committed for an
//     earlier topic of that name does not count.
func handleOffsetFetch(a *API, ctx context.Context, r *Request, req *kmsg.OffsetFetchRequest) kmsg.Response {
	groups := req.Groups
	if r.Version < 8 {
		groups = []kmsg.OffsetFetchRequestGroup{singleGroup(req)}
	}
	resp := kmsg.NewPtrOffsetFetchResponse()
	named := make(mentions[string])
	for i := range groups {
		if named.tooMany(groups[i].Group) {
			continue
		}
		resp.Groups = append(resp.Groups, a.fetchGroup(ctx, r, &groups[i], req.RequireStable))
	}
	if r.Version < 8 {
		intoSingleGroup(resp, req, r.Version)
	}
	return resp
}

func singleGroup(req *kmsg.OffsetFetchRequest) kmsg.OffsetFetchRequestGroup {
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = req.Group
	if req.Topics != nil {
		g.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	}
	for _, t := range req.Topics {
		gt := kmsg.NewOffsetFetchRequestGroupTopic()
		gt.Topic, gt.Partitions = t.Topic, t.Partitions
		g.Topics = append(g.Topics, gt)
	}
	return g
}

// fetchGroup answers for one group: what may not be seen or is unknown here,
// and the coordinator's word on the rest.
func (a *API) fetchGroup(ctx context.Context, r *Request, g *kmsg.OffsetFetchRequestGroup, stable bool) kmsg.OffsetFetchResponseGroup {
	out := kmsg.NewOffsetFetchResponseGroup()
	out.Group = g.Group
	if !a.allowed(r.Conn, mayDescribe, onGroup, g.Group) {
		out.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return out
	}
	ask := *g
	ids := make(map[string]base.UUID)
	if g.Topics != nil {
		ask.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	}
	for _, t := range g.Topics {
		if err := a.nameFetched(r, &t); err != nil {
			out.Topics = append(out.Topics, refusedOffsets(t, err))
			continue
		}
		ids[t.Topic] = t.TopicID
		ask.Topics = append(ask.Topics, t)
	}
	if g.Topics != nil && len(ask.Topics) == 0 {
		return out
	}
	got := a.askGroup(ctx, ask, stable)
	out.ErrorCode = got.ErrorCode
	for _, t := range got.Topics {
		if g.Topics != nil {
			t.TopicID = ids[t.Topic]
		} else if !a.showsFetched(r, &t) {
			continue
		}
		out.Topics = append(out.Topics, t)
	}
	return out
}

// showsFetched reports whether an answer about everything committed may show a
// topic's offsets, and fills in the topic's id. Those of a topic that was
// deleted do not count, even if there is a new one of that name.
func (a *API) showsFetched(r *Request, t *kmsg.OffsetFetchResponseGroupTopic) bool {
	if !a.allowed(r.Conn, mayDescribe, onTopic, t.Topic) {
		return false
	}
	known := a.image().Topic(t.Topic)
	if known == nil {
		return r.Version < 10 && t.TopicID == base.ZeroUUID // v10 can't name it any more
	}
	if t.TopicID != base.ZeroUUID && t.TopicID != known.ID {
		return false
	}
	t.TopicID = known.ID
	return true
}

// askGroup asks the coordinator about one group.
func (a *API) askGroup(ctx context.Context, g kmsg.OffsetFetchRequestGroup, stable bool) kmsg.OffsetFetchResponseGroup {
	ask := kmsg.NewPtrOffsetFetchRequest()
	ask.Version, ask.RequireStable, ask.Groups = 9, stable, []kmsg.OffsetFetchRequestGroup{g}
	resp := a.cfg.Groups.OffsetFetch(ctx, ask)
	if len(resp.Groups) != 1 {
		out := kmsg.NewOffsetFetchResponseGroup()
		out.ErrorCode = kerr.UnknownServerError.Code
		return out
	}
	return resp.Groups[0]
}

func (a *API) nameFetched(r *Request, t *kmsg.OffsetFetchRequestGroupTopic) *kerr.Error {
	if r.Version >= 10 {
		known := a.image().TopicByID(t.TopicID)
		if known == nil {
			return kerr.UnknownTopicID
		}
		t.Topic = known.Name
	}
	if !a.allowed(r.Conn, mayDescribe, onTopic, t.Topic) {
		return kerr.TopicAuthorizationFailed
	}
	if known := a.image().Topic(t.Topic); known != nil && r.Version < 10 {
		t.TopicID = known.ID // offsets of an earlier topic of that name do not count
	}
	return nil
}

func refusedOffsets(t kmsg.OffsetFetchRequestGroupTopic, err *kerr.Error) kmsg.OffsetFetchResponseGroupTopic {
	out := kmsg.NewOffsetFetchResponseGroupTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	for _, p := range t.Partitions {
		res := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		res.Partition, res.Offset, res.LeaderEpoch = p, -1, base.NoEpoch
		res.Metadata, res.ErrorCode = new(string), err.Code
		out.Partitions = append(out.Partitions, res)
	}
	return out
}

// intoSingleGroup turns the answer for the only group into the form of v1–v7.
func intoSingleGroup(resp *kmsg.OffsetFetchResponse, req *kmsg.OffsetFetchRequest, version int16) {
	g := resp.Groups[0]
	resp.Groups = nil
	resp.ErrorCode = g.ErrorCode
	if version < 2 && g.ErrorCode != 0 {
		err := kerr.TypedErrorForCode(g.ErrorCode)
		for _, t := range singleGroup(req).Topics {
			g.Topics = append(g.Topics, refusedOffsets(t, err))
		}
	}
	for _, t := range g.Topics {
		out := kmsg.NewOffsetFetchResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			res := kmsg.NewOffsetFetchResponseTopicPartition()
			res.Partition, res.Offset, res.LeaderEpoch = p.Partition, p.Offset, p.LeaderEpoch
			res.Metadata, res.ErrorCode = p.Metadata, p.ErrorCode
			out.Partitions = append(out.Partitions, res)
		}
		resp.Topics = append(resp.Topics, out)
	}
}
