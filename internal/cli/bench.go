package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/bench"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

const benchText = `Load a cluster and measure it. Any Kafka-compatible cluster will do.

Latency counts from the moment a record was due: with --rate, a server that
stalls is charged for the records that queued up meanwhile. Without --rate the
producers send as fast as they can, and latency is mostly time in the queue.`

func (a *app) benchCommand() *cobra.Command {
	cmd := parent("bench", "Load a cluster and measure throughput, latency and the broker's CPU time",
		a.benchKind("produce", "Measure producers", bench.Produce),
		a.benchKind("consume", "Measure consumers on what a topic holds", bench.Consume),
		a.benchKind("e2e", "Measure the way of records from producers to consumers", bench.EndToEnd))
	cmd.Long = benchText
	return cmd
}

// benchFlags are the flags that need a translation into bench.Options.
type benchFlags struct {
	bench.Options
	compression string
	configs     []string
	noCalibrate bool
	calibrateIn string
}

type benchRun func(ctx context.Context, o bench.Options, report func(bench.Progress)) (*bench.Result, error)

func (a *app) benchKind(kind, short string, run benchRun) *cobra.Command {
	var b benchFlags
	cmd := &cobra.Command{
		Use: kind, Short: short, Long: short + ".\n\n" + benchText, Args: cobra.NoArgs,
		Example: benchExamples[kind],
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.complete(cmd, kind); err != nil {
				return err
			}
			b.Brokers = a.bootstrap
			cl, err := a.connect(cmd.Context()) // a clear error before anything is measured
			if err != nil {
				return err
			}
			cl.Close()
			return a.bench(cmd.Context(), &b, run)
		},
	}
	b.addFlags(cmd, kind)
	_ = cmd.RegisterFlagCompletionFunc("topic", a.completeTopics)
	return cmd
}

var benchExamples = map[string]string{
	"produce": "  milena bench produce --record-size 1024 --duration 30s --acks all\n  milena bench produce --rate 50000 --producers 4 --compression zstd --broker-pid $(pidof milena)",
	"consume": "  milena bench produce --records 5000000 && milena bench consume",
	"e2e":     "  milena bench e2e --rate 1000 --linger 0s --duration 20s",
}

