package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type produceOptions struct {
	topic       string
	key         string
	separator   string
	headers     []string
	partition   int32
	compression string
	acks        string
	linger      time.Duration
	sync        bool
	tombstones  bool
	offsets     bool
	quiet       bool
}

func (a *app) produceCommand() *cobra.Command {
	var o produceOptions
	cmd := &cobra.Command{
		Use: "produce TOPIC", Short: "Write lines of standard input as records", Args: cobra.ExactArgs(1),
		Long: "Write each line of standard input as one record. What stands before the first tab is the key;\n" +
			"a line without a tab is a value without key.",
		Example: "  echo 'hello' | milena produce my_topic\n" +
			"  printf 'k1\\tv1\\nk2\\tv2\\n' | milena produce my_topic -H source=shell --compression zstd",
		ValidArgsFunction: a.completeOneTopic,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.topic = args[0]
			opts, err := o.clientOptions(a.timeout)
			if err != nil {
				return err
			}
			lines, err := o.lineParser()
			if err != nil {
				return err
			}
			cl, err := a.connect(cmd.Context(), opts...)
			if err != nil {
				return err
			}
			defer cl.Close()
			return a.produce(cmd.Context(), cl, lines, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.key, "key", "k", "", "key of every record; lines are then values only")
	f.StringVar(&o.separator, "key-separator", "\t", "what stands between key and value; empty when lines are values only")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "header key=value of every record, may be repeated")
	f.Int32VarP(&o.partition, "partition", "p", -1, "partition to write to, -1 to choose by key")
	f.StringVarP(&o.compression, "compression", "z", "snappy", "none, gzip, snappy, lz4 or zstd")
	f.StringVar(&o.acks, "acks", "all", "who must have a record before it is confirmed: 0, 1 or all")
	f.DurationVar(&o.linger, "linger", 5*time.Millisecond, "how long to wait for more records before sending")
	f.BoolVar(&o.sync, "sync", false, "send one record at a time and wait for each")
	f.BoolVarP(&o.tombstones, "tombstone", "Z", false, "an empty value deletes its key in a compacted topic (null value)")
	f.BoolVar(&o.offsets, "print-offsets", false, "print where each record was stored")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print no progress and no summary")
	_ = cmd.RegisterFlagCompletionFunc("compression", cobra.FixedCompletions(compressionNames, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("acks", cobra.FixedCompletions([]string{"0", "1", "all"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// clientOptions bounds each record by the command's timeout: an error that may
// be retried, such as a full disk, would otherwise be retried for ever. franz-go
// takes no less than a second.
func (o *produceOptions) clientOptions(timeout time.Duration) ([]kgo.Opt, error) {
	acks, err := acksOptions(o.acks)
	if err != nil {
		return nil, err
	}
	codec, err := compressionOption(o.compression)
	if err != nil {
		return nil, err
	}
	opts := append(acks, codec, kgo.ProducerLinger(o.linger), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchMaxBytes(1_000_000),
		kgo.RecordDeliveryTimeout(max(timeout, time.Second)))
	if o.partition >= 0 {
		opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	return opts, nil
}

var compressionNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

func compressionOption(name string) (kgo.Opt, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	c, ok := codecs[name]
	if !ok {
		return nil, usagef("--compression must be none, gzip, snappy, lz4 or zstd, not %q", name)
	}
	return kgo.ProducerBatchCompression(c), nil
}

// acksOptions sets the acknowledgement wanted; anything but all gives up the
// idempotent producer, whose promise it could not keep.
func acksOptions(word string) ([]kgo.Opt, error) {
	switch word {
	case "all", "-1":
		return []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks())}, nil
	case "1":
		return []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()}, nil
	case "0":
		return []kgo.Opt{kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()}, nil
	}
	return nil, usagef("--acks must be 0, 1 or all, not %q", word)
}

// produceTally counts what was confirmed. Its methods are called from the
// client's goroutines.
type produceTally struct {
	mu       sync.Mutex
	records  int64
	bytes    int64
	failed   int64
	firstErr error
	last     time.Time
}

type produceSummary struct {
	Topic   string  `json:"topic"`
	Records int64   `json:"records"`
	Bytes   int64   `json:"bytes"`
	Failed  int64   `json:"failed"`
	Seconds float64 `json:"seconds"`
}

// produce sends lines until the end of input, the first failure or a signal.
func (a *app) produce(ctx context.Context, cl *kgo.Client, parse lineParser, o produceOptions) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var t produceTally
	started := time.Now()
	done := func(r *kgo.Record, err error) {
		if a.confirmed(&t, r, err, o) != nil {
			stop(err)
		}
	}
	readErr := eachLine(ctx, a.in, func(line []byte) error {
		r, err := parse(line)
		if err != nil {
			return err
		}
		r.Topic, r.Partition = o.topic, o.partition
		if o.sync {
			done(cl.ProduceSync(ctx, r).First())
			return context.Cause(ctx)
		}
		cl.Produce(ctx, r, done)
		return context.Cause(ctx)
	})
	flushErr := cl.Flush(context.WithoutCancel(ctx))
	return a.finishProduce(&t, o, time.Since(started), errors.Join(readErr, flushErr))
}

func (a *app) confirmed(t *produceTally, r *kgo.Record, err error, o produceOptions) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failed++
		if t.firstErr == nil {
			t.firstErr = err
		}
		return err
	}
	t.records++
	t.bytes += int64(len(r.Key) + len(r.Value))
	if o.offsets && !a.json() {
		fmt.Fprintf(a.out, "%s\t%d\t%d\n", r.Topic, r.Partition, r.Offset)
	}
	if now := time.Now(); !o.quiet && isTerminal(a.err) && now.Sub(t.last) > 200*time.Millisecond {
		t.last = now
		fmt.Fprintf(a.err, "\r%s, %s ", count(t.records, "record"), sizeText(t.bytes))
	}
	return nil
}

func (a *app) finishProduce(t *produceTally, o produceOptions, took time.Duration, readErr error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := produceSummary{o.topic, t.records, t.bytes, t.failed, took.Seconds()}
	if a.json() {
		if err := a.printJSON(sum); err != nil {
			return err
		}
	}
	if !o.quiet {
		clear := ""
		if isTerminal(a.err) {
			clear = "\r"
		}
		fmt.Fprintf(a.err, "%sProduced %s (%s) to %s in %s.\n", clear, count(t.records, "record"), sizeText(t.bytes), o.topic, took.Round(time.Millisecond))
	}
	switch {
	case t.firstErr != nil && errors.Is(t.firstErr, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("topic %s does not exist and is not created automatically; create it with: milena topic create %s", o.topic, o.topic)
	case t.firstErr != nil:
		return fmt.Errorf("%s not written: %w", count(t.failed, "record"), explain(t.firstErr, "", "topic "+o.topic))
	case errors.Is(readErr, context.Canceled):
		return nil
	}
	return readErr
}

// lineParser turns one line of input into a record.
type lineParser func(line []byte) (*kgo.Record, error)

func (o *produceOptions) lineParser() (lineParser, error) {
	pairs, err := parseHeaders(o.headers)
	if err != nil {
		return nil, err
	}
	fixed := []byte(nil)
	if o.key != "" {
		fixed = []byte(o.key)
	}
	sep, tombstones := []byte(o.separator), o.tombstones
	return func(line []byte) (*kgo.Record, error) {
		r := &kgo.Record{Key: fixed, Value: line, Headers: pairs}
		if fixed == nil && len(sep) > 0 {
			if key, value, ok := cutBytes(line, sep); ok {
				r.Key, r.Value = key, value
			}
		}
		if tombstones && len(r.Value) == 0 {
			r.Value = nil
		}
		return r, nil
	}, nil
}

func parseHeaders(words []string) ([]kgo.RecordHeader, error) {
	var out []kgo.RecordHeader
	for _, w := range words {
		key, value, ok := cutBytes([]byte(w), []byte("="))
		if !ok || len(key) == 0 {
			return nil, usagef("--header %q must have the form key=value", w)
		}
		out = append(out, kgo.RecordHeader{Key: string(key), Value: value})
	}
	return out, nil
}

// eachLine calls f with every line of r, without its line break, until r ends
// or f fails. A line is not shared: records keep it.
func eachLine(ctx context.Context, r io.Reader, f func(line []byte) error) error {
	lines := make(chan []byte, 64)
	var readErr error
	go func() { // a read of a terminal cannot be cancelled; the process ends first
		defer close(lines)
		br := bufio.NewReaderSize(r, 1<<20)
		for {
			line, err := br.ReadBytes('\n')
			if len(line) > 0 {
				select {
				case lines <- trimLine(line):
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					readErr = fmt.Errorf("standard input: %w", err)
				}
				return
			}
		}
	}()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return readErr
			}
			if err := f(line); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
