package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/milena-io/milena/internal/config"
	"github.com/milena-io/milena/internal/node"
	"github.com/milena-io/milena/internal/vfs"
)

// addresses are where a node can be reached.
type addresses interface {
	Addr() string
	HTTPAddr() string
}

type serverFlags struct {
	file      string
	dataDir   string
	listen    string
	http      string
	sets      []string
	logFormat string
	logLevel  string
}

const serverText = `Start a broker. No configuration is needed: Kafka is served on 127.0.0.1:9092,
metrics and health on 127.0.0.1:9644, and data is kept in ./milena-data.

Settings have Kafka's names. The strongest source wins: flags, --set, environment
(KAFKA_LOG_RETENTION_MS), --config, defaults. See them all with: milena config docs`

func (a *app) serverCommand() *cobra.Command {
	var f serverFlags
	started := time.Now()
	cmd := &cobra.Command{
		Use: "server", Short: "Start a broker", Long: serverText, Args: cobra.NoArgs,
		Example: "  milena server\n  milena server --data-dir /var/lib/milena --listen 0.0.0.0:9092 --set advertised.listeners=PLAINTEXT://kafka.example.org:9092\n  milena server --config server.properties --set log.retention.ms=86400000",
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := f.logger(a.err)
			if err != nil {
				return err
			}
			cfg, err := config.Load(f.sources(cmd, a.environ))
			if err != nil {
				return fmt.Errorf("the configuration is not usable:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
			}
			return a.serve(cmd.Context(), cfg, logger, started)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "config", "c", "", "properties file with settings, such as Kafka's server.properties")
	fl.StringVarP(&f.dataDir, "data-dir", "d", "", "directory for data (log.dirs; default ./milena-data)")
	fl.StringVarP(&f.listen, "listen", "l", "", "address for Kafka clients (listeners; default 127.0.0.1:9092)")
	fl.StringVar(&f.http, "http", "", "address for metrics and health, or off (milena.http.listen; default 127.0.0.1:9644)")
	fl.StringArrayVarP(&f.sets, "set", "s", nil, "setting key=value, may be repeated")
	fl.StringVar(&f.logFormat, "log-format", "text", "text or json")
	fl.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	_ = cmd.RegisterFlagCompletionFunc("set", completeBrokerKeys)
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *serverFlags) sources(cmd *cobra.Command, environ []string) config.Sources {
	src := config.Sources{File: f.file, Env: environ, Sets: f.sets}
	for _, flag := range []struct{ name, key, value string }{
		{"data-dir", "log.dirs", f.dataDir},
		{"listen", "listeners", "PLAINTEXT://" + f.listen},
		{"http", "milena.http.listen", f.http},
	} {
		if cmd.Flags().Changed(flag.name) {
			src.Flags = append(src.Flags, config.Flag{Name: "--" + flag.name, Key: flag.key, Value: flag.value})
		}
	}
	return src
}

func (f *serverFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usagef("--log-level must be debug, info, warn or error, not %q", f.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, usagef("--log-format must be text or json, not %q", f.logFormat)
}

// startError adds what to do to the errors that people meet first: a server that
// they started before is still there, or the data directory can't be written.
func startError(err error) error {
	advice := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		advice = " (is another server running? stop it, or choose other addresses with --listen and --http)"
	case vfs.IsNoSpace(err):
		advice = " (the disk of the data directory is full: make room for a few megabytes and start again)"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = " (this user must be able to write the data directory; --data-dir chooses another)"
	}
	return fmt.Errorf("the broker did not start: %w%s", err, advice)
}

// shutdownPatience bounds a clean shutdown: flushing takes longer than this
// only on a disk that hangs.
const shutdownPatience = 2 * time.Minute

// serve runs a broker until the context ends or the broker cannot go on.
func (a *app) serve(ctx context.Context, cfg config.Config, logger *slog.Logger, started time.Time) error {
	n, err := node.Start(ctx, node.Config{Props: cfg.Props, DataDir: cfg.DataDir, HTTPAddr: cfg.HTTP, Logger: logger, Version: buildVersion().Version})
	if err != nil {
		return startError(err)
	}
	printBanner(a.out, cfg, n, time.Since(started))
	if len(cfg.Inert) > 0 {
		logger.Info("these settings are accepted but have no effect here", "keys", strings.Join(cfg.Inert, ","))
	}
	var fatal error
	select {
	case <-ctx.Done():
		logger.Info("shutting down", "hint", "a second signal ends the process at once")
	case fatal = <-n.Fatal():
		logger.Error("shutting down, because the broker cannot go on", "err", fatal)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer cancel()
	if err := errors.Join(fatal, n.Close(stop)); err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	logger.Info("stopped")
	return nil
}

func printBanner(w io.Writer, cfg config.Config, n addresses, took time.Duration) {
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		dir = cfg.DataDir
	}
	http := "off"
	if addr := n.HTTPAddr(); addr != "" {
		http = "http://" + addr + "  (/metrics, /healthz, /readyz)"
	}
	mode := cfg.Props.String("log.durability.mode")
	at := ""
	if addr := n.Addr(); addr != "127.0.0.1:9092" && addr != "[::]:9092" {
		at = " -b " + addr
	}
	fmt.Fprintf(w, `Milena %s is ready, %d ms after its start.

  Kafka        %s
  HTTP         %s
  data         %s
  durability   %s: %s

Try next:
  echo hello | milena produce my_topic%s
  milena consume my_topic%s
  milena topic describe my_topic%s
  milena config docs

Ctrl-C stops it.
`, versionText(), took.Milliseconds(), n.Addr(), http, dir, mode, durabilityText[mode], at, at, at)
}

var durabilityText = map[string]string{
	"flushed": "acks=all waits until records are on disk",
	"relaxed": "acks=all does not wait for the disk; a power loss can lose the newest records",
}
