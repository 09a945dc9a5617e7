package main

// feature is a row of the table.
type feature struct{ id, text string }

// features are what every client is asked for, in the order of the table.
var features = []feature{
	{"produce-none", "Produce and read back, uncompressed"},
	{"produce-gzip", "… gzip"},
	{"produce-snappy", "… snappy"},
	{"produce-lz4", "… lz4"},
	{"produce-zstd", "… zstd"},
	{"acks-0", "acks=0"},
	{"acks-1", "acks=1"},
	{"acks-all", "acks=all"},
	{"group-rebalance", "Group of two: join, share, leave, take over"},
	{"commit-sync", "Commit and wait, resume"},
	{"commit-async", "Commit in the background, resume"},
	{"seek-offset", "Seek to an offset"},
	{"seek-beginning", "Seek to the beginning"},
	{"seek-end", "Seek to the end"},
	{"seek-timestamp", "Seek to a timestamp"},
	{"reset-earliest", "auto.offset.reset=earliest"},
	{"reset-latest", "auto.offset.reset=latest"},
	{"idempotence", "Idempotent producer"},
	{"list-topics", "List topics"},
	{"create-topic", "Create a topic"},
	{"alter-topic", "Add partitions"},
	{"delete-topic", "Delete a topic"},
	{"describe-configs", "Describe configs"},
	{"alter-configs", "Alter configs"},
	{"list-groups", "List and describe groups"},
}

// clients are the folders, in the order of the table.
var clients = []string{
	"java", "java3", "java2", "librdkafka", "kcat", "franz", "sarama", "segmentio",
	"kafkajs", "confluent-js", "kafka-python", "aiokafka",
}
