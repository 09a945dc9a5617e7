package coordinator

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/group"
)

// DescribeGroups shows state and members of groups.
func (c *Coordinator) DescribeGroups(ctx context.Context, req *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Groups = perPartition(c, req.Groups, func(index int32, ids []string) []kmsg.DescribeGroupsResponseGroup {
		rs, code := askSoon[[]kmsg.DescribeGroupsResponseGroup](ctx, c, index, group.Describe{Groups: ids, Version: req.Version})
		if code == nil {
			return rs
		}
		for _, id := range ids {
			r := kmsg.NewDescribeGroupsResponseGroup()
			r.Group, r.ErrorCode = id, code.Code
			rs = append(rs, r)
		}
		return rs
	})
	return resp
}

// DeleteGroups removes groups without members, and their offsets.
func (c *Coordinator) DeleteGroups(ctx context.Context, req *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	resp.Groups = perPartition(c, req.Groups, func(index int32, ids []string) []kmsg.DeleteGroupsResponseGroup {
		rs, code := askSoon[[]kmsg.DeleteGroupsResponseGroup](ctx, c, index, group.Delete{Groups: ids})
		if code == nil {
			return rs
		}
		for _, id := range ids {
			rs = append(rs, kmsg.DeleteGroupsResponseGroup{Group: id, ErrorCode: code.Code})
		}
		return rs
	})
	return resp
}

// ListGroups lists the groups coordinated here. It fails as a whole while one
// partition is loading: a list with holes would look like deleted groups.
func (c *Coordinator) ListGroups(ctx context.Context, req *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Config.CommitTimeout)
	defer cancel()
	resp := kmsg.NewPtrListGroupsResponse()
	shards := c.all()
	lists := make([][]kmsg.ListGroupsResponseGroup, len(shards))
	codes := make([]*kerr.Error, len(shards))
	each(len(shards), func(i int) {
		v, err := shards[i].Submit(ctx, group.List{States: req.StatesFilter, Types: req.TypesFilter})
		if codes[i] = codeOf(err); err == nil {
			lists[i] = v.([]kmsg.ListGroupsResponseGroup)
		}
	})
	for _, code := range codes {
		if code != nil && code != kerr.NotCoordinator {
			resp.ErrorCode = code.Code
			return resp
		}
	}
	resp.Groups = slices.Concat(lists...)
	slices.SortFunc(resp.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return cmp.Compare(a.Group, b.Group) })
	return resp
}

// perPartition asks the shards of some groups, all at once, and gathers the
// answers in the order of the partitions.
func perPartition[T any](c *Coordinator, ids []string, ask func(index int32, ids []string) []T) []T {
	byIndex := map[int32][]string{}
	var order []int32
	for _, id := range ids {
		index := c.Partition(id)
		if byIndex[index] == nil {
			order = append(order, index)
		}
		byIndex[index] = append(byIndex[index], id)
	}
	answers := make([][]T, len(order))
	each(len(order), func(i int) { answers[i] = ask(order[i], byIndex[order[i]]) })
	return slices.Concat(answers...)
}

// each calls f for 0 to n-1 at once, and waits. At most some dozen calls run at
// a time: a request may name any number of groups.
func each(n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, 64)
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f(i)
		})
	}
	wg.Wait()
}
