package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (a *app) groupCommand() *cobra.Command {
	return parent("group", "List, describe, reset and delete consumer groups",
		a.groupList(), a.groupDescribe(), a.groupReset(), a.groupDelete())
}

type listedGroup struct {
	Group        string `json:"group"`
	State        string `json:"state"`
	Type         string `json:"type"`
	ProtocolType string `json:"protocolType"`
	Coordinator  int32  `json:"coordinator"`
}

func (a *app) groupList() *cobra.Command {
	var words []string
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List groups", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states, err := parseStates(words)
			if err != nil {
				return err
			}
			return a.admin(cmd.Context(), func(ctx context.Context, _ *kadm.Client, cl *kgo.Client) error {
				groups, err := listGroups(ctx, cl, states)
				if err != nil {
					return err
				}
				return a.print(groups, func(w io.Writer) {
					tab := newTable("GROUP", "STATE", "TYPE", "PROTOCOL TYPE", "COORDINATOR")
					for _, g := range groups {
						tab.add(g.Group, g.State, g.Type, g.ProtocolType, g.Coordinator)
					}
					tab.print(w)
				})
			})
		},
	}
	cmd.Flags().StringSliceVar(&words, "state", nil, "only groups in these states: "+strings.Join(groupStates, ", "))
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(groupStates, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// groupStates are those of Kafka's groups of all types.
var groupStates = []string{"Empty", "Stable", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling", "NotReady", "Dead"}

// parseStates checks the names of states: a broker takes any, and finds no
// group in a state that does not exist. Case does not count, as with Kafka.
func parseStates(words []string) ([]string, error) {
	var out []string
	for _, word := range words {
		i := slices.IndexFunc(groupStates, func(state string) bool { return strings.EqualFold(state, strings.TrimSpace(word)) })
		if i < 0 {
			return nil, usagef("--state %q is no state of groups; these are: %s", word, strings.Join(groupStates, ", "))
		}
		out = append(out, groupStates[i])
	}
	return out, nil
}

// listGroups asks every broker, because each knows the groups it coordinates.
func listGroups(ctx context.Context, cl *kgo.Client, states []string) ([]listedGroup, error) {
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter = states
	out := []listedGroup{}
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, explain(shard.Err, "", fmt.Sprintf("broker %d", shard.Meta.NodeID))
		}
		resp := shard.Resp.(*kmsg.ListGroupsResponse)
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return nil, explain(err, "", fmt.Sprintf("broker %d", shard.Meta.NodeID))
		}
		for _, g := range resp.Groups {
			out = append(out, listedGroup{g.Group, g.GroupState, strings.ToLower(g.GroupType), g.ProtocolType, shard.Meta.NodeID})
		}
	}
	slices.SortFunc(out, func(x, y listedGroup) int { return cmp.Compare(x.Group, y.Group) })
	return out, nil
}

func (a *app) groupDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete GROUP...", Aliases: []string{"rm"}, Short: "Delete groups with their committed offsets", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeGroups,
		RunE: func(cmd *cobra.Command, groups []string) error {
			if !yes && !a.confirm(fmt.Sprintf("Delete %s with all committed offsets?", strings.Join(groups, ", "))) {
				return errors.New("nothing was deleted")
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				results, err := adm.DeleteGroups(ctx, groups...)
				if err != nil {
					return explain(err, "", "groups")
				}
				var out []outcome
				for _, r := range results {
					out = append(out, outcome{Name: r.Group, Done: r.Err == nil, err: explain(r.Err, r.ErrMessage, "group "+r.Group)})
				}
				return a.report(outcomesInOrder(groups, out), func(o outcome) string { return fmt.Sprintf("Deleted group %s.", o.Name) })
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask; nothing is asked when standard input is not a terminal")
	return cmd
}

// committedOffsets are a group's offsets. A group that does not exist has none:
// some coordinators answer so, others with an error.
func committedOffsets(ctx context.Context, adm *kadm.Client, group string) (kadm.OffsetResponses, error) {
	committed, err := adm.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, explain(err, "", "group "+group)
	}
	return committed, nil
}
