package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/config"
)

type fixedAddresses struct{ addr, http string }

func (b fixedAddresses) Addr() string     { return b.addr }
func (b fixedAddresses) HTTPAddr() string { return b.http }

func TestBannerSaysWhereAndWhatNext(t *testing.T) {
	cfg, err := config.Load(config.Sources{Sets: []string{"log.dirs=/data"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printBanner(&out, cfg, fixedAddresses{"127.0.0.1:9092", "127.0.0.1:9644"}, 42*time.Millisecond)
	for _, want := range []string{
		" is ready, 42 ms after its start.\n", "  Kafka        127.0.0.1:9092\n", "  HTTP         http://127.0.0.1:9644  (/metrics, /healthz, /readyz)\n",
		"  data         /data\n", "  durability   flushed: acks=all waits until records are on disk\n", "  echo hello | milena produce my_topic\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in\n%s", want, out.String())
		}
	}
	cfg, err = config.Load(config.Sources{Sets: []string{"log.durability.mode=relaxed"}})
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	printBanner(&out, cfg, fixedAddresses{"127.0.0.1:5000", ""}, 0)
	for _, want := range []string{"  HTTP         off\n", "a power loss can lose the newest records", "  milena consume my_topic -b 127.0.0.1:5000\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in\n%s", want, out.String())
		}
	}
}

func TestServerFlagsAreSettings(t *testing.T) {
	a := &app{}
	cmd := a.serverCommand()
	if err := cmd.ParseFlags([]string{"--listen", ":9999", "--data-dir", "/d", "--http", "off", "--set", "num.partitions=4"}); err != nil {
		t.Fatal(err)
	}
	f := serverFlags{sets: []string{"num.partitions=4"}, listen: ":9999", dataDir: "/d", http: "off"}
	cfg, err := config.Load(f.sources(cmd, []string{"KAFKA_NUM_PARTITIONS=9"}))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DataDir != "/d" || cfg.HTTP != "" || cfg.Listeners[0].Addr() != ":9999" || cfg.Props.Int("num.partitions") != 4 {
		t.Errorf("got %+v", cfg)
	}
	if cfg.Origins["log.dirs"] != "--data-dir" || cfg.Origins["num.partitions"] != "--set" {
		t.Errorf("origins %v", cfg.Origins)
	}
}

func TestServerRefusesBadSettingsWithTheirOrigin(t *testing.T) {
	code, _, errs := runLocal(t, "server", "--set", "log.retention.m=1", "--set", "num.partitions=0")
	if code != exitFailed || !strings.Contains(errs, "--set: Unknown broker config name: log.retention.m (did you mean log.retention.ms?)\n") ||
		!strings.Contains(errs, "--set: Invalid value 0 for configuration num.partitions: Value must be at least 1\n") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

func TestServerLogger(t *testing.T) {
	var out bytes.Buffer
	f := serverFlags{logFormat: "json", logLevel: "warn"}
	l, err := f.logger(&out)
	if err != nil {
		t.Fatal(err)
	}
	l.Info("hidden")
	l.Warn("shown", "key", 1)
	if s := out.String(); strings.Contains(s, "hidden") || !strings.Contains(s, `"msg":"shown","key":1`) {
		t.Error(s)
	}
	for _, f := range []serverFlags{{logFormat: "xml", logLevel: "info"}, {logFormat: "text", logLevel: "loud"}} {
		if _, err := f.logger(&out); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}

// What keeps a broker from starting comes with what to do about it, and stays
// recognisable.
func TestStartErrorsNameTheFix(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.EADDRINUSE, "--listen"},
		{syscall.ENOSPC, "make room"},
		{syscall.EDQUOT, "make room"},
		{syscall.EACCES, "--data-dir"},
		{syscall.EROFS, "--data-dir"},
		{&fs.PathError{Op: "open", Path: "d", Err: syscall.EPERM}, "--data-dir"},
		{syscall.EIO, "input/output error"},
	} {
		err := startError(fmt.Errorf("data directory: %w", c.err))
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), "data directory: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}
