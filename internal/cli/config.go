package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/confkey"
)

func (a *app) configCommand() *cobra.Command {
	return parent("config", "Show and change settings of topics, brokers and groups, and document them",
		a.configDescribe(), a.configAlter(), a.configDocs())
}

// configEntity is a kind of thing that has settings.
type configEntity struct {
	name string
	kind kmsg.ConfigResourceType
}

var (
	configTopic    = configEntity{"topic", kmsg.ConfigResourceTypeTopic}
	configBroker   = configEntity{"broker", kmsg.ConfigResourceTypeBroker}
	configGroup    = configEntity{"group", kmsg.ConfigResourceTypeGroupConfig}
	configEntities = []configEntity{configTopic, configBroker, configGroup}
)

// clusterDefault stands for the settings that all brokers share.
const clusterDefault = "default"

func parseEntity(word string) (configEntity, error) {
	for _, e := range configEntities {
		if strings.TrimSuffix(word, "s") == e.name {
			return e, nil
		}
	}
	return configEntity{}, usagef("settings belong to a topic, a broker or a group, not to a %q", word)
}

// scope is where the entity's keys are in the table.
func (e configEntity) scope() confkey.Scope {
	switch e {
	case configBroker:
		return confkey.ScopeBroker
	case configGroup:
		return confkey.ScopeGroup
	}
	return confkey.ScopeTopic
}

// resource is the protocol's name of the entity called name.
func (e configEntity) resource(name string) string {
	if e == configBroker && name == clusterDefault {
		return ""
	}
	return name
}

// named is the entity, or the entities, of the protocol's names in words.
func (e configEntity) named(resources []string) string {
	names := make([]string, len(resources))
	for i, name := range resources {
		names[i] = cmp.Or(name, clusterDefault)
	}
	return e.name + " " + strings.Join(names, ", ")
}

// resourceNames lists what a request, or the part of one that went to one
// broker, is about.
func resourceNames(req kmsg.Request) []string {
	var out []string
	switch req := req.(type) {
	case *kmsg.DescribeConfigsRequest:
		for _, r := range req.Resources {
			out = append(out, r.ResourceName)
		}
	case *kmsg.IncrementalAlterConfigsRequest:
		for _, r := range req.Resources {
			out = append(out, r.ResourceName)
		}
	}
	return out
}

func describeConfigs(ctx context.Context, cl *kgo.Client, e configEntity, names []string) ([]kmsg.DescribeConfigsResponseResource, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	for _, name := range names {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = e.kind, e.resource(name)
		req.Resources = append(req.Resources, r)
	}
	var out []kmsg.DescribeConfigsResponseResource
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, explain(shard.Err, "", e.named(resourceNames(shard.Req)))
		}
		out = append(out, shard.Resp.(*kmsg.DescribeConfigsResponse).Resources...)
	}
	for _, r := range out {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return nil, explain(err, deref(r.ErrorMessage), e.named([]string{r.ResourceName}))
		}
	}
	// Each broker answers for itself, in no order.
	return inOrder(req.Resources, out, func(r kmsg.DescribeConfigsRequestResource) string { return r.ResourceName },
		func(r kmsg.DescribeConfigsResponseResource) string { return r.ResourceName }), nil
}

