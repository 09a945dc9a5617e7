package cli

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/base"
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
			"a line without a tab is a value without key. A line of more than 1,000,000 bytes is left out and\n" +
			"reported at the end; any other failure stops the command.",
		Example: "  echo 'hello' | milena produce my_topic\n" +
			"  printf 'k1\\tv1\\nk2\\tv2\\n' | milena produce my_topic -H source=shell --compression zstd",
		ValidArgsFunction: a.completeOneTopic,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.topic = args[0]
			if err := o.check(); err != nil {
				return err
			}
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

// check refuses what cannot be done before any input is read, which would be
// lost otherwise.
func (o *produceOptions) check() error {
	if err := base.ValidateTopicName(o.topic); err != nil {
		return usagef("%v", err)
	}
	if o.partition < -1 {
		return usagef("--partition must be 0 or more, or -1 to choose by key, not %d", o.partition)
	}
	if o.offsets && o.acks == "0" {
		return usagef("--print-offsets cannot be combined with --acks 0: a broker that does not answer tells no offsets")
	}
	return nil
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
	opts := append(acks, codec, kgo.ProducerLinger(o.linger), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchMaxBytes(o.batchBytesMax()),
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

// recordBytesMax bounds the key, value and headers of one record. It is what
// fits into a batch that brokers take unless configured otherwise.
const recordBytesMax = 1_000_000

// batchBytesMax has room for the largest record and what frames it.
func (o *produceOptions) batchBytesMax() int32 {
	return recordBytesMax + 512 + 32*int32(len(o.headers))
}

func recordBytes(r *kgo.Record) int64 {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
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
