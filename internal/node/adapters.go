package node

import (
	"context"

	"github.com/milena-io/milena/internal/api"
	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/controller"
	"github.com/milena-io/milena/internal/coordinator"
)

// apiController lets the request handlers use the controller: the two are on
// one layer and know nothing of each other, so each has its own request types.
type apiController struct{ *controller.Controller }

func (c apiController) CreateTopics(ctx context.Context, topics []api.NewTopic, validateOnly bool) []api.TopicResult {
	in := make([]controller.NewTopic, len(topics))
	for i, t := range topics {
		in[i] = controller.NewTopic(t)
	}
	results := c.Controller.CreateTopics(ctx, in, validateOnly)
	out := make([]api.TopicResult, len(results))
	for i, r := range results {
		out[i] = api.TopicResult(r)
	}
	return out
}

func (c apiController) DeleteTopics(ctx context.Context, ids []base.UUID) []error {
	refs := make([]controller.TopicRef, len(ids))
	for i, id := range ids {
		refs[i] = controller.TopicRef{ID: id}
	}
	return c.Controller.DeleteTopics(ctx, refs)
}

func (c apiController) CreatePartitions(ctx context.Context, topics []api.NewPartitions, validateOnly bool) []error {
	in := make([]controller.NewPartitions, len(topics))
	for i, t := range topics {
		in[i] = controller.NewPartitions(t)
	}
	return c.Controller.CreatePartitions(ctx, in, validateOnly)
}

func (c apiController) AlterConfigs(ctx context.Context, changes []api.ConfigChange, validateOnly bool) []error {
	in := make([]controller.ConfigChange, len(changes))
	for i, ch := range changes {
		in[i] = controller.ConfigChange{Type: ch.Type, Name: ch.Name, Replace: ch.Replace}
		for _, op := range ch.Ops {
			in[i].Ops = append(in[i].Ops, controller.ConfigOp(op))
		}
	}
	return c.Controller.AlterConfigs(ctx, in, validateOnly)
}

// createInternal makes a coordinator's topic.
func (n *Node) createInternal(ctx context.Context, t coordinator.NewTopic) error {
	return n.ctl.CreateTopics(ctx, []controller.NewTopic{{
		Name: t.Name, Partitions: t.Partitions, ReplicationFactor: t.ReplicationFactor, Configs: t.Configs,
	}}, false)[0].Err
}