func (a *app) configDescribe() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "describe topic|broker|group NAME...", Short: "Show settings that are not defaults, or all of them", Args: cobra.MinimumNArgs(2),
		Long: "Show settings that are not defaults. With --all, show every setting, where it comes from, and the\n" +
			"settings it would fall back to. The broker called " + clusterDefault + " holds what all brokers share.",
		Example:           "  milena config describe topic orders\n  milena config describe broker 1 --all",
		ValidArgsFunction: a.completeConfigTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := parseEntity(args[0])
			if err != nil {
				return err
			}
			return a.admin(cmd.Context(), func(ctx context.Context, _ *kadm.Client, cl *kgo.Client) error {
				resources, err := describeConfigs(ctx, cl, e, args[1:])
				if err != nil {
					return err
				}
				return a.printConfigs(e, resources, all)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also show defaults, with sources and fallbacks")
	return cmd
}

type configRow struct {
	Name      string          `json:"name"`
	Value     *string         `json:"value"`
	Source    string          `json:"source"`
	ReadOnly  bool            `json:"readOnly"`
	Sensitive bool            `json:"sensitive"`
	Synonyms  []configSynonym `json:"synonyms,omitempty"`
	Type      string          `json:"type,omitempty"`
}

type configSynonym struct {
	Name   string  `json:"name"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

type configResource struct {
	Kind    string      `json:"kind"`
	Name    string      `json:"name"`
	Configs []configRow `json:"configs"`
}

func (a *app) printConfigs(e configEntity, resources []kmsg.DescribeConfigsResponseResource, all bool) error {
	out := []configResource{}
	for _, r := range resources {
		cr := configResource{Kind: e.name, Name: cmp.Or(r.ResourceName, clusterDefault), Configs: []configRow{}}
		for _, c := range r.Configs {
			if !all && (c.Source == kmsg.ConfigSourceDefaultConfig || c.Source == 0 && c.IsDefault) {
				continue
			}
			cr.Configs = append(cr.Configs, rowOf(c))
		}
		slices.SortFunc(cr.Configs, func(x, y configRow) int { return strings.Compare(x.Name, y.Name) })
		out = append(out, cr)
	}
	return a.print(out, func(w io.Writer) {
		for i, r := range out {
			if len(out) > 1 {
				fmt.Fprintf(w, "%s%s %s\n", strings.Repeat("\n", min(i, 1)), r.Kind, r.Name)
			}
			r.print(w, all)
		}
	})
}

func rowOf(c kmsg.DescribeConfigsResponseResourceConfig) configRow {
	row := configRow{Name: c.Name, Value: c.Value, Source: c.Source.String(), ReadOnly: c.ReadOnly, Sensitive: c.IsSensitive}
	if c.ConfigType != 0 {
		row.Type = strings.ToLower(c.ConfigType.String())
	}
	for _, s := range c.ConfigSynonyms {
		row.Synonyms = append(row.Synonyms, configSynonym{s.Name, s.Value, s.Source.String()})
	}
	return row
}

func (r configResource) print(w io.Writer, all bool) {
	if len(r.Configs) == 0 {
		fmt.Fprintf(w, "Every setting of %s %s is a default; see them with --all.\n", r.Kind, r.Name)
		return
	}
	tab := newTable("KEY", "VALUE", "SOURCE")
	if all {
		tab = newTable("KEY", "VALUE", "SOURCE", "FALLBACKS")
	}
	for _, c := range r.Configs {
		cells := []any{c.Name, valueText(c.Value, c.Sensitive), c.Source}
		if all {
			var syn []string
			for _, s := range c.Synonyms {
				if s.Source != c.Source || s.Name != c.Name {
					syn = append(syn, fmt.Sprintf("%s:%s=%s", s.Source, s.Name, valueText(s.Value, c.Sensitive)))
				}
			}
			cells = append(cells, strings.Join(syn, " "))
		}
		tab.add(cells...)
	}
	tab.print(w)
}

func valueText(v *string, sensitive bool) string {
	switch {
	case sensitive:
		return "(hidden)"
	case v == nil:
		return "(null)"
	}
	return *v
}

func (a *app) configAlter() *cobra.Command {
	var ch configChange
	cmd := &cobra.Command{
		Use: "alter topic|broker|group NAME...", Short: "Change settings", Args: cobra.MinimumNArgs(2),
		Long:              "Change settings. The broker called " + clusterDefault + " holds what all brokers share.",
		Example:           "  milena config alter topic orders --set retention.ms=3600000\n  milena config alter broker default --set log.retention.ms=86400000",
		ValidArgsFunction: a.completeConfigTarget,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := parseEntity(args[0])
			if err != nil {
				return err
			}
			return a.alterConfigs(cmd.Context(), e, args[1:], ch)
		},
	}
	ch.addFlags(cmd, completeAnyKey)
	return cmd
}

// configChange is what to do to the settings of one or more entities.
type configChange struct {
	set, remove, add, subtract []string
	dryRun                     bool
}

func (ch *configChange) addFlags(cmd *cobra.Command, complete cobra.CompletionFunc) {
	f := cmd.Flags()
	f.StringArrayVarP(&ch.set, "set", "s", nil, "key=value to set, may be repeated")
	f.StringArrayVarP(&ch.remove, "delete", "d", nil, "key to return to its default, may be repeated")
	f.StringArrayVar(&ch.add, "append", nil, "key=value to add to a list, may be repeated")
	f.StringArrayVar(&ch.subtract, "subtract", nil, "key=value to take from a list, may be repeated")
	f.BoolVar(&ch.dryRun, "dry-run", false, "only check whether the change would be accepted")
	for _, name := range []string{"set", "delete", "append", "subtract"} {
		_ = cmd.RegisterFlagCompletionFunc(name, complete)
	}
}

func (ch *configChange) operations() ([]kmsg.IncrementalAlterConfigsRequestResourceConfig, error) {
	var ops []kmsg.IncrementalAlterConfigsRequestResourceConfig
	op := func(kind kmsg.IncrementalAlterConfigOp, key string, value *string) {
		o := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		o.Op, o.Name, o.Value = kind, key, value
		ops = append(ops, o)
	}
	for _, g := range []struct {
		flag  string
		pairs []string
		kind  kmsg.IncrementalAlterConfigOp
	}{
		{"--set", ch.set, kmsg.IncrementalAlterConfigOpSet},
		{"--append", ch.add, kmsg.IncrementalAlterConfigOpAppend},
		{"--subtract", ch.subtract, kmsg.IncrementalAlterConfigOpSubtract},
	} {
		pairs, err := parsePairs(g.flag, g.pairs)
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(pairs)) {
			op(g.kind, key, pairs[key])
		}
	}
	for _, key := range ch.remove {
		op(kmsg.IncrementalAlterConfigOpDelete, key, nil)
	}
	if len(ops) == 0 {
		return nil, usagef("nothing to change: give --set, --delete, --append or --subtract")
	}
	return ops, nil
}
