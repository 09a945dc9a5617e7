package gomatrix

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// patience is what one feature may take.
const patience = 50 * time.Second

// check is one feature.
type check struct {
	id  string
	run func(*suite, context.Context) error
}

var checks = []check{
	{"produce-none", codec("none")},
	{"produce-gzip", codec("gzip")},
	{"produce-snappy", codec("snappy")},
	{"produce-lz4", codec("lz4")},
	{"produce-zstd", codec("zstd")},
	{"acks-0", acks(0)},
	{"acks-1", acks(1)},
	{"acks-all", acks(-1)},
	{"group-rebalance", (*suite).groupRebalance},
	{"commit-sync", commits(false)},
	{"commit-async", commits(true)},
	{"seek-offset", (*suite).seekOffset},
	{"seek-beginning", (*suite).seekBeginning},
	{"seek-end", (*suite).seekEnd},
	{"seek-timestamp", (*suite).seekTimestamp},
	{"reset-earliest", (*suite).resetEarliest},
	{"reset-latest", (*suite).resetLatest},
	{"idempotence", (*suite).idempotence},
	{"list-topics", (*suite).listTopics},
	{"create-topic", (*suite).createTopic},
	{"alter-topic", (*suite).alterTopic},
	{"delete-topic", (*suite).deleteTopic},
	{"describe-configs", (*suite).describeConfigs},
	{"alter-configs", (*suite).alterConfigs},
	{"list-groups", (*suite).listGroups},
}

// suite is what the checks of one library share.
type suite struct {
	Library
	prefix string
}

// Main runs everything against the library, prints the results and ends the
// process.
func Main(l Library) {
	s := &suite{l, fmt.Sprintf("%s-%d", strings.ReplaceAll(l.Name, "/", "-"), time.Now().UnixNano())}
	errs := make([]error, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		if l.None[c.id] == "" {
			all.Go(func() { errs[i] = guarded(s, c) })
		}
	}
	var extra error
	if l.Extra != nil {
		all.Go(func() {
			extra = guarded(s, check{"extra", func(_ *suite, ctx context.Context) error { return l.Extra(ctx) }})
		})
	}
	all.Wait()
	fmt.Printf("CLIENT\t%s %s\n", l.Name, version(l.Module))
	code := 0
	for i, c := range checks {
		switch {
		case l.None[c.id] != "":
			fmt.Printf("RESULT\t%s\tnone\t%s\n", c.id, l.None[c.id])
		case errs[i] != nil:
			fmt.Printf("RESULT\t%s\tfailed\t%s\n", c.id, strings.Join(strings.Fields(errs[i].Error()), " "))
			code = 1
		default:
			fmt.Printf("RESULT\t%s\tok\t\n", c.id)
		}
	}
	if extra != nil {
		fmt.Fprintln(os.Stderr, "beside the table:", extra)
		code = 1
	}
	os.Exit(code)
}

// guarded runs a check within its time; what panics has failed.
func guarded(s *suite, c check) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", c.id, r, debug.Stack())
		}
	}()
	start := time.Now()
	err = c.run(s, ctx)
	fmt.Fprintf(os.Stderr, "%s: %.1f s, %v\n", c.id, time.Since(start).Seconds(), err)
	return err
}

// version is the version of a module that this program was built with.
func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == module {
			return strings.TrimPrefix(d.Version, "v")
		}
	}
	return "unknown"
}

// name of a topic or a group for one check.
func (s *suite) name(id string) string { return s.prefix + "-" + id }

// topic creates a topic and waits until it can be used.
func (s *suite) topic(ctx context.Context, id string, partitions int) (string, error) {
	topic := s.name(id)
	if err := s.Topics.Create(ctx, topic, partitions, nil); err != nil {
		return "", fmt.Errorf("create %s: %w", topic, err)
	}
	return topic, s.shows(ctx, topic, partitions)
}

// shows waits until the cluster says that a topic has so many partitions: a
// broker answers from its metadata, which follows the controller's.
func (s *suite) shows(ctx context.Context, topic string, partitions int) error {
	return until(ctx, func() error {
		topics, err := s.Topics.List(ctx)
		if n := topics[topic]; err == nil && n != partitions {
			err = fmt.Errorf("%s is listed with %d partitions, want %d", topic, n, partitions)
		}
		return err
	})
}

// until tries again until the check holds or ten seconds are over.
func until(ctx context.Context, check func() error) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
