package coordinator

import (
	"context"
	"iter"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/group"
)

// OffsetCommit stores offsets; the answer means that they are committed. Topics
// are named; an id, if there is one, is stored with the offset.
func (c *Coordinator) OffsetCommit(ctx context.Context, req *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse {
	r, code := askSoon[*kmsg.OffsetCommitResponse](ctx, c, c.Partition(req.Group), group.Commit{OffsetCommitRequest: req})
	if code != nil {
		return group.CommitError(req, code)
	}
	return r
}

// OffsetFetch reads offsets. The request has the form of version 8 and later, a
// list of groups, whatever its version; topics are named, and an offset that
// was committed for another topic id than the one given does not count.
func (c *Coordinator) OffsetFetch(ctx context.Context, req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Groups = make([]kmsg.OffsetFetchResponseGroup, len(req.Groups))
	each(len(req.Groups), func(i int) {
		resp.Groups[i] = c.fetchGroup(ctx, req.Groups[i], req.RequireStable)
	})
	return resp
}

func (c *Coordinator) fetchGroup(ctx context.Context, g kmsg.OffsetFetchRequestGroup, stable bool) kmsg.OffsetFetchResponseGroup {
	op := group.Fetch{OffsetFetchRequestGroup: g, RequireStable: stable}
	r, code := askSoon[kmsg.OffsetFetchResponseGroup](ctx, c, c.Partition(g.Group), op)
	if code == nil {
		return r
	}
	if code == kerr.CoordinatorNotAvailable {
		code = kerr.NotCoordinator // clients before 3.9 do not retry the other one
	}
	r = kmsg.NewOffsetFetchResponseGroup()
	r.Group, r.ErrorCode = g.Group, code.Code
	return r
}

// OffsetDelete forgets offsets of topics that no member consumes.
func (c *Coordinator) OffsetDelete(ctx context.Context, req *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse {
	code := kerr.InvalidGroupID
	if req.Group != "" {
		var r *kmsg.OffsetDeleteResponse
		if r, code = askSoon[*kmsg.OffsetDeleteResponse](ctx, c, c.Partition(req.Group), group.DeleteOffsets{OffsetDeleteRequest: req}); code == nil {
			return r
		}
	}
	r := kmsg.NewPtrOffsetDeleteResponse()
	r.ErrorCode = code.Code
	return r
}

// GroupOffsets yields every committed offset of the groups coordinated here, as
// far as they are loaded. It is for metrics: it does not wait for commits that
// are on their way.
func (c *Coordinator) GroupOffsets(ctx context.Context) iter.Seq[group.CommittedOffset] {
	return func(yield func(group.CommittedOffset) bool) {
		for _, s := range c.all() {
			v, err := s.Submit(ctx, group.Offsets{})
			if err != nil {
				continue
			}
			for _, o := range v.([]group.CommittedOffset) {
				if !yield(o) {
					return
				}
			}
		}
	}
}