func (b *benchFlags) addFlags(cmd *cobra.Command, kind string) {
	f := cmd.Flags()
	f.StringVarP(&b.Topic, "topic", "t", "milena-bench", "topic to load")
	f.Int64Var(&b.Records, "records", 0, "stop after this many records")
	f.DurationVar(&b.Duration, "duration", 0, "stop after this time (default 10s when --records is not given)")
	f.IntVar(&b.BrokerPID, "broker-pid", 0, "process id of a broker on this machine, to measure its CPU time and memory")
	f.BoolVar(&b.noCalibrate, "no-calibration", false, "do not measure the machine first")
	f.StringVar(&b.calibrateIn, "calibration-dir", ".", "directory in which flushes are measured")
	f.IntVar(&b.Consumers, "consumers", 1, "number of consumers")
	f.Int32Var(&b.FetchMaxBytes, "fetch-max-bytes", 0, "most bytes per fetch, 0 for the client's default")
	b.Producers = 1
	f.DurationVar(&b.Warmup, "warmup", 0, "load before measuring (default 1s with --duration, none for consume)")
	if kind == "consume" {
		f.BoolVar(&b.FanOut, "fan-out", false, "let every consumer read everything, as so many groups would")
		f.BoolVar(&b.Raw, "raw", false, "check batches but do not open them, to load the broker and not the client; every consumer reads everything")
		f.Int64Var(&b.Newest, "newest", 0, "with --raw and --duration: read the last so many records of each partition again and again")
		f.StringVarP(&b.Group, "group", "g", "", "consume as this group; without it, partitions are divided directly")
		return
	}
	f.IntVar(&b.Producers, "producers", 1, "number of producers, each with a connection of its own")
	f.Float64Var(&b.Rate, "rate", 0, "records per second of all producers together, 0 for as fast as possible")
	f.IntVarP(&b.RecordSize, "record-size", "s", 100, "bytes per value")
	f.IntVar(&b.Keys, "keys", 0, "number of distinct keys, 0 for none")
	f.Float64Var(&b.Compressible, "compressible", 0, "share of each value that compresses away, 0 to 1")
	f.StringVar(&b.Acks, "acks", "all", "who must have a record before it is confirmed: 0, 1 or all")
	f.StringVarP(&b.compression, "compression", "z", "none", "none, gzip, snappy, lz4 or zstd")
	f.DurationVar(&b.Linger, "linger", 5*time.Millisecond, "how long a producer waits for a batch to fill")
	f.Int32Var(&b.BatchBytes, "batch-bytes", 1_000_000, "largest batch")
	f.IntVar(&b.MaxInFlight, "max-in-flight", 0, "requests of a producer under way at the same time, 0 for the client's default")
	if kind == "produce" {
		f.BoolVar(&b.Prepared, "prepared", false, "send batches that were made before the run, to load the broker and not the client")
		f.IntVar(&b.RequestPartitions, "request-partitions", 0, "with --prepared: partitions that one request writes to, 0 for as many as fit a megabyte")
	} else {
		f.BoolVar(&b.OneAtATime, "one-at-a-time", false, "send the next record when the last one has been read")
	}
	f.Int32VarP(&b.Partitions, "partitions", "p", 6, "partitions, when the topic does not exist yet")
	f.Int16VarP(&b.Replicas, "replication-factor", "r", -1, "replicas, when the topic does not exist yet")
	f.StringArrayVarP(&b.configs, "config", "c", nil, "setting key=value, when the topic does not exist yet")
	_ = cmd.RegisterFlagCompletionFunc("config", completeTopicKeys)
	_ = cmd.RegisterFlagCompletionFunc("compression", cobra.FixedCompletions(compressionNames, cobra.ShellCompDirectiveNoFileComp))
}

// complete translates flags and fills in defaults that depend on each other.
func (b *benchFlags) complete(cmd *cobra.Command, kind string) error {
	if kind != "consume" {
		codecs := map[string]kgo.CompressionCodec{
			"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
			"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
		}
		codec, ok := codecs[b.compression]
		if !ok {
			return usagef("--compression must be none, gzip, snappy, lz4 or zstd, not %q", b.compression)
		}
		if _, err := acksOptions(b.Acks); err != nil {
			return err
		}
		configs, err := parsePairs("--config", b.configs)
		if err != nil {
			return err
		}
		if b.Codec, err = record.ParseCodec(b.compression); err != nil {
			return err
		}
		b.Compression, b.Configs = codec, configs
		if b.Records == 0 && b.Duration == 0 {
			b.Duration = 10 * time.Second
		}
		if !cmd.Flags().Changed("warmup") && b.Records == 0 {
			b.Warmup = time.Second
		}
	}
	if err := b.Check(); err != nil {
		return &usageError{err.Error()}
	}
	return nil
}

func (a *app) bench(ctx context.Context, b *benchFlags, run benchRun) error {
	var cal *bench.Calibration
	if !b.noCalibrate {
		var err error
		if cal, err = bench.Calibrate(vfs.OS(), b.calibrateIn); err != nil {
			return fmt.Errorf("%w; choose a directory with --calibration-dir, or use --no-calibration", err)
		}
	}
	display := newBenchDisplay(a.err, b.Records > 0 || b.Duration > 0)
	res, err := run(ctx, b.Options, display.show)
	display.close()
	if res == nil {
		return err
	}
	res.Calibration = cal
	printErr := a.print(res, func(w io.Writer) { printBench(w, res) })
	switch {
	case errors.Is(err, context.Canceled):
		err = nil // what was measured until the signal was printed
	case err == nil && res.Empty():
		err = errors.New("nothing was measured: no record came through after the warm-up (is the topic empty? else choose a lower --rate or a longer --duration)")
	}
	return errors.Join(err, printErr)
}

