//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/milena-io/milena/internal/bench"
)

func produceScenario(name string, recordSize int, codec string, goal, cpuGoal float64) scenario {
	words := "no compression"
	if codec != "none" {
		words = codec + ", half of each value compresses away"
	}
	metrics := []metric{
		{key: "rate", label: "records, batches made beforehand", unit: "1/s", higher: true, goal: goal},
		{key: "cpu", label: "broker CPU, of that", unit: "CPU-s/GB", goal: cpuGoal},
	}
	if codec == "none" {
		metrics = append(metrics, []metric{
			{key: "client rate", label: "records, franz-go client flat out", unit: "1/s", higher: true},
			{key: "client cpu", label: "broker CPU, of that", unit: "CPU-s/GB"},
			{key: "flush rate", label: "records, each request flushed on both sides", unit: "1/s", higher: true, against: []string{kafkaFlush.name}},
		}...)
	}
	return scenario{
		name: name, title: fmt.Sprintf("Produce, %d B, %s", recordSize, words), rates: true, limit: 6 * time.Minute,
		workload: fmt.Sprintf("%d B records in 64 KiB batches, %s, 6 partitions, acks=all, 2 connections with 5 requests under way", recordSize, words),
		metrics:  metrics,
		run:      func(ctx context.Context, w *workshop) error { return produce(ctx, w, recordSize, codec) },
	}
}

func produce(ctx context.Context, w *workshop, recordSize int, codec string) error {
	base := []string{"produce", "--record-size", strconv.Itoa(recordSize), "--compression", codec, "--partitions", "6", "--replication-factor", "1"}
	if codec != "none" {
		base = append(base, "--compressible", "0.5")
	}
	once := func(ctx context.Context, b *broker, topic string, span time.Duration, more ...string) (*bench.Result, error) {
		args := append(append([]string{}, base...), "--topic", topic, "--duration", seconds(span), "--warmup", seconds(w.size.warm))
		r, err := w.client(ctx, b, append(args, more...)...)
		if err == nil {
			err = w.fresh(ctx, b, topic)
		}
		return r, err
	}
	prepared := []string{"--prepared", "--producers", "2", "--batch-bytes", "65536"}
	warmUp := func(ctx context.Context, b *broker, _ int) (m measured, err error) {
		_, err = once(ctx, b, "warm", 2*w.size.span, prepared...) // twice as long: a just-in-time compiler is at work
		return m, err
	}
	begun := false
	measure := func(ctx context.Context, b *broker, round int) (m measured, err error) {
		// The page cache gets memory that others have just given back, which a
		// virtual machine still has. Whoever comes first would find none: memory
		// that has been free for some time may have to come from the host again.
		if !begun {
			begun = true
			if m, err = warmUp(ctx, b, -1); err != nil {
				return m, err
			}
		}
		r, err := once(ctx, b, fmt.Sprintf("prepared-%d", round), w.size.span, prepared...)
		if err != nil {
			return m, err
		}
		m.details = append(m.details, r)
		m.set("rate", r.Produced.RecordsPerSec)
		m.set("cpu", r.Broker.CPUPerGB)
		if b.side.name == flushed.name || b.side.name == kafkaFlush.name {
			m.set("flush rate", r.Produced.RecordsPerSec)
		}
		if b.side.extra || codec != "none" {
			return m, nil
		}
		if r, err = once(ctx, b, fmt.Sprintf("client-%d", round), w.size.span); err != nil {
			return m, err
		}
		m.details = append(m.details, r)
		m.set("client rate", r.Produced.RecordsPerSec)
		m.set("client cpu", r.Broker.CPUPerGB)
		return m, nil
	}
	sides := []side{flushed, kafkaDefault, relaxed, kafkaTuned}
	if codec == "none" {
		sides = append(sides, kafkaFlush)
	}
	return w.inTurns(ctx, w.size.pairs, sides, warmUp, measure)
}

func consumeScenario(name string, readers int) scenario {
	metrics := []metric{
		{key: "rate", label: "tail", unit: "MB/s", higher: true, goal: 1.5},
		{key: "cpu", label: "broker CPU, of that", unit: "CPU-s/GB", goal: 0.5},
		{key: "catch-up rate", label: "catch-up", unit: "MB/s", higher: true},
		{key: "catch-up cpu", label: "broker CPU, of that", unit: "CPU-s/GB"},
	}
	if readers == 1 {
		metrics = append(metrics, metric{key: "client rate", label: "catch-up, franz-go client", unit: "MB/s", higher: true})
	}
	return scenario{
		name: name, title: fmt.Sprintf("Tail consume, 1 KiB, groups: %d", readers), rates: true, limit: 6 * time.Minute,
		workload: fmt.Sprintf("%d readers of everything (as groups of one), 6 partitions, 1 KiB records; CRCs are checked, batches not opened; tail: the newest 30 MB again and again; catch-up: the whole topic, in the page cache", readers),
		metrics:  metrics,
		run:      func(ctx context.Context, w *workshop) error { return consume(ctx, w, readers) },
	}
}

