//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/milena-io/milena/internal/bench"
	"github.com/milena-io/milena/internal/vfs"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := compare(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// flags are what can be asked for.
type flags struct {
	only, from, out, dir, milena string
	pairs                        int
	quick, long, list, write     bool
	milenaOnly                   bool
	recoverGB                    float64
	hosted                       int
}

func parse(args []string, errors io.Writer) (*flags, error) {
	f := &flags{}
	set := flag.NewFlagSet("compare", flag.ContinueOnError)
	set.SetOutput(errors)
	set.StringVar(&f.only, "only", "", "measure these scenarios, separated by commas")
	set.IntVar(&f.pairs, "pairs", 3, "rounds of each scenario; those that take minutes do a third")
	set.BoolVar(&f.quick, "quick", false, "very short, to see that everything works; the figures mean nothing")
	set.BoolVar(&f.long, "long", false, "latency under load for 10 minutes on each side")
	set.BoolVar(&f.list, "list", false, "list the scenarios")
	set.BoolVar(&f.write, "write", false, "put the tables into README.md and docs/performance.md")
	set.StringVar(&f.from, "from", "", "measure nothing: make the tables from these files, separated by commas; later ones count more")
	set.StringVar(&f.out, "out", "", "result file (default bench/results/<date>-<scenarios>.json)")
	set.StringVar(&f.dir, "dir", "", "directory for all data, on the disk to measure (default: the system's temporary one)")
	set.StringVar(&f.milena, "milena", "", "the binary to measure (default: built from this tree)")
	set.BoolVar(&f.milenaOnly, "milena-only", false, "leave Kafka out")
	set.Float64Var(&f.recoverGB, "recover-gb", 0, "data at the kill of scenario recovery (default 5)")
	set.IntVar(&f.hosted, "hosted", 0, "most partitions that scenario partitions tries (default 100,000)")
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 || f.pairs < 1 {
		return nil, fmt.Errorf("unexpected arguments %v, or fewer than one round", set.Args())
	}
	return f, nil
}

func (f *flags) size() size {
	s := standard(f.pairs)
	if f.quick {
		s = quick()
		s.pairs = min(f.pairs, 2)
	}
	if f.long {
		s.loadSpan = 10 * time.Minute
	}
	if f.recoverGB > 0 {
		s.recoverGB = f.recoverGB
	}
	if f.hosted > 0 {
		s.hosted = f.hosted
	}
	return s
}

// chosen are the scenarios that were asked for, in the table's order.
func (f *flags) chosen() ([]scenario, error) {
	all := scenarios()
	if f.only == "" {
		return all, nil
	}
	names := strings.Split(f.only, ",")
	var out []scenario
	for _, s := range all {
		if slices.Contains(names, s.name) {
			out = append(out, s)
			names = slices.DeleteFunc(names, func(n string) bool { return n == s.name })
		}
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("there is no scenario %s; see --list", strings.Join(names, ", "))
	}
	return out, nil
}

func compare(ctx context.Context, args []string, out, log io.Writer) error {
	f, err := parse(args, log)
	if err != nil {
		return err
	}
	if f.list {
		for _, s := range scenarios() {
			fmt.Fprintf(out, "%-18s %s\n%-18s   %s\n", s.name, s.title, "", s.workload)
		}
		return nil
	}
	res, err := f.result(ctx, args, log)
	if res == nil {
		return err
	}
	fmt.Fprintf(out, "%s\n%s", goalTable(res, scenarios()), fullReport(res, scenarios()))
	if f.write && err == nil {
		err = errors.Join(writeBetween("README.md", goalTable(res, scenarios())), writeBetween("docs/performance.md", fullReport(res, scenarios())))
	}
	return err
}

// result measures, or reads what was measured.
func (f *flags) result(ctx context.Context, args []string, log io.Writer) (*result, error) {
	if f.from == "" {
		return f.measure(ctx, args, log)
	}
	all := &result{}
	for path := range strings.SplitSeq(f.from, ",") {
		r, err := load(path)
		if err != nil {
			return nil, err
		}
		all.merge(r)
	}
	return all, nil
}

func (f *flags) measure(ctx context.Context, args []string, log io.Writer) (*result, error) {
	chosen, err := f.chosen()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(f.dir, "milena-compare-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := look(dir)
	w := &workshop{
		dir: dir, milena: f.milena, size: f.size(), withoutKafka: f.milenaOnly,
		say: func(format string, args ...any) { fmt.Fprintf(log, format+"\n", args...) },
	}
	defer w.endAll()
	if w.milena == "" {
		w.milena = filepath.Join(dir, "milena")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", w.milena, "./cmd/milena")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building Milena: %w\n%s", err, text)
		}
	}
	res := newResult(args, m)
	res.Versions = versions(ctx, w.milena)
	path := f.out
	if path == "" {
		path = filepath.Join("bench", "results", f.fileName(res.Started))
	}
	for _, s := range chosen {
		if ctx.Err() != nil {
			break
		}
		res.Scenarios = append(res.Scenarios, w.scenario(ctx, s, m.Pinning == pinned))
		if err := res.save(path); err != nil {
			return res, err
		}
	}
	w.say("written to %s", path)
	return res, ctx.Err()
}

// fileName names a result after its day and what was measured.
func (f *flags) fileName(t time.Time) string {
	what := "all"
	if f.only != "" {
		what = strings.ReplaceAll(f.only, ",", "+")
	}
	if f.quick {
		what += "-quick"
	}
	return t.Format("2006-01-02") + "-" + what + ".json"
}

// scenario runs one scenario within its time and cleans up after it.
func (w *workshop) scenario(ctx context.Context, s scenario, canPin bool) outcome {
	o := outcome{Name: s.name, Started: time.Now().UTC(), Workload: s.workload, Pinned: s.rates && canPin}
	w.current, w.pinned = &o, o.Pinned
	w.say("%s: %s", s.name, s.title)
	if s.rates && !canPin {
		w.note("processors could not be divided")
	}
	var err error
	if o.Calibration, err = bench.Calibrate(vfs.OS(), w.dir); err != nil {
		w.note("no calibration: %v", err)
	} else {
		o.Calibration.SyncDir = "" // a temporary one: its name tells nobody anything
	}
	limit := s.limit + 4*w.size.loadSpan // of which only latency-load makes use
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.run(within, w); err != nil {
		o.Error = err.Error()
		if within.Err() != nil && ctx.Err() == nil {
			o.Error = fmt.Sprintf("not done within %v", limit)
		}
		w.say("  %s", o.Error)
	}
	w.endAll()
	o.Seconds = time.Since(o.Started).Seconds()
	w.say("  took %.0f s", o.Seconds)
	return o
}