func printBench(w io.Writer, r *bench.Result) {
	fmt.Fprintf(w, "%s on %s, %s\n\n", r.Kind, r.Topic, count(r.Partitions, "partition"))
	tab := newTable("", "RECORDS", "SECONDS", "RECORDS/S", "MB/S", "ERRORS")
	lat := newTable("LATENCY MS", "P50", "P95", "P99", "P99.9", "MAX", "MEAN")
	for _, row := range []struct {
		name string
		t    *bench.Throughput
	}{{"produced", r.Produced}, {"consumed", r.Consumed}} {
		if row.t == nil {
			continue
		}
		tab.add(row.name, row.t.Records, fmt.Sprintf("%.2f", row.t.Seconds), fmt.Sprintf("%.0f", row.t.RecordsPerSec),
			fmt.Sprintf("%.2f", row.t.MBPerSec), row.t.Errors)
		if l := row.t.Latency; l.Count > 0 {
			name := map[string]string{"produced": "confirmed", "consumed": "end to end"}[row.name]
			lat.add(name, ms(l.P50), ms(l.P95), ms(l.P99), ms(l.P999), ms(l.Max), ms(l.Mean))
		}
	}
	tab.print(w)
	if len(lat.rows) > 0 {
		fmt.Fprintln(w)
		lat.print(w)
	}
	printMachine(w, r)
}

func ms(v float64) string { return fmt.Sprintf("%.3f", v) }

func printMachine(w io.Writer, r *bench.Result) {
	fmt.Fprintln(w)
	if r.ClientCPU > 0 {
		fmt.Fprintf(w, "client   %.2f CPU-seconds\n", r.ClientCPU)
	}
	if b := r.Broker; b != nil && b.Error != "" {
		fmt.Fprintf(w, "broker   process %d could not be measured: %s\n", b.PID, b.Error)
	} else if b != nil {
		fmt.Fprintf(w, "broker   %.2f CPU-seconds, %.2f per GB, %s resident (peak %s)\n", b.CPUSeconds, b.CPUPerGB, sizeText(b.RSSBytes), sizeText(b.PeakRSSBytes))
	}
	if c := r.Calibration; c != nil {
		fmt.Fprintf(w, "machine  %d CPUs, copy %.1f GB/s, crc32c %.1f GB/s, loopback %.0f MB/s and %.0f µs per round trip, fdatasync %.2f ms\n",
			c.CPUs, c.CopyGBPerSec, c.CRC32CPerSec, c.LoopbackMBps, c.LoopbackRTTUs, c.SyncMs)
	}
}

// benchDisplay shows progress: a bar on a terminal, else a line per second.
type benchDisplay struct {
	w   io.Writer
	bar *progressBar
}

func newBenchDisplay(w io.Writer, bounded bool) *benchDisplay {
	d := &benchDisplay{w: w}
	if f, ok := w.(*os.File); ok && bounded && isTerminal(f) {
		d.bar = newProgressBar(f)
	}
	return d
}

func (d *benchDisplay) show(p bench.Progress) {
	line := fmt.Sprintf("%.0f records/s  %.1f MB/s", p.Rate, p.MBRate)
	if p.Latency.Count > 0 {
		line += fmt.Sprintf("  p50 %.1f  p99 %.1f  max %.1f ms", p.Latency.P50, p.Latency.P99, p.Latency.Max)
	}
	if p.Warming {
		line = "warming up"
	}
	if d.bar != nil {
		d.bar.set(p.Fraction, line)
		return
	}
	fmt.Fprintf(d.w, "%5.0f s  %s\n", p.Elapsed.Seconds(), line)
}

func (d *benchDisplay) close() {
	if d.bar != nil {
		d.bar.close()
	}
}
