package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/base"
)

func (a *app) topicCreate() *cobra.Command {
	var partitions int32
	var replicas int16
	var configs []string
	var ifNotExists, dryRun bool
	cmd := &cobra.Command{
		Use: "create TOPIC...", Short: "Create topics", Args: cobra.MinimumNArgs(1),
		Example: "  milena topic create orders --partitions 3 --config retention.ms=3600000",
		RunE: func(cmd *cobra.Command, topics []string) error {
			settings, err := parsePairs("--config", configs)
			if err != nil {
				return err
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				create := adm.CreateTopics
				if dryRun {
					create = adm.ValidateCreateTopics
				}
				results, err := create(ctx, partitions, replicas, settings, topics...)
				if err != nil {
					return explain(err, "", "topics")
				}
				return a.reportCreated(topics, results, ifNotExists, dryRun)
			})
		},
	}
	f := cmd.Flags()
	f.Int32VarP(&partitions, "partitions", "p", -1, "number of partitions, -1 for the broker's default")
	f.Int16VarP(&replicas, "replication-factor", "r", -1, "number of replicas, -1 for the broker's default")
	f.StringArrayVarP(&configs, "config", "c", nil, "topic setting key=value, may be repeated")
	f.BoolVar(&ifNotExists, "if-not-exists", false, "succeed when a topic exists already")
	f.BoolVar(&dryRun, "dry-run", false, "only check whether the topics could be created")
	_ = cmd.RegisterFlagCompletionFunc("config", completeTopicKeys)
	return cmd
}

func (a *app) reportCreated(topics []string, results kadm.CreateTopicResponses, ifNotExists, dryRun bool) error {
	var out []outcome
	for _, r := range results {
		out = append(out, created(r, ifNotExists, dryRun))
	}
	return a.report(outcomesInOrder(topics, out), func(o outcome) string {
		switch {
		case o.Reason == reasonExists:
			return fmt.Sprintf("Topic %s exists already.", o.Name)
		case dryRun:
			return fmt.Sprintf("Topic %s could be created.", o.Name)
		}
		return fmt.Sprintf("Created topic %s with %s.", o.Name, count(o.Partitions, "partition"))
	})
}

func (a *app) topicDelete() *cobra.Command {
	var ifExists, yes bool
	cmd := &cobra.Command{
		Use: "delete TOPIC...", Aliases: []string{"rm"}, Short: "Delete topics with all their records", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeTopics,
		RunE: func(cmd *cobra.Command, topics []string) error {
			if !yes && !a.confirm(fmt.Sprintf("Delete %s with all records?", strings.Join(topics, ", "))) {
				return errors.New("nothing was deleted")
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				results, err := adm.DeleteTopics(ctx, topics...)
				if err != nil {
					return explain(err, "", "topics")
				}
				var out []outcome
				for _, r := range results {
					o := outcome{Name: r.Topic, Done: r.Err == nil}
					if ifExists && errors.Is(r.Err, kerr.UnknownTopicOrPartition) {
						o.Reason = "does not exist"
					} else {
						o.err = explain(r.Err, r.ErrMessage, "topic "+r.Topic)
					}
					out = append(out, o)
				}
				return a.report(outcomesInOrder(topics, out), func(o outcome) string {
					if !o.Done {
						return fmt.Sprintf("Topic %s does not exist.", o.Name)
					}
					return fmt.Sprintf("Deleted topic %s.", o.Name)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&ifExists, "if-exists", false, "succeed when a topic does not exist")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask; nothing is asked when standard input is not a terminal")
	return cmd
}

// confirm asks a person, if there is one.
func (a *app) confirm(question string) bool {
	if !isTerminal(a.in) {
		return true
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.in).ReadString('\n')
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}

func (a *app) topicAddPartitions() *cobra.Command {
	var add, total int
	cmd := &cobra.Command{
		Use: "add-partitions TOPIC...", Short: "Give topics more partitions", Args: cobra.MinimumNArgs(1),
		Long:              "Give topics more partitions. Keys may be stored in another partition from then on:\nrecords of one key written before and after are not ordered with each other.",
		ValidArgsFunction: a.completeTopics,
		RunE: func(cmd *cobra.Command, topics []string) error {
			if (add > 0) == (total > 0) {
				return usagef("give either --num, the partitions to add, or --total, the partitions to have")
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				change, n := adm.CreatePartitions, add
				if total > 0 {
					change, n = adm.UpdatePartitions, total
				}
				results, err := change(ctx, n, topics...)
				if err != nil {
					return explain(err, "", "topics")
				}
				var out []outcome
				for _, r := range results {
					out = append(out, outcome{Name: r.Topic, Done: r.Err == nil, err: explain(r.Err, r.ErrMessage, "topic "+r.Topic)})
				}
				return a.report(outcomesInOrder(topics, out), func(o outcome) string {
					if total > 0 {
						return fmt.Sprintf("Topic %s has %s.", o.Name, count(total, "partition"))
					}
					return fmt.Sprintf("Added %s to topic %s.", count(add, "partition"), o.Name)
				})
			})
		},
	}
	cmd.Flags().IntVarP(&add, "num", "n", 0, "partitions to add")
	cmd.Flags().IntVar(&total, "total", 0, "partitions to have")
	return cmd
}

func (a *app) topicAlter() *cobra.Command {
	var ch configChange
	cmd := &cobra.Command{
		Use: "alter TOPIC...", Short: "Change settings of topics", Args: cobra.MinimumNArgs(1),
		Example:           "  milena topic alter orders --set retention.ms=3600000 --delete segment.bytes",
		ValidArgsFunction: a.completeTopics,
		RunE: func(cmd *cobra.Command, topics []string) error {
			return a.alterConfigs(cmd.Context(), configTopic, topics, ch)
		},
	}
	ch.addFlags(cmd, completeTopicKeys)
	return cmd
}

// reasonExists is why a topic was not created with --if-not-exists.
const reasonExists = "exists already"

func created(r kadm.CreateTopicResponse, ifNotExists, dryRun bool) outcome {
	o := outcome{Name: r.Topic}
	switch {
	case r.Err == nil:
		o.Partitions, o.Replicas = r.NumPartitions, r.ReplicationFactor
		o.Done, o.Reason = !dryRun, dryRunReason(dryRun, nil)
	case ifNotExists && errors.Is(r.Err, kerr.TopicAlreadyExists):
		o.Reason = reasonExists
	default:
		o.err = explain(r.Err, r.ErrMessage, "topic "+r.Topic)
	}
	if r.ID != (kadm.TopicID{}) {
		o.ID = base.UUID(r.ID).String()
	}
	return o
}
