package cli

import (
	"time"

	"github.com/spf13/cobra"
)

const rootText = `Milena is Apache Kafka's log, groups and protocol in one small binary.

Start a broker with "milena server", then talk to it with any Kafka client or
with the commands below. The commands work against any Kafka cluster.`

// clientTimeout is how long one request of a tool may take in all.
type clientTimeout = time.Duration

const (
	bootstrapEnv     = "MILENA_BOOTSTRAP_SERVER"
	defaultBootstrap = "localhost:9092"
)

// root builds the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "milena", Short: "A Kafka-compatible broker and its tools", Long: rootText,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.CompletionOptions.HiddenDefaultCmd = false
	address := a.getenv(bootstrapEnv)
	if address == "" {
		address = defaultBootstrap
	}
	f := root.PersistentFlags()
	f.StringSliceVarP(&a.bootstrap, "bootstrap-server", "b", []string{address}, "address of the cluster, host:port (default from $"+bootstrapEnv+")")
	f.StringVarP(&a.output, "output", "o", "table", "how to print results: table or json")
	f.DurationVar(&a.timeout, "timeout", 15*time.Second, "longest wait for an answer")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show what the client does, on standard error")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(a.serverCommand(), a.topicCommand(), a.produceCommand(), a.consumeCommand(), a.groupCommand(),
		a.configCommand(), a.dumpLogCommand(), a.benchCommand(), a.versionCommand())
	return root
}

// parent is a command that only groups others.
func parent(use, short string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(children...)
	return cmd
}
