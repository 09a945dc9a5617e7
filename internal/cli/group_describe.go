package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// groupDescription joins what the coordinator knows of a group with how far
// its partitions have grown.
type groupDescription struct {
	Group       string         `json:"group"`
	State       string         `json:"state"`
	Type        string         `json:"type"`
	Assignor    string         `json:"assignor"`
	Coordinator int32          `json:"coordinator"`
	TotalLag    int64          `json:"totalLag"`
	Partitions  []partitionLag `json:"partitions"`
	Members     []groupMember  `json:"members"`
}

type partitionLag struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed *int64 `json:"committed"` // null: nothing committed
	End       *int64 `json:"end"`       // null: the topic is gone
	Lag       *int64 `json:"lag"`       // null when either is
	Metadata  string `json:"metadata,omitempty"`
	Member    string `json:"member,omitempty"`
	Host      string `json:"host,omitempty"`
	Client    string `json:"client,omitempty"`
}

type groupMember struct {
	ID       string         `json:"id"`
	Instance string         `json:"instance,omitempty"`
	Client   string         `json:"client"`
	Host     string         `json:"host"`
	Assigned kadm.TopicsSet `json:"-"`
	Count    int            `json:"partitions"`
}

func (a *app) groupDescribe() *cobra.Command {
	var members bool
	cmd := &cobra.Command{
		Use: "describe GROUP...", Short: "Show state, members, and lag per partition and in total", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeGroups,
		RunE: func(cmd *cobra.Command, groups []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				var out []*groupDescription
				for _, name := range groups {
					g, err := describeGroup(ctx, adm, name)
					if err != nil {
						return err
					}
					out = append(out, g)
				}
				return a.print(out, func(w io.Writer) {
					for i, g := range out {
						fmt.Fprint(w, strings.Repeat("\n", min(i, 1)))
						g.print(w, members)
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&members, "members", false, "also list the members")
	return cmd
}

func describeGroup(ctx context.Context, adm *kadm.Client, name string) (*groupDescription, error) {
	g, err := groupState(ctx, adm, name)
	if err != nil {
		return nil, err
	}
	if g.Members == nil {
		g.Members = []groupMember{} // JSON tells none from unknown
	}
	g.Partitions = []partitionLag{}
	committed, err := committedOffsets(ctx, adm, name)
	if err != nil {
		return nil, err
	}
	wanted := kadm.TopicsSet{}
	for _, m := range g.Members {
		wanted.Merge(m.Assigned)
	}
	committed.Each(func(o kadm.OffsetResponse) { wanted.Add(o.Topic, o.Partition) })
	ends := kadm.ListedOffsets{}
	if len(wanted) > 0 {
		if ends, err = adm.ListEndOffsets(ctx, wanted.Topics()...); err != nil {
			return nil, explain(err, "", "offsets")
		}
	}
	for topic, partitions := range wanted {
		for p := range partitions {
			g.addLag(topic, p, committed, ends)
		}
	}
	slices.SortFunc(g.Partitions, func(x, y partitionLag) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	return g, nil
}

// groupState asks for a classic group, and for one of the newer protocol where
// the coordinator says that there is no classic group of this name.
func groupState(ctx context.Context, adm *kadm.Client, name string) (*groupDescription, error) {
	classic, err := adm.DescribeGroups(ctx, name)
	d := classic[name]
	if err == nil {
		err = d.Err
	}
	if err == nil && d.State != "Dead" {
		g := &groupDescription{Group: name, State: d.State, Type: "classic", Assignor: d.Protocol, Coordinator: d.Coordinator.NodeID}
		for _, m := range d.Members {
			gm := groupMember{ID: m.MemberID, Instance: deref(m.InstanceID), Client: m.ClientID, Host: m.ClientHost, Assigned: kadm.TopicsSet{}}
			if assigned, ok := m.Assigned.AsConsumer(); ok {
				for _, t := range assigned.Topics {
					gm.Assigned.Add(t.Topic, t.Partitions...)
				}
			}
			g.addMember(gm)
		}
		return g, nil
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, explain(err, d.ErrMessage, "group "+name)
	}
	return modernGroupState(ctx, adm, name)
}

func modernGroupState(ctx context.Context, adm *kadm.Client, name string) (*groupDescription, error) {
	found, err := adm.DescribeConsumerGroups(ctx, name)
	d, ok := found[name]
	if err != nil || !ok || d.Err != nil {
		// A coordinator that knows only classic groups has already answered.
		return nil, explain(kerr.GroupIDNotFound, "", "group "+name)
	}
	g := &groupDescription{Group: name, State: d.State, Type: "consumer", Assignor: d.AssignorName, Coordinator: d.Coordinator.NodeID}
	for _, m := range d.Members {
		g.addMember(groupMember{ID: m.MemberID, Instance: deref(m.InstanceID), Client: m.ClientID, Host: m.ClientHost, Assigned: m.Assignment})
	}
	return g, nil
}

func (g *groupDescription) addMember(m groupMember) {
	for _, partitions := range m.Assigned {
		m.Count += len(partitions)
	}
	g.Members = append(g.Members, m)
}

func (g *groupDescription) addLag(topic string, p int32, committed kadm.OffsetResponses, ends kadm.ListedOffsets) {
	l := partitionLag{Topic: topic, Partition: p}
	if c, ok := committed.Lookup(topic, p); ok && c.Err == nil && c.At >= 0 {
		l.Committed, l.Metadata = &c.At, c.Metadata
	}
	if e, ok := ends.Lookup(topic, p); ok && e.Err == nil {
		l.End = &e.Offset
	}
	if l.Committed != nil && l.End != nil {
		lag := max(0, *l.End-*l.Committed)
		l.Lag = &lag
		g.TotalLag += lag
	}
	for _, m := range g.Members {
		if _, mine := m.Assigned[topic][p]; mine {
			l.Member, l.Host, l.Client = m.ID, m.Host, m.Client
		}
	}
	g.Partitions = append(g.Partitions, l)
}

func (g *groupDescription) print(w io.Writer, members bool) {
	for _, line := range [][2]string{
		{"GROUP", g.Group},
		{"STATE", g.State},
		{"TYPE", g.Type},
		{"ASSIGNOR", dash(g.Assignor)},
		{"COORDINATOR", fmt.Sprint(g.Coordinator)},
		{"MEMBERS", fmt.Sprint(len(g.Members))},
		{"TOTAL LAG", fmt.Sprint(g.TotalLag)},
	} {
		fmt.Fprintf(w, "%-12s %s\n", line[0], line[1])
	}
	if len(g.Partitions) > 0 {
		fmt.Fprintln(w)
		tab := newTable("TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "CLIENT", "HOST")
		for _, p := range g.Partitions {
			tab.add(p.Topic, p.Partition, number(p.Committed), number(p.End), number(p.Lag), dash(p.Member), dash(p.Client), dash(p.Host))
		}
		tab.print(w)
	}
	if members && len(g.Members) > 0 {
		fmt.Fprintln(w)
		tab := newTable("MEMBER", "INSTANCE", "CLIENT", "HOST", "ASSIGNED")
		for _, m := range g.Members {
			tab.add(m.ID, dash(m.Instance), m.Client, m.Host, assignmentText(m.Assigned))
		}
		tab.print(w)
	}
}

// assignmentText is "orders[0,1] payments[2]".
func assignmentText(set kadm.TopicsSet) string {
	var words []string
	for _, topic := range slices.Sorted(maps.Keys(set)) {
		words = append(words, fmt.Sprintf("%s[%s]", topic, joinIDs(slices.Sorted(maps.Keys(set[topic])))))
	}
	return dash(strings.Join(words, " "))
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
