package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// resetOptions is a parsed reset-offsets command line. Exactly one of the
// targets is set.
type resetOptions struct {
	topics    []string
	allTopics bool
	execute   bool
	dryRun    bool

	toEarliest, toLatest, toCurrent bool
	toOffset, shiftBy               int64
	toDatetime, byDuration          string
}

const resetText = `Move the committed offsets of a group that has no active members.

Nothing is changed unless --execute is given: the plan is printed. Offsets that
would lie outside a partition are moved to its nearest end.`

func (a *app) groupReset() *cobra.Command {
	var o resetOptions
	cmd := &cobra.Command{
		Use: "reset-offsets GROUP", Short: "Move the committed offsets of a group", Long: resetText, Args: cobra.ExactArgs(1),
		Example: "  milena group reset-offsets billing --all-topics --to-earliest\n" +
			"  milena group reset-offsets billing --topic orders:0,1 --to-datetime 2026-01-31T08:00:00Z --execute",
		ValidArgsFunction: a.completeGroups,
		PreRunE:           func(cmd *cobra.Command, _ []string) error { return checkResetFlags(cmd) },
		RunE: func(cmd *cobra.Command, args []string) error {
			scope, err := o.scope()
			if err != nil {
				return err
			}
			target, err := o.target(cmd, time.Now())
			if err != nil {
				return err
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client, _ *kgo.Client) error {
				plan, err := planReset(ctx, adm, args[0], scope, target)
				if err != nil {
					return err
				}
				if o.execute {
					if err := commitPlan(ctx, adm, args[0], plan); err != nil {
						return err
					}
				}
				return a.printPlan(args[0], plan, o.execute)
			})
		},
	}
	o.addFlags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("topic", a.completeTopics)
	return cmd
}

func (o *resetOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.topics, "topic", nil, "topic, or topic:0,1 for some partitions, may be repeated")
	f.BoolVar(&o.allTopics, "all-topics", false, "every topic the group has committed")
	f.BoolVar(&o.execute, "execute", false, "carry the plan out")
	f.BoolVar(&o.dryRun, "dry-run", false, "only print the plan (the default)")
	f.BoolVar(&o.toEarliest, "to-earliest", false, "to the first record")
	f.BoolVar(&o.toLatest, "to-latest", false, "to the end")
	f.BoolVar(&o.toCurrent, "to-current", false, "to where the group is, or the end where it is nowhere")
	f.Int64Var(&o.toOffset, "to-offset", 0, "to this offset")
	f.Int64Var(&o.shiftBy, "shift-by", 0, "by this many records, backwards when negative")
	f.StringVar(&o.toDatetime, "to-datetime", "", "to the first record at or after this time")
	f.StringVar(&o.byDuration, "by-duration", "", "to the first record of this long ago: 90m, or PT1H30M")
	// Completion offers flags by these groups. checkResetFlags comes first with
	// errors in our words.
	for _, group := range [][]string{resetScopes, resetTargets} {
		cmd.MarkFlagsMutuallyExclusive(group...)
		cmd.MarkFlagsOneRequired(group...)
	}
	cmd.MarkFlagsMutuallyExclusive(resetModes...)
}

var (
	resetScopes  = []string{"topic", "all-topics"}
	resetTargets = []string{"to-earliest", "to-latest", "to-current", "to-offset", "shift-by", "to-datetime", "by-duration"}
	resetModes   = []string{"execute", "dry-run"}
)

