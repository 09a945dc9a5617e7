// Package config gathers a node's settings from where people put them and
// turns them into checked confkey.Values.
//
// Sources, the strongest first:
//
//	flags        --data-dir, --listen, --http
//	--set        --set log.retention.ms=86400000
//	environment  KAFKA_LOG_RETENTION_MS=86400000
//	file         --config server.properties
//	defaults     the table in package confkey
//
// All names are Kafka's. In the environment, after the prefix KAFKA_, one
// underscore stands for a dot, two for an underscore and three for a hyphen, as
// in Kafka's container image. Variables that configure Java (KAFKA_HEAP_OPTS)
// or that other programs use (KAFKA_PORT of a Kubernetes service) are passed
// over. In a file, a later line wins over an earlier one with the same key.
//
// A setting that is unknown, malformed or out of range stops the start. Every
// such setting is reported at once, each with where it came from and, for an
// unknown one, the nearest name that exists.
//
// Concurrency: functions are pure but for reading the file; the result is a
// plain value that nobody changes.
package config
