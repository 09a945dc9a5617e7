package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/confkey"
)

// completionTimeout keeps a shell responsive when no server answers.
const completionTimeout = 2 * time.Second

// complete asks the cluster for names; no answer completes nothing.
func (a *app) complete(cmd *cobra.Command, names func(ctx context.Context, adm *kadm.Client) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	a.timeout = completionTimeout
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	var out []string
	_ = a.admin(ctx, func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) (err error) {
		out, err = names(ctx, adm)
		return err
	})
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeTopics(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.complete(cmd, func(ctx context.Context, adm *kadm.Client) ([]string, error) {
		topics, err := adm.ListTopics(ctx)
		return topics.Names(), err
	})
}

// completeOneTopic completes the single topic of commands that take just one.
func (a *app) completeOneTopic(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeTopics(cmd, args, word)
}

func (a *app) completeGroups(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.complete(cmd, func(ctx context.Context, adm *kadm.Client) ([]string, error) {
		groups, err := adm.ListGroups(ctx)
		return groups.Groups(), err
	})
}

// completeConfigTarget completes the kind first and then names of that kind.
func (a *app) completeConfigTarget(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []string{configTopic.name, configBroker.name, configGroup.name}, cobra.ShellCompDirectiveNoFileComp
	}
	switch e, _ := parseEntity(args[0]); e {
	case configTopic:
		return a.completeTopics(cmd, args, word)
	case configGroup:
		return a.completeGroups(cmd, args, word)
	case configBroker:
		return a.complete(cmd, func(ctx context.Context, adm *kadm.Client) ([]string, error) {
			brokers, err := adm.ListBrokers(ctx)
			names := []string{clusterDefault}
			for _, id := range brokers.NodeIDs() {
				names = append(names, joinIDs([]int32{id}))
			}
			return names, err
		})
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func completeTopicKeys(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return keyNames(confkey.ScopeTopic)
}

// completeAnyKey completes the keys of the kind that is already typed.
func completeAnyKey(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		switch e, _ := parseEntity(args[0]); e {
		case configBroker:
			return keyNames(confkey.ScopeBroker)
		case configGroup:
			return keyNames(confkey.ScopeGroup)
		}
	}
	return keyNames(confkey.ScopeTopic)
}

func completeBrokerKeys(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return keyNames(confkey.ScopeBroker)
}

func keyNames(scope confkey.Scope) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, k := range confkey.All(scope) {
		if !k.Internal {
			out = append(out, k.Name+"\t"+k.Doc)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
