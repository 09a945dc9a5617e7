//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/milena-io/milena/internal/bench"
)

// size is how long and how much is measured.
type size struct {
	pairs      int           // rounds of rate rows
	few        int           // rounds of rows that take minutes
	span, warm time.Duration // of one measurement
	settle     time.Duration // before memory is read
	loadSpan   time.Duration // of latency-load
	fill       float64       // MB that a topic is filled with before it is read
	partitions int           // "10,000 partitions"
	hosted     int           // most partitions that are tried
	conns      int
	recoverGB  float64
}

func standard(pairs int) size {
	return size{
		pairs: pairs, few: max(1, pairs/3), span: 3 * time.Second, warm: time.Second, settle: 3 * time.Second, loadSpan: time.Minute,
		fill: 600, partitions: 10_000, hosted: 100_000, conns: 5000, recoverGB: 5,
	}
}

// quick is enough to see that everything works, and for nothing else.
func quick() size {
	return size{
		pairs: 1, few: 1, span: 500 * time.Millisecond, warm: 100 * time.Millisecond, settle: 300 * time.Millisecond, loadSpan: 2 * time.Second,
		fill: 40, partitions: 300, hosted: 1000, conns: 100, recoverGB: 0.05,
	}
}

// measured is what one measurement of one side gives.
type measured struct {
	metrics map[string]float64
	details []*bench.Result
}

func (m *measured) set(key string, v float64) {
	if m.metrics == nil {
		m.metrics = map[string]float64{}
	}
	m.metrics[key] = v
}

// sideFunc measures one side once. Round -1 is the warm-up.
type sideFunc func(ctx context.Context, b *broker, round int) (measured, error)

// inTurns starts all sides, warms each up and measures them in turns. A side
// whose broker ends or cannot be warmed up is left out; the others go on.
func (w *workshop) inTurns(ctx context.Context, rounds int, sides []side, prepare, measure sideFunc) error {
	brokers := map[string]*broker{}
	defer func() {
		for _, b := range brokers {
			b.end()
		}
	}()
	for _, s := range w.sides(sides) {
		b, err := w.start(ctx, s, startOptions{cpus: w.brokerCPU()})
		if err == nil {
			brokers[s.name] = b
			_, err = prepare(ctx, b, -1)
		}
		if err != nil {
			w.record(run{Side: s.name, Round: -1, Error: err.Error()})
			if b != nil {
				b.end()
				delete(brokers, s.name)
			}
		}
	}
	for round := range rounds {
		for _, s := range turn(w.sides(sides), round) {
			b := brokers[s.name]
			if b == nil || s.extra && len(sides) > 3 && round >= w.size.few {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			m, err := measure(ctx, b, round)
			r := run{Side: s.name, Round: round, Metrics: m.metrics, Details: m.details}
			if err != nil {
				r.Error = err.Error()
			}
			w.record(r)
			if !b.alive() {
				b.end()
				delete(brokers, s.name)
			}
		}
	}
	return nil
}

// alone measures each side in turns with no broker but the one measured, and
// leaves nothing of it.
func (w *workshop) alone(ctx context.Context, rounds int, sides []side, measure func(ctx context.Context, s side, round int) (measured, error)) error {
	return w.inOrder(ctx, rounds, sides, func(ctx context.Context, s side, round int) (measured, error) {
		defer w.endAll()
		return measure(ctx, s, round)
	})
}

// inOrder measures sides in turns that start and end brokers themselves.
func (w *workshop) inOrder(ctx context.Context, rounds int, sides []side, measure func(ctx context.Context, s side, round int) (measured, error)) error {
	for round := range rounds {
		for _, s := range turn(w.sides(sides), round) {
			if err := ctx.Err(); err != nil {
				return err
			}
			m, err := measure(ctx, s, round)
			r := run{Side: s.name, Round: round, Metrics: m.metrics, Details: m.details}
			if err != nil {
				r.Error = err.Error()
			}
			w.record(r)
		}
	}
	return nil
}

// turn lets another side begin each round: what the first finds is not always
// what the others find, and it may be better or worse.
func turn(sides []side, round int) []side {
	if len(sides) == 0 {
		return nil
	}
	n := round % len(sides)
	return slices.Concat(sides[n:], sides[:n])
}

// sides leaves Kafka out where there is to be none.
func (w *workshop) sides(all []side) (out []side) {
	for _, s := range all {
		if !s.kafka || !w.withoutKafka {
			out = append(out, s)
		}
	}
	return out
}

// fresh deletes a topic and lets the disk come to rest, so that a run does not
// pay for what the one before it left in the page cache.
func (w *workshop) fresh(ctx context.Context, b *broker, topic string) error {
	if err := deleteTopic(ctx, b.address, topic); err != nil {
		return err
	}
	if !pause(ctx, w.size.settle/3) {
		return ctx.Err()
	}
	unix.Sync()
	return nil
}

func metricText(m map[string]float64) string {
	var parts []string
	for _, key := range sortedKeys(m) {
		parts = append(parts, fmt.Sprintf("%s %s", key, short(m[key])))
	}
	return strings.Join(parts, ", ")
}