func checkResetFlags(cmd *cobra.Command) error {
	for _, group := range []struct {
		names    []string
		required string // what the group is for, if one must be given
	}{{resetScopes, "which offsets to move"}, {resetTargets, "where to move them"}, {resetModes, ""}} {
		var given, all []string
		for _, name := range group.names {
			all = append(all, "--"+name)
			if cmd.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		switch {
		case len(given) > 1:
			return usagef("%s cannot be combined", strings.Join(given, " and "))
		case len(given) == 0 && group.required != "":
			return usagef("say %s: %s", group.required, strings.Join(all, ", "))
		}
	}
	return nil
}

// scope is what --topic names: topics with all (nil) or some partitions.
func (o *resetOptions) scope() (map[string][]int32, error) {
	if o.allTopics {
		return nil, nil
	}
	scope := map[string][]int32{}
	for _, word := range o.topics {
		topic, list, some := strings.Cut(word, ":")
		scope[topic] = nil
		if !some {
			continue
		}
		for _, s := range strings.Split(list, ",") {
			p, err := strconv.ParseInt(s, 10, 32)
			if err != nil || p < 0 {
				return nil, usagef("--topic %q must have the form topic or topic:0,1", word)
			}
			scope[topic] = append(scope[topic], int32(p))
		}
	}
	return scope, nil
}

// resetTarget computes the new offset of one partition.
type resetTarget struct {
	// at lists the offsets of a time, when the target is one.
	at *time.Time
	// offset is given what is known of the partition.
	offset func(start, end, current, atTime int64) int64
}

func (o *resetOptions) target(cmd *cobra.Command, now time.Time) (resetTarget, error) {
	given := cmd.Flags().Changed
	switch {
	case given("to-earliest"):
		return resetTarget{offset: func(start, _, _, _ int64) int64 { return start }}, nil
	case given("to-latest"):
		return resetTarget{offset: func(_, end, _, _ int64) int64 { return end }}, nil
	case given("to-offset"):
		return resetTarget{offset: func(_, _, _, _ int64) int64 { return o.toOffset }}, nil
	case given("to-current"), given("shift-by"):
		return resetTarget{offset: func(_, end, current, _ int64) int64 {
			if current < 0 {
				return end
			}
			return current + o.shiftBy
		}}, nil
	}
	at, err := o.moment(now)
	return resetTarget{at: &at, offset: func(_, _, _, atTime int64) int64 { return atTime }}, err
}

func (o *resetOptions) moment(now time.Time) (time.Time, error) {
	if o.byDuration != "" {
		d, err := parseISODuration(o.byDuration)
		if err != nil {
			return now, usagef("--by-duration: %v", err)
		}
		return now.Add(-d), nil
	}
	at, err := parseMoment(o.toDatetime, now)
	if err != nil {
		return now, usagef("--to-datetime: %v", err)
	}
	return at, nil
}

// parseISODuration reads Go's durations and the ISO 8601 ones that Kafka's
// tools take, of days, hours, minutes and seconds. None may be negative.
func parseISODuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if rest, iso := strings.CutPrefix(strings.ToUpper(s), "P"); iso {
		d, err = isoDuration(rest)
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no duration: give 90m or PT1H30M", s)
	case d < 0:
		return 0, fmt.Errorf("%q is negative: give how long ago, such as 90m", s)
	}
	return d, nil
}

var errNoDuration = errors.New("no duration")

// isoDuration reads what follows the P. A sign is an error, and so is what
// time.Duration can't hold.
func isoDuration(rest string) (time.Duration, error) {
	const day = 24 * time.Hour
	if strings.ContainsAny(rest, "+-") {
		return 0, errNoDuration
	}
	days, clock, timed := strings.Cut(rest, "T")
	var total time.Duration
	if days != "" {
		n, err := strconv.ParseInt(strings.TrimSuffix(days, "D"), 10, 64)
		if err != nil || !strings.HasSuffix(days, "D") || n > int64(math.MaxInt64/day) {
			return 0, errNoDuration
		}
		total = time.Duration(n) * day
	}
	if timed || days == "" {
		d, err := time.ParseDuration(strings.ToLower(clock))
		if err != nil || d > math.MaxInt64-total {
			return 0, errNoDuration
		}
		total += d
	}
	return total, nil
}

// plannedOffset is one line of a plan.
type plannedOffset struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Current   *int64 `json:"current"`
	New       int64  `json:"new"`
	Remark    string `json:"remark,omitempty"`
}

