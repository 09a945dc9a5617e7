package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/base"
)

type consumeOptions struct {
	topics        []string
	group         string
	offset        string
	fromBeginning bool
	partitions    []int32
	limit         int64
	format        string
	exitAtEnd     bool
	committed     bool
	regex         bool
}

func (a *app) consumeCommand() *cobra.Command {
	var o consumeOptions
	cmd := &cobra.Command{
		Use: "consume TOPIC...", Short: "Print records", Args: cobra.MinimumNArgs(1),
		Long: "Print records, from the start of the topics unless told otherwise, and go on with what is written later.\n\n" + formatHelp,
		Example: "  milena consume my_topic\n" +
			"  milena consume my_topic --offset end\n" +
			"  milena consume my_topic --offset -10 --exit-at-end --format '%p:%o %k=%v\\n'\n" +
			"  milena consume my_topic --offset @-1h --group audit -n 100",
		ValidArgsFunction: a.completeTopics,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.topics = args
			if err := o.check(cmd.Flags().Changed); err != nil {
				return err
			}
			write, err := a.recordWriter(o.format)
			if err != nil {
				return err
			}
			if o.fromBeginning {
				o.offset = "start"
			}
			start, err := parsePosition(o.offset, time.Now())
			if err != nil {
				return err
			}
			return a.consume(cmd.Context(), start, write, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.group, "group", "g", "", "consume as a member of this group and commit what was printed")
	f.StringVar(&o.offset, "offset", "start", "where to start: start, end, N, +N after the start, -N before the end, or @time\n(a group starts where it committed, if it did)")
	f.BoolVar(&o.fromBeginning, "from-beginning", false, "the same as --offset start")
	f.Int32SliceVarP(&o.partitions, "partition", "p", nil, "only these partitions")
	f.Int64VarP(&o.limit, "num", "n", 0, "stop after this many records")
	f.StringVarP(&o.format, "format", "f", `%v\n`, "how to print a record, see above")
	f.BoolVarP(&o.exitAtEnd, "exit-at-end", "e", false, "stop at the end that the partitions have now")
	f.BoolVar(&o.committed, "read-committed", false, "leave out records of open and aborted transactions")
	f.BoolVar(&o.regex, "regex", false, "topics are regular expressions")
	_ = cmd.RegisterFlagCompletionFunc("group", a.completeGroups)
	_ = cmd.RegisterFlagCompletionFunc("offset", cobra.FixedCompletions([]string{"start", "end"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check refuses what would be ignored, or could never be met.
func (o *consumeOptions) check(given func(flag string) bool) error {
	if o.fromBeginning && given("offset") {
		return usagef("--from-beginning and --offset cannot be combined: both say where to start")
	}
	if given("num") && o.limit < 1 {
		return usagef("--num must be at least 1, not %d; leave it out to print all records", o.limit)
	}
	for _, p := range o.partitions {
		if p < 0 {
			return usagef("--partition must be 0 or more, not %d", p)
		}
	}
	return nil
}

func (a *app) recordWriter(format string) (recordWriter, error) {
	if a.json() {
		return writeRecordJSON, nil
	}
	return parseFormat(format)
}

func (o *consumeOptions) clientOptions(start position) ([]kgo.Opt, error) {
	// The client would try again for ever, in silence, what a damaged partition
	// answers.
	opts := []kgo.Opt{kgo.FetchMaxWait(500 * time.Millisecond), kgo.KeepRetryableFetchErrors()}
	if o.committed {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if o.exitAtEnd {
		opts = append(opts, kgo.KeepControlRecords())
	}
	if len(o.partitions) > 0 {
		if o.group != "" || o.regex {
			return nil, usagef("--partition cannot be combined with --group or --regex")
		}
		direct := map[string]map[int32]kgo.Offset{}
		for _, t := range o.topics {
			direct[t] = map[int32]kgo.Offset{}
			for _, p := range o.partitions {
				direct[t][p] = start.client()
			}
		}
		return append(opts, kgo.ConsumePartitions(direct)), nil
	}
	opts = append(opts, kgo.ConsumeTopics(o.topics...), kgo.ConsumeResetOffset(start.client()))
	if o.regex {
		opts = append(opts, kgo.ConsumeRegex())
	}
	if o.group != "" {
		opts = append(opts, kgo.ConsumerGroup(o.group), kgo.AutoCommitMarks(), kgo.BlockRebalanceOnPoll())
	}
	return opts, nil
}

func (a *app) consume(ctx context.Context, start position, write recordWriter, o consumeOptions) error {
	opts, err := o.clientOptions(start)
	if err != nil {
		return err
	}
	cl, err := a.connect(ctx, opts...)
	if err != nil {
		return err
	}
	defer cl.CloseAllowingRebalance()
	ends, err := a.endsToReach(ctx, cl, start, o)
	if err != nil {
		return err
	}
	c := &consumption{app: a, cl: cl, out: bufio.NewWriterSize(a.out, 1<<16), write: write, options: o, ends: ends, troubles: troubles{}}
	err = c.run(ctx)
	if deliverErr := c.deliver(); err == nil {
		err = deliverErr
	}
	if o.group != "" {
		commitCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.timeout)
		defer cancel()
		err = errors.Join(err, cl.CommitMarkedOffsets(commitCtx))
	}
	return err
}

// endsToReach checks that the topics exist, and lists for --exit-at-end the
// partitions that have records to print.
func (a *app) endsToReach(ctx context.Context, cl *kgo.Client, start position, o consumeOptions) (*endTracker, error) {
	if o.regex {
		if o.exitAtEnd {
			return nil, usagef("--exit-at-end cannot be combined with --regex")
		}
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	adm := kadm.NewClient(cl)
	topics, err := adm.ListTopicsWithInternal(ctx, o.topics...)
	if err != nil {
		return nil, explain(err, "", "topics")
	}
	for _, t := range topics.Sorted() {
		mayAppear := o.group != "" && !o.exitAtEnd && errors.Is(t.Err, kerr.UnknownTopicOrPartition)
		if t.Err != nil && !mayAppear {
			return nil, explain(t.Err, "", "topic "+t.Topic)
		}
		if err := havePartitions(t, o.partitions); err != nil {
			return nil, err
		}
	}
	if !o.exitAtEnd {
		return nil, nil
	}
	return newEndTracker(ctx, adm, start, o)
}

// havePartitions makes sure that a topic has the partitions asked for: a client
// waits for one that does not exist.
func havePartitions(t kadm.TopicDetail, asked []int32) error {
	for _, p := range asked {
		if _, ok := t.Partitions[p]; !ok {
			has := "partition 0 only"
			if n := len(t.Partitions); n > 1 {
				has = fmt.Sprintf("partitions 0 to %d", n-1)
			}
			return fmt.Errorf("topic %s has no partition %d: it has %s", t.Topic, p, has)
		}
	}
	return nil
}

// consumption is one run of the consume command.
type consumption struct {
	*app
	cl       *kgo.Client
	out      *bufio.Writer
	write    recordWriter
	options  consumeOptions
	ends     *endTracker
	troubles troubles
	quiet    time.Time // since when --exit-at-end waits for a record
	printed  int64
	unmarked []*kgo.Record // printed, but maybe still in out
}

// run prints records until a signal, the limit or the ends are reached.
func (c *consumption) run(ctx context.Context) error {
	c.quiet = time.Now()
	for ctx.Err() == nil && !c.finished() {
		fetches, troubled, err := c.poll(ctx)
		for it := fetches.RecordIter(); !it.Done() && !c.finished(); {
			if err := c.show(it.Next()); err != nil {
				return err
			}
		}
		if err := c.deliver(); err != nil {
			return err
		}
		switch {
		case errors.Is(err, errNothingMore):
			return c.ends.giveUp(c.err, c.patience(), c.troubles)
		case err != nil:
			return err
		}
		c.cl.AllowRebalance()
		if troubled && fetches.NumRecords() == 0 {
			pause(ctx, troublePause)
			continue
		}
		c.quiet = time.Now()
	}
	if ctx.Err() == nil && c.ends.reached() {
		return c.ends.unlisted.err()
	}
	return nil
}

// troublePause keeps a partition's error from being asked for all the time.
const troublePause = 250 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (c *consumption) finished() bool {
	return c.options.limit > 0 && c.printed >= c.options.limit || c.ends.reached()
}

// usualEndPatience is how long --exit-at-end waits for the next record. Records
// that compaction removed never come, so the end may be unreachable.
const usualEndPatience = 5 * time.Second

func (a *app) patience() time.Duration { return cmp.Or(a.endPatience, usualEndPatience) }

var errNothingMore = errors.New("no further record")

// poll returns the next records, and whether some partition cannot be read at
// the moment. Records may come along with an error: they are of other partitions.
func (c *consumption) poll(ctx context.Context) (fetches kgo.Fetches, troubled bool, err error) {
	pollCtx, cancel := ctx, context.CancelFunc(func() {})
	if c.ends != nil {
		patience := c.patience()
		if c.options.group != "" && c.printed == 0 && len(c.troubles) == 0 {
			patience += c.timeout // joining a group takes its time
		}
		pollCtx, cancel = context.WithDeadline(ctx, c.quiet.Add(patience))
	}
	defer cancel()
	fetches = c.cl.PollFetches(pollCtx)
	for _, e := range fetches.Errors() {
		switch {
		case ctx.Err() != nil:
			return fetches, false, nil
		case errors.Is(e.Err, context.DeadlineExceeded):
			return fetches, false, errNothingMore
		case errors.Is(e.Err, kerr.UnknownTopicOrPartition) && (c.options.group != "" || c.options.regex):
			troubled = true // the topic may be created any time
			continue
		case c.troubles.note(e):
			troubled = true
			if c.ends == nil {
				c.troubles.remark(c.err, e)
			}
			continue
		}
		what := whereOf(base.TopicPartition{Topic: e.Topic, Partition: e.Partition})
		if e.Topic == "" { // it concerns the whole consumer: a group that cannot be joined
			what = "group " + c.options.group
		}
		return fetches, false, explain(e.Err, "", what)
	}
	return fetches, troubled, nil
}

func (c *consumption) show(r *kgo.Record) error {
	c.ends.passed(r)
	c.troubles.over(r)
	if r.Attrs.IsControl() || c.ends.beyond(r) {
		return nil
	}
	if err := c.write(c.out, r); err != nil {
		return err
	}
	c.printed++
	if c.options.group != "" {
		c.unmarked = append(c.unmarked, r)
	}
	return nil
}

// deliver writes out what was printed, and only then lets the group commit it:
// a record that the output refused, as on a full disk, must be printed again by
// the next run.
func (c *consumption) deliver() error {
	if err := c.out.Flush(); err != nil {
		return err
	}
	c.cl.MarkCommitRecords(c.unmarked...)
	clear(c.unmarked)
	c.unmarked = c.unmarked[:0]
	return nil
}
