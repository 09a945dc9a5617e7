package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	address string
	jobs    int
	page    string
	folders []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		stop()
		os.Exit(1)
	}
}

func parseOptions(args []string, w io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("test/interop/run", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprintf(w, "usage: test/interop/run [flags] [client…]\n\nclients: %s\n\n", strings.Join(clients, " "))
		fs.PrintDefaults()
	}
	fs.StringVar(&o.address, "address", "", "run against the broker at `host:port` instead of a fresh Milena")
	fs.IntVar(&o.jobs, "jobs", 2, "how many clients run at a time")
	fs.StringVar(&o.page, "page", "", "write the table to this `file` (all clients against Milena: docs/compatibility.md)")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.folders = fs.Args()
	if o.jobs < 1 {
		return o, fmt.Errorf("--jobs %d: at least 1", o.jobs)
	}
	for _, f := range o.folders {
		if !slices.Contains(clients, f) {
			return o, fmt.Errorf("no client %q; there are %s", f, strings.Join(clients, " "))
		}
	}
	if len(o.folders) == 0 {
		o.folders = clients
		if o.address == "" && o.page == "" {
			o.page = "docs/compatibility.md"
		}
	}
	return o, nil
}

// run is the whole matrix: it works from the project's directory, in which the
// script starts it.
func run(ctx context.Context, o options, report io.Writer) (err error) {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "test", "interop")
	if gone := absent(dir, o.folders); len(gone) > 0 {
		return fmt.Errorf("no run script in test/interop for %s", strings.Join(gone, ", "))
	}
	address := o.address
	var server *milena
	if address == "" {
		if server, err = startMilena(ctx, root); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.stop()) }()
		address = server.address
	}
	outcomes := runAll(ctx, dir, address, o.folders, o.jobs, report)
	if o.page != "" {
		if err := os.WriteFile(o.page, []byte(table(outcomes)), 0o644); err != nil {
			return err
		}
	}
	if err := sum(outcomes, report); err != nil {
		if server != nil {
			fmt.Fprintf(report, "the end of the server's log:\n%s", server.log())
		}
		return err
	}
	return ctx.Err()
}

// sum prints what is wrong and the totals, and fails if anything is wrong.
func sum(outcomes []*outcome, report io.Writer) error {
	totals := map[status]int{}
	var wrong []string
	for _, o := range outcomes {
		for _, f := range features {
			totals[o.of(f.id).status]++
		}
		wrong = append(wrong, o.complaints()...)
	}
	for _, w := range wrong {
		fmt.Fprintln(report, "FAILED: "+w)
	}
	fmt.Fprintf(report, "interop: %d clients, %d features: %d ok, %d none, %d failed, %d missing\n",
		len(outcomes), len(features), totals[ok], totals[none], totals[failed], totals[missing])
	if len(wrong) > 0 {
		return fmt.Errorf("%d complaints", len(wrong))
	}
	return nil
}
