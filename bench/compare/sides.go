//go:build linux

package main

// side is one broker in one configuration.
type side struct {
	name       string
	kafka      bool
	durability string
	reason     string
	properties map[string]string
	heap       string
	jvm        []string
	extra      bool // beside the comparison: only in the first rounds
}

// Kafka's own defaults hold wherever a side says nothing. Data that a topic's
// deletion frees goes after a second on both sides, not after a minute: a run
// must not leave its disk space to the next.
var (
	flushed = side{
		name: "Milena flushed", durability: "on disk before acks=all is answered; the default",
	}
	relaxed = side{
		name: "Milena relaxed", extra: true, durability: "page cache, like Kafka", properties: map[string]string{"log.durability.mode": "relaxed"},
	}
	kafkaDefault = side{
		name: "Kafka default", kafka: true, durability: "page cache", reason: "1 GB heap and G1, as its start script has it",
	}
	kafkaTuned = side{
		name: "Kafka tuned", kafka: true, durability: "page cache", heap: "4g",
		// On one processor a concurrent collector takes time from the threads that
		// serve; a stop-the-world one with a large young generation seldom runs and
		// needs no barriers. Large socket buffers save system calls.
		reason: "4 GB heap of which 3 GB young, parallel collector, 1 MB socket buffers",
		jvm:    []string{"-XX:-UseG1GC", "-XX:+UseParallelGC", "-Xmn3g", "-XX:+AlwaysPreTouch"},
		properties: map[string]string{
			"socket.send.buffer.bytes": "1048576", "socket.receive.buffer.bytes": "1048576",
			"num.recovery.threads.per.data.dir": "4",
		},
	}
	kafkaSmall = side{
		name: "Kafka small", kafka: true, durability: "page cache", heap: "384m",
		reason: "a heap that grows from 64 to 384 MB and the serial collector, for little memory and a quick start",
		jvm:    []string{"-XX:-UseG1GC", "-XX:+UseSerialGC", "-Xms64m"},
	}
	kafkaFlush = side{
		name: "Kafka flush=1", kafka: true, extra: true, durability: "flush.messages=1: on disk before the answer",
		properties: map[string]string{"log.flush.interval.messages": "1"},
	}
	kafkaFlushTuned = side{
		name: "Kafka flush=1 tuned", kafka: true, durability: "flush.messages=1: on disk before the answer", heap: "4g",
		// A flush blocks a request handler, so more of them flush side by side.
		reason: "as tuned, with 64 request handlers",
		jvm:    kafkaTuned.jvm,
		properties: map[string]string{
			"log.flush.interval.messages": "1", "num.io.threads": "64",
			"socket.send.buffer.bytes": "1048576", "socket.receive.buffer.bytes": "1048576",
		},
	}
)

var everySide = []side{flushed, relaxed, kafkaDefault, kafkaTuned, kafkaSmall, kafkaFlush, kafkaFlushTuned}

// common is set on both brokers.
var common = map[string]string{"log.segment.delete.delay.ms": "1000"}