// planReset checks that the group may be changed and computes the new offsets.
func planReset(ctx context.Context, adm *kadm.Client, group string, scope map[string][]int32, target resetTarget) ([]plannedOffset, error) {
	if err := checkInactive(ctx, adm, group); err != nil {
		return nil, err
	}
	committed, err := committedOffsets(ctx, adm, group)
	if err != nil {
		return nil, err
	}
	if scope == nil {
		scope = map[string][]int32{}
		committed.Each(func(o kadm.OffsetResponse) { scope[o.Topic] = append(scope[o.Topic], o.Partition) })
		if len(scope) == 0 {
			return nil, fmt.Errorf("group %s has committed nothing; name topics with --topic", group)
		}
	}
	var topics []string
	for t := range scope {
		topics = append(topics, t)
	}
	bounds, err := listBounds(ctx, adm, topics, target.at)
	if err != nil {
		return nil, err
	}
	plan := []plannedOffset{}
	for topic, partitions := range scope {
		lines, err := bounds.plan(topic, partitions, committed, target)
		if err != nil {
			return nil, err
		}
		plan = append(plan, lines...)
	}
	slices.SortFunc(plan, func(x, y plannedOffset) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	return plan, nil
}

// checkInactive refuses groups whose members would overwrite the new offsets.
// A group that does not exist yet may be given offsets.
func checkInactive(ctx context.Context, adm *kadm.Client, group string) error {
	g, err := groupState(ctx, adm, group)
	switch {
	case errors.Is(err, kerr.GroupIDNotFound):
		return nil
	case err != nil:
		return err
	case g.State != "Empty":
		return fmt.Errorf("group %s is in state %s; stop its members first", group, g.State)
	}
	return nil
}

// partitionBounds are the listed offsets of the topics of a plan.
type partitionBounds struct{ starts, ends, atTime kadm.ListedOffsets }

func listBounds(ctx context.Context, adm *kadm.Client, topics []string, at *time.Time) (b partitionBounds, err error) {
	if b.starts, err = adm.ListStartOffsets(ctx, topics...); err == nil {
		b.ends, err = adm.ListEndOffsets(ctx, topics...)
	}
	if err == nil && at != nil {
		b.atTime, err = adm.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topics...)
	}
	return b, explain(err, "", "offsets")
}

func (b partitionBounds) plan(topic string, partitions []int32, committed kadm.OffsetResponses, target resetTarget) ([]plannedOffset, error) {
	if partitions == nil {
		for p := range b.ends[topic] {
			partitions = append(partitions, p)
		}
	}
	var out []plannedOffset
	for _, p := range partitions {
		start, ok1 := b.starts.Lookup(topic, p)
		end, ok2 := b.ends.Lookup(topic, p)
		switch err := cmp.Or(start.Err, end.Err); {
		case !ok1 || !ok2, errors.Is(err, kerr.UnknownTopicOrPartition):
			return nil, explain(kerr.UnknownTopicOrPartition, "", fmt.Sprintf("partition %d of topic %s", p, topic))
		case err != nil:
			return nil, explain(err, "", fmt.Sprintf("partition %d of topic %s", p, topic))
		}
		line := plannedOffset{Topic: topic, Partition: p}
		current := int64(-1)
		if c, ok := committed.Lookup(topic, p); ok && c.At >= 0 {
			line.Current, current = &c.At, c.At
		}
		at, _ := b.atTime.Lookup(topic, p)
		line.New = target.offset(start.Offset, end.Offset, current, at.Offset)
		switch {
		case line.New < start.Offset:
			line.New, line.Remark = start.Offset, "moved up to the start"
		case line.New > end.Offset:
			line.New, line.Remark = end.Offset, "moved down to the end"
		}
		out = append(out, line)
	}
	return out, nil
}

func commitPlan(ctx context.Context, adm *kadm.Client, group string, plan []plannedOffset) error {
	offsets := kadm.Offsets{}
	for _, l := range plan {
		offsets.AddOffset(l.Topic, l.Partition, l.New, -1)
	}
	results, err := adm.CommitOffsets(ctx, group, offsets)
	if err != nil {
		return explain(err, "", "group "+group)
	}
	return explain(results.Error(), "", "group "+group)
}

func (a *app) printPlan(group string, plan []plannedOffset, executed bool) error {
	type document struct {
		Group    string          `json:"group"`
		Executed bool            `json:"executed"`
		Offsets  []plannedOffset `json:"offsets"`
	}
	err := a.print(document{group, executed, plan}, func(w io.Writer) {
		tab := newTable("TOPIC", "PARTITION", "CURRENT", "NEW", "REMARK")
		for _, l := range plan {
			tab.add(l.Topic, l.Partition, number(l.Current), l.New, l.Remark)
		}
		tab.print(w)
	})
	if !executed {
		fmt.Fprintln(a.err, "Nothing was changed. Add --execute to carry this out.")
	}
	return err
}
