package cli

import (
	"context"
	"io"
	"maps"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/base"
)

func (a *app) topicCommand() *cobra.Command {
	return parent("topic", "Create, list, describe, change and delete topics",
		a.topicCreate(), a.topicList(), a.topicDescribe(), a.topicAlter(), a.topicDelete(), a.topicAddPartitions())
}

func (a *app) topicList() *cobra.Command {
	var internal bool
	var match string
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List topics", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pattern, err := regexp.Compile(match)
			if err != nil {
				return usagef("--match: %v", err)
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				found, err := adm.ListTopicsWithInternal(ctx)
				if err != nil {
					return explain(err, "", "topics")
				}
				maps.DeleteFunc(found, func(name string, t kadm.TopicDetail) bool {
					return !pattern.MatchString(name) || isInternal(t) && !internal
				})
				return a.printTopics(found)
			})
		},
	}
	cmd.Flags().BoolVar(&internal, "internal", false, "also list the topics that brokers own")
	cmd.Flags().StringVar(&match, "match", "", "only topics whose name matches this regular expression")
	return cmd
}

func isInternal(t kadm.TopicDetail) bool { return t.IsInternal || strings.HasPrefix(t.Topic, "__") }

func (a *app) printTopics(found kadm.TopicDetails) error {
	type row struct {
		Topic      string `json:"topic"`
		ID         string `json:"id"`
		Partitions int    `json:"partitions"`
		Replicas   int    `json:"replicationFactor"`
		Internal   bool   `json:"internal"`
	}
	rows := []row{}
	for _, t := range found.Sorted() {
		rows = append(rows, row{t.Topic, base.UUID(t.ID).String(), len(t.Partitions), t.Partitions.NumReplicas(), isInternal(t)})
	}
	return a.print(rows, func(w io.Writer) {
		tab := newTable("TOPIC", "PARTITIONS", "REPLICAS")
		for _, r := range rows {
			tab.add(r.Topic, r.Partitions, r.Replicas)
		}
		tab.print(w)
	})
}

// parsePairs splits the values of a repeated key=value flag.
func parsePairs(flag string, pairs []string) (map[string]*string, error) {
	out := map[string]*string{}
	for _, p := range pairs {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" {
			return nil, usagef("%s %q must have the form key=value", flag, p)
		}
		out[key] = &value
	}
	return out, nil
}
