package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// Main runs the command line with the process's own streams and environment
// and returns the exit code.
func Main(args []string) int {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	// Once the first signal arrived the default action is back in force, so a
	// second one kills a command that does not come to an end.
	context.AfterFunc(ctx, restore)
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, environ: os.Environ()}
	return a.run(ctx, args)
}

// app is what all commands share.
type app struct {
	in      io.Reader
	out     io.Writer
	err     io.Writer
	getenv  func(string) string
	environ []string

	bootstrap []string
	output    string
	timeout   clientTimeout
	verbose   bool

	endPatience time.Duration // of consume --exit-at-end, 0 for the usual
}

// silentError ends a command with code 1 when it has already said why.
var errAlreadyReported = errors.New("already reported")

func (a *app) run(ctx context.Context, args []string) int {
	running := false
	written := &firstError{w: a.out}
	a.out = written
	root := a.root()
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.checkOutput(); err != nil {
			return err
		}
		running = true
		return nil
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	// A broker has no result: it served, even if nobody could read its banner.
	served := running && cmd.Name() == "server"
	if (err == nil || errors.Is(err, errAlreadyReported)) && written.err != nil && !served {
		fmt.Fprintf(a.err, "milena: %v\n", written.err)
		return exitFailed
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errAlreadyReported):
		return exitFailed
	}
	fmt.Fprintf(a.err, "milena: %v\n", err)
	var unreachable *unreachableError
	var usage *usageError
	switch {
	case errors.As(err, &unreachable):
		return exitUnreachable
	case !running, errors.As(err, &usage):
		fmt.Fprintf(a.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// usageError is a mistake in how a command was called, found by the command.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}