func consume(ctx context.Context, w *workshop, readers int) error {
	const topic = "consume"
	read := []string{"consume", "--topic", topic, "--fan-out", "--consumers", strconv.Itoa(readers)}
	kinds := []struct {
		rate, cpu string
		args      []string
	}{
		{"rate", "cpu", []string{"--raw", "--newest", "5000", "--duration", seconds(w.size.span), "--warmup", seconds(w.size.warm)}},
		{"catch-up rate", "catch-up cpu", []string{"--raw"}},
		{"client rate", "", []string{"--duration", seconds(2 * w.size.span)}},
	}
	if readers > 1 {
		kinds = kinds[:2] // ten clients on one processor measure only themselves
	}
	measure := func(ctx context.Context, b *broker, _ int) (m measured, err error) {
		for _, k := range kinds {
			r, err := w.client(ctx, b, append(append([]string{}, read...), k.args...)...)
			if err != nil {
				return m, err
			}
			m.details = append(m.details, r)
			m.set(k.rate, r.Consumed.MBPerSec)
			if k.cpu != "" {
				m.set(k.cpu, r.Broker.CPUPerGB)
			}
		}
		return m, nil
	}
	prepare := func(ctx context.Context, b *broker, round int) (measured, error) {
		records := strconv.Itoa(int(w.size.fill * 1e6 / 1024))
		_, err := w.client(ctx, b, "produce", "--topic", topic, "--record-size", "1024", "--records", records, "--prepared", "--batch-bytes", "65536", "--partitions", "6", "--replication-factor", "1")
		if err != nil {
			return measured{}, err
		}
		return measure(ctx, b, round)
	}
	return w.inTurns(ctx, w.size.pairs, []side{flushed, kafkaDefault, kafkaTuned}, prepare, measure)
}

// oneAtATime measures the way of single records.
func (w *workshop) oneAtATime(ctx context.Context, b *broker, topic string) (*measured, error) {
	r, err := w.client(ctx, b, "e2e", "--topic", topic, "--one-at-a-time", "--linger", "0s", "--record-size", "100", "--partitions", "6",
		"--replication-factor", "1", "--duration", seconds(w.size.span), "--warmup", seconds(w.size.warm))
	if err != nil {
		return nil, err
	}
	m := &measured{}
	m.details = append(m.details, r)
	m.set("p50", r.Consumed.Latency.P50)
	m.set("p99", r.Consumed.Latency.P99)
	m.set("ack p50", r.Produced.Latency.P50)
	m.set("ack p99", r.Produced.Latency.P99)
	return m, nil
}

func latencyIdle(ctx context.Context, w *workshop) error {
	measure := func(ctx context.Context, b *broker, _ int) (measured, error) {
		m, err := w.oneAtATime(ctx, b, "idle")
		if err != nil {
			return measured{}, err
		}
		return *m, nil
	}
	return w.inTurns(ctx, w.size.pairs, []side{flushed, kafkaDefault, relaxed, kafkaTuned, kafkaFlush}, measure, measure)
}

func latencyLoad(ctx context.Context, w *workshop) error {
	load := func(span time.Duration) sideFunc {
		return func(ctx context.Context, b *broker, round int) (m measured, err error) {
			topic := fmt.Sprintf("load-%d", round+1)
			r, err := w.client(ctx, b, "e2e", "--topic", topic, "--producers", "50", "--rate", "20000", "--record-size", "1000", "--keys", "10000",
				"--linger", "5ms", "--partitions", "6", "--replication-factor", "1", "--duration", seconds(span), "--warmup", seconds(3*w.size.warm))
			if err == nil {
				err = w.fresh(ctx, b, topic)
			}
			if err != nil {
				return m, err
			}
			m.details = append(m.details, r)
			l := r.Consumed.Latency
			m.set("p50", l.P50)
			m.set("p99", l.P99)
			m.set("p99.9", l.P999)
			m.set("max", l.Max)
			m.set("cpu", r.Broker.CPUPerGB)
			m.set("in", r.Produced.MBPerSec)
			return m, nil
		}
	}
	w.note("%v for each side and round; the goal speaks of 10 minutes: --long", w.size.loadSpan)
	return w.inTurns(ctx, w.size.few, []side{flushed, kafkaDefault, kafkaTuned}, load(min(w.size.loadSpan, 10*w.size.warm)), load(w.size.loadSpan))
}

func durable(ctx context.Context, w *workshop) error {
	measure := func(ctx context.Context, b *broker, round int) (m measured, err error) {
		r, err := w.client(ctx, b, "produce", "--topic", "durable", "--prepared", "--producers", "64", "--partitions", "1000", "--replication-factor", "1",
			"--request-partitions", "1", "--batch-bytes", "1", "--record-size", "1024", "--max-in-flight", "5",
			"--duration", seconds(w.size.span), "--warmup", seconds(w.size.warm))
		if err != nil {
			return m, err
		}
		m.details = append(m.details, r)
		m.set("rate", r.Produced.RecordsPerSec)
		m.set("p99", r.Produced.Latency.P99)
		return m, nil
	}
	return w.inTurns(ctx, w.size.pairs, []side{flushed, kafkaFlush, kafkaFlushTuned}, measure, measure)
}
