package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
)

// topicDescription holds the facts that Kafka's own tool prints about a topic.
type topicDescription struct {
	Topic      string                 `json:"topic"`
	ID         string                 `json:"id"`
	Partitions []partitionDescription `json:"partitions"`
	Replicas   int                    `json:"replicationFactor"`
	Configs    map[string]string      `json:"configs"`

	configOrder []string
}

type partitionDescription struct {
	Partition    int32   `json:"partition"`
	Leader       int32   `json:"leader"`
	Replicas     []int32 `json:"replicas"`
	ISR          []int32 `json:"isr"`
	ELR          []int32 `json:"elr"`
	LastKnownELR []int32 `json:"lastKnownElr"`

	knowsELR bool
}

func (a *app) topicDescribe() *cobra.Command {
	return &cobra.Command{
		Use: "describe TOPIC...", Short: "Show partitions, replicas and settings of topics", Args: cobra.MinimumNArgs(1),
		Long:              "Show partitions, replicas and settings of topics, in the form of Kafka's kafka-topics tool.",
		ValidArgsFunction: a.completeTopics,
		RunE: func(cmd *cobra.Command, topics []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, cl *kgo.Client) error {
				found, err := describeTopics(ctx, adm, cl, topics)
				if err != nil {
					return err
				}
				if err := addConfigs(ctx, cl, found); err != nil {
					return err
				}
				return a.print(found, func(w io.Writer) {
					for _, t := range found {
						t.print(w)
					}
				})
			})
		},
	}
}

// describeTopics asks for everything including eligible leader replicas, or
// for plain metadata where the cluster is too old to know of them.
func describeTopics(ctx context.Context, adm *kadm.Client, cl *kgo.Client, topics []string) ([]*topicDescription, error) {
	versions, err := adm.ApiVersions(ctx)
	if err != nil {
		return nil, explain(err, "", "the cluster")
	}
	known := true
	for _, v := range versions {
		_, has := v.KeyMaxVersion(int16(kmsg.DescribeTopicPartitions))
		known = known && has
	}
	if known {
		return describeWithELR(ctx, cl, topics)
	}
	return describePlain(ctx, adm, topics)
}

func describeWithELR(ctx context.Context, cl *kgo.Client, topics []string) ([]*topicDescription, error) {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	for _, name := range slices.Sorted(slices.Values(topics)) {
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = name
		req.Topics = append(req.Topics, t)
	}
	byName := map[string]*topicDescription{}
	var out []*topicDescription
	for {
		resp, err := request[*kmsg.DescribeTopicPartitionsResponse](ctx, cl, req)
		if err != nil {
			return nil, explain(err, "", "topics")
		}
		for _, t := range resp.Topics {
			name := deref(t.Topic)
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
				return nil, explain(err, "", "topic "+name)
			}
			d := byName[name]
			if d == nil {
				d = &topicDescription{Topic: name, ID: base.UUID(t.TopicID).String()}
				byName[name], out = d, append(out, d)
			}
			for _, p := range t.Partitions {
				d.Partitions = append(d.Partitions, partitionDescription{
					p.Partition, p.LeaderID, p.Replicas, p.ISR,
					p.EligibleLeaderReplicas, p.LastKnownELR, true,
				})
			}
		}
		if resp.NextCursor == nil {
			return out, nil
		}
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.Topic, cursor.Partition = resp.NextCursor.Topic, resp.NextCursor.Partition
		req.Cursor = &cursor
	}
}

func describePlain(ctx context.Context, adm *kadm.Client, topics []string) ([]*topicDescription, error) {
	found, err := adm.ListTopicsWithInternal(ctx, topics...)
	if err != nil {
		return nil, explain(err, "", "topics")
	}
	var out []*topicDescription
	for _, t := range found.Sorted() {
		if t.Err != nil {
			return nil, explain(t.Err, "", "topic "+t.Topic)
		}
		d := &topicDescription{Topic: t.Topic, ID: base.UUID(t.ID).String()}
		for _, p := range t.Partitions.Sorted() {
			d.Partitions = append(d.Partitions, partitionDescription{Partition: p.Partition, Leader: p.Leader, Replicas: p.Replicas, ISR: p.ISR})
		}
		out = append(out, d)
	}
	return out, nil
}

// addConfigs fills in the settings that are not defaults, in the broker's order.
func addConfigs(ctx context.Context, cl *kgo.Client, found []*topicDescription) error {
	var names []string
	for _, t := range found {
		names = append(names, t.Topic)
	}
	resources, err := describeConfigs(ctx, cl, configTopic, names)
	if err != nil {
		return err
	}
	for _, t := range found {
		t.Configs = map[string]string{}
		slices.SortFunc(t.Partitions, func(x, y partitionDescription) int { return cmp.Compare(x.Partition, y.Partition) })
		if len(t.Partitions) > 0 {
			t.Replicas = len(t.Partitions[0].Replicas)
		}
		for _, r := range resources {
			if r.ResourceName != t.Topic {
				continue
			}
			for _, c := range r.Configs {
				if c.Source != kmsg.ConfigSourceDefaultConfig {
					t.Configs[c.Name] = deref(c.Value)
					t.configOrder = append(t.configOrder, c.Name)
				}
			}
		}
	}
	return nil
}

// print writes the lines of Kafka's tool, tabs included: scripts parse them.
func (t *topicDescription) print(w io.Writer) {
	var configs []string
	for _, key := range t.configOrder {
		configs = append(configs, key+"="+t.Configs[key])
	}
	fmt.Fprintf(w, "Topic: %s\tTopicId: %s\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: %s\n",
		t.Topic, t.ID, len(t.Partitions), t.Replicas, strings.Join(configs, ","))
	for _, p := range t.Partitions {
		leader, elr, last := "none", "N/A", "N/A"
		if p.Leader >= 0 {
			leader = strconv.Itoa(int(p.Leader))
		}
		if p.knowsELR {
			elr, last = joinIDs(p.ELR), joinIDs(p.LastKnownELR)
		}
		fmt.Fprintf(w, "\tTopic: %s\tPartition: %d\tLeader: %s\tReplicas: %s\tIsr: %s\tElr: %s\tLastKnownElr: %s\n",
			t.Topic, p.Partition, leader, joinIDs(p.Replicas), joinIDs(p.ISR), elr, last)
	}
}

func joinIDs(ids []int32) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(int(id))
	}
	return strings.Join(words, ",")
}
