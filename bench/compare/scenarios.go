//go:build linux

package main

import (
	"context"
	"time"
)

// metric is a row of the table.
type metric struct {
	key, label, unit string
	higher           bool    // better
	goal             float64 // 0: told, but no goal
	// absolute goals are for Milena's own figure, others for the ratio to Kafka.
	absolute bool
	judged   string   // Milena's side that the goal is for; empty: flushed
	against  []string // Kafka's sides, of which the better counts; empty: all page cache ones
}

// scenario is a group of rows that are measured together.
type scenario struct {
	name, title string
	workload    string // in words, with what both sides have in common
	rates       bool   // processors are divided between broker and client
	limit       time.Duration
	metrics     []metric
	run         func(ctx context.Context, w *workshop) error
}

var (
	pageCacheSides = []string{kafkaDefault.name, kafkaTuned.name}
	flushSides     = []string{kafkaFlush.name, kafkaFlushTuned.name}
	smallSides     = []string{kafkaDefault.name, kafkaSmall.name}
)

func scenarios() []scenario {
	return append(rateScenarios(), stateScenarios()...)
}

func rateScenarios() []scenario {
	return []scenario{
		produceScenario("produce-100b", 100, "none", 1.5, 0),
		produceScenario("produce-1k", 1024, "none", 1.3, 0.5),
		produceScenario("produce-100b-lz4", 100, "lz4", 1.5, 0),
		produceScenario("produce-1k-lz4", 1024, "lz4", 1.3, 0.25),
		consumeScenario("consume-1", 1),
		consumeScenario("consume-10", 10),
		{
			name: "latency-idle", title: "End-to-end latency, unloaded", rates: true, limit: 6 * time.Minute,
			workload: "one record of 100 B at a time, acks=all, 6 partitions: the next is sent when the last has been read",
			metrics: []metric{
				{key: "p50", label: "producer to consumer, p50", unit: "ms", goal: 0.4},
				{key: "p99", label: "producer to consumer, p99", unit: "ms", goal: 0.3},
				{key: "ack p50", label: "confirmed, p50", unit: "ms"},
				{key: "ack p99", label: "confirmed, p99", unit: "ms"},
			},
			run: latencyIdle,
		},
		{
			name: "latency-load", title: "End-to-end latency under load", rates: true, limit: 10 * time.Minute,
			workload: "50 producers, 20 MB/s of 1 kB records with keys, linger 5 ms, acks=all, 6 partitions, one consumer; from the moment a record is due",
			metrics: []metric{
				{key: "p50", label: "producer to consumer, p50", unit: "ms"},
				{key: "p99", label: "producer to consumer, p99", unit: "ms", goal: 0.5},
				{key: "p99.9", label: "producer to consumer, p99.9", unit: "ms", goal: 0.2},
				{key: "max", label: "producer to consumer, longest", unit: "ms"},
				{key: "cpu", label: "broker CPU", unit: "CPU-s/GB"},
				{key: "in", label: "produced, of 20 asked for", unit: "MB/s", higher: true},
			},
			run: latencyLoad,
		},
		{
			name: "durable", title: "Durable rate", rates: true, limit: 6 * time.Minute,
			workload: "64 producers, 1,000 partitions, one record of 1 KiB in a request, 5 requests under way each, acks=all; flushed before the answer on both sides",
			metrics: []metric{
				{key: "rate", label: "records on disk", unit: "1/s", higher: true, goal: 10, against: flushSides},
				{key: "p99", label: "confirmed, p99", unit: "ms", against: flushSides},
			},
			run: durable,
		},
	}
}

func stateScenarios() []scenario {
	return []scenario{
		{
			name: "memory", title: "Resident memory", limit: 8 * time.Minute,
			workload: "idle after the start; at the end of 10 s of 50 MB/s in and out, 1 KiB records; with many partitions, no data",
			metrics: []metric{
				{key: "idle", label: "idle", unit: "MB", goal: 0.05, against: smallSides},
				{key: "loaded", label: "at 50 MB/s", unit: "MB", goal: 0.25, against: smallSides},
				{key: "partitions", label: "with 10,000 partitions", unit: "MB", goal: 0.15, against: smallSides},
			},
			run: memory,
		},
		{
			name: "start", title: "Start to first acknowledged produce", limit: 8 * time.Minute,
			workload: "from the start of the process to the answer to an acks=all record, asked for every millisecond; Kafka's directory is formatted beforehand",
			metrics: []metric{
				{key: "empty", label: "empty directory, topic created", unit: "ms", goal: 0.05, against: smallSides},
				{key: "partitions", label: "10,000 partitions after a clean stop", unit: "ms", goal: 0.15, against: smallSides},
			},
			run: starts,
		},
		{
			name: "recovery", title: "Recovery", limit: 10 * time.Minute,
			workload: "kill -9 under load, 1,000 partitions; from the start of the process until the first batch of every partition has been read",
			metrics: []metric{
				{key: "readable", label: "all partitions readable", unit: "s", goal: 0.1},
				{key: "stored", label: "stored when killed", unit: "GB", higher: true},
			},
			run: recovery,
		},
		{
			name: "partitions", title: "Partitions hosted", limit: 12 * time.Minute,
			workload: "20,000 open files; partitions that confirmed a record (1 KiB records in 16 KiB batches for the rates)",
			metrics: []metric{
				{key: "hosted", label: "partitions hosted", unit: "", higher: true, goal: 5},
				{key: "kept", label: "rate with 10,000 active ÷ with 100", unit: "", higher: true, goal: 0.85, absolute: true},
				{key: "rate few", label: "rate with 100 active", unit: "MB/s", higher: true},
				{key: "rate many", label: "rate with 10,000 active", unit: "MB/s", higher: true},
			},
			run: manyPartitions,
		},
		{
			name: "connections", title: "Connections", rates: true, limit: 6 * time.Minute,
			workload: "5,000 idle connections that have asked for metadata; one client that sends a record when the last has been read",
			metrics: []metric{
				{key: "p99 kept", label: "p99 with idle connections ÷ without", unit: "", goal: 1.1, absolute: true},
				{key: "p99", label: "p99 with idle connections", unit: "ms"},
				{key: "each", label: "resident memory of a connection", unit: "KB", goal: 6, absolute: true},
			},
			run: connections,
		},
	}
}
