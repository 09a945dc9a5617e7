// Command cmd starts an Apache Kafka broker by hand, or runs one of Kafka's
// tools; see package peer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/milena-io/milena/test/peer"
)

const usage = `usage:
  cmd start [--heap 1g] [--jvm flag]… [--set key=value]… [--dir directory] [--cpus list]
      starts a broker, prints its address and stops it at an interrupt
  cmd tool CLASS [argument]…
      runs one of Kafka's tools, such as TopicCommand or ProducerPerformance
`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	var err error
	switch {
	case len(args) > 0 && args[0] == "start":
		err = start(ctx, args[1:])
	case len(args) > 1 && args[0] == "tool":
		err = tool(ctx, args[1], args[2:])
	default:
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func start(ctx context.Context, args []string) error {
	o := peer.Options{Properties: map[string]string{}, Log: os.Stderr}
	flags := flag.NewFlagSet("start", flag.ExitOnError)
	flags.StringVar(&o.Heap, "heap", "1g", "size of the Java heap")
	flags.StringVar(&o.Dir, "dir", "", "directory to keep the data in; temporary if empty")
	flags.StringVar(&o.CPUs, "cpus", "", "processors it may run on, as for taskset")
	flags.Func("jvm", "a flag for the virtual machine", func(s string) error {
		o.JVMFlags = append(o.JVMFlags, s)
		return nil
	})
	flags.Func("set", "key=value, a setting of the broker", func(s string) error {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q is not key=value", s)
		}
		o.Properties[key] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := peer.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("address %s\npid %d\ndirectory %s\n", b.Address(), b.PID(), b.Dir())
	select {
	case <-ctx.Done():
		return b.Stop()
	case <-b.Done():
		return errors.New("the broker ended by itself")
	}
}

func tool(ctx context.Context, class string, args []string) error {
	cmd, err := peer.Tool(ctx, class, args...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // tools sum up when they end
	return cmd.Run()
}
