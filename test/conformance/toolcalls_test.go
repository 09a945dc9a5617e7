package conformance

// toolCall is one invocation of a tool of Kafka. In its arguments $ stands for
// the prefix of this run's names, <broker> for the address and <dir> for a
// directory with files to give to tools.
type toolCall struct {
	name    string
	class   string
	args    []string
	input   string
	all     bool   // the output is about everything: only lines with our names count
	only    string // only lines with this text count
	numbers bool   // it prints what it measured
}

func call(name, class string, args ...string) toolCall {
	return toolCall{name: name, class: class, args: args}
}

func (c toolCall) ours() toolCall                 { c.all = true; return c }
func (c toolCall) linesWith(text string) toolCall { c.only = text; return c }
func (c toolCall) typing(text string) toolCall    { c.input = text; return c }
func (c toolCall) measuring() toolCall            { c.numbers = true; return c }

const (
	topics  = "TopicCommand"
	groups  = "ConsumerGroupCommand"
	configs = "ConfigCommand"
	offsets = "GetOffsetsCommand"
	consume = "ConsoleConsumer"
)

var toolCalls = []toolCall{
	call("topics list", topics, "--list").ours(),
	call("topics describe", topics, "--describe", "--topic", "$orders"),
	call("topics describe, overridden", topics, "--describe", "--topics-with-overrides").ours(),
	call("topics describe, under-replicated", topics, "--describe", "--under-replicated-partitions").ours(),
	call("topics describe, unknown", topics, "--describe", "--topic", "$nothing"),
	call("topics create", topics, "--create", "--topic", "$made", "--partitions", "2", "--replication-factor", "1", "--config", "segment.bytes=2000000", "--config", "compression.type=zstd"),
	call("topics create, defaults", topics, "--create", "--topic", "$plain"),
	call("topics create, exists", topics, "--create", "--topic", "$orders"),
	call("topics create, if not exists", topics, "--create", "--topic", "$orders", "--if-not-exists"),
	call("topics create, bad name", topics, "--create", "--topic", "$a/b"),
	call("topics create, bad config", topics, "--create", "--topic", "$bad", "--config", "retention.ms=x"),
	call("topics create, three replicas", topics, "--create", "--topic", "$three", "--replication-factor", "3"),
	call("topics create, assigned", topics, "--create", "--topic", "$assigned", "--replica-assignment", "1,1"),
	call("topics describe, made", topics, "--describe", "--topic", "$made"),
	call("topics alter, more", topics, "--alter", "--topic", "$made", "--partitions", "4"),
	call("topics alter, fewer", topics, "--alter", "--topic", "$orders", "--partitions", "1"),
	call("topics describe, several", topics, "--describe", "--topic", "$made|$plain|$assigned"),

	call("produce", "ConsoleProducer", "--topic", "$made").typing("one\ntwo\nthree\n"),
	call("produce, keys and headers", "ConsoleProducer", "--topic", "$plain", "--reader-property", "parse.key=true", "--reader-property", "parse.headers=true", "--reader-property", "null.marker=NULL").typing("h1:v1,h2:v2\tkey1\tvalue1\nh:x\tkey2\tNULL\n"),
	call("produce, compressed, acks 1", "ConsoleProducer", "--topic", "$plain", "--compression-codec", "lz4", "--request-required-acks", "1").typing("squeezed\nflat\n"),
	call("produce, acks 0", "ConsoleProducer", "--topic", "$plain", "--request-required-acks", "0", "--sync").typing("thrown\n"),
	call("produce, new topic", "ConsoleProducer", "--topic", "$auto", "--command-property", "enable.idempotence=false").typing("first\n"),
	call("produce, key missing", "ConsoleProducer", "--topic", "$plain", "--reader-property", "parse.key=true").typing("no separator\n"),
	call("consume", consume, "--topic", "$plain", "--from-beginning", "--max-messages", "5",
		"--formatter-property", "print.key=true", "--formatter-property", "print.headers=true", "--formatter-property", "print.offset=true", "--formatter-property", "print.partition=true", "--formatter-property", "print.timestamp=true"),
	call("consume, several partitions", consume, "--topic", "$made", "--from-beginning", "--max-messages", "3"),
	call("consume, new topic", consume, "--topic", "$auto", "--from-beginning", "--max-messages", "1"),
	call("consume, from offset", consume, "--topic", "$orders", "--partition", "0", "--offset", "1", "--max-messages", "2"),
	call("consume, as a group", consume, "--topic", "$orders", "--group", "$readers", "--from-beginning", "--max-messages", "4"),
	call("consume, committed", consume, "--topic", "$plain", "--partition", "0", "--offset", "earliest", "--max-messages", "2", "--isolation-level", "read_committed"),
	call("consume, nothing", consume, "--topic", "$empty", "--from-beginning", "--timeout-ms", "1500"),
	call("consume, by pattern", consume, "--include", "$mad.*", "--from-beginning", "--max-messages", "3"),

	call("groups list", groups, "--list", "--state").ours(),
	call("groups list, types", groups, "--list", "--type").ours(),
	call("groups list, stable", groups, "--list", "--state", "stable").ours(),
	call("groups, all protocols", "GroupsCommand", "--list").ours(),
	call("groups describe", groups, "--describe", "--group", "$billing"),
	call("groups describe, readers", groups, "--describe", "--group", "$readers"),
	call("groups describe, several", groups, "--describe", "--group", "$readers", "--group", "$billing", "--state"),
	call("groups describe, state", groups, "--describe", "--group", "$active", "--state"),
	call("groups describe, members", groups, "--describe", "--group", "$active", "--members", "--verbose"),
	call("groups describe, active offsets", groups, "--describe", "--group", "$active", "--offsets", "--verbose"),
	call("groups describe, unknown", groups, "--describe", "--group", "$nobody"),
	call("groups delete, not empty", groups, "--delete", "--group", "$active"),
	call("groups reset", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders", "--to-earliest", "--dry-run"),
	call("groups reset, latest", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders", "--to-latest", "--execute"),
	call("groups reset, shift", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders:0,2", "--shift-by", "-1", "--execute"),
	call("groups reset, out of range", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders:0", "--to-offset", "99", "--execute"),
	call("groups reset, by time", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders", "--to-datetime", "2020-01-01T00:00:00.000", "--dry-run"),
	call("groups reset, by duration", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders", "--by-duration", "PT1S", "--dry-run"),
	call("groups reset, plan", groups, "--reset-offsets", "--group", "$billing", "--from-file", "<dir>/plan.csv", "--execute"),
	call("groups reset, export", groups, "--reset-offsets", "--group", "$billing", "--topic", "$orders", "--to-current", "--dry-run", "--export"),
	call("groups reset, active", groups, "--reset-offsets", "--group", "$active", "--topic", "$orders", "--to-earliest", "--execute"),
	call("groups reset, unknown topic", groups, "--reset-offsets", "--group", "$billing", "--topic", "$nothing", "--to-earliest", "--execute"),
	call("groups delete offsets", groups, "--delete-offsets", "--group", "$billing", "--topic", "$orders:0"),
	call("groups delete offsets, active", groups, "--delete-offsets", "--group", "$active", "--topic", "$orders"),
	call("groups describe, after", groups, "--describe", "--group", "$billing"),
	call("groups delete", groups, "--delete", "--group", "$idle", "--group", "$nobody"),

	call("configs describe", configs, "--describe", "--topic", "$orders"),
	call("configs describe, all", configs, "--describe", "--all", "--topic", "$orders"),
	call("configs describe, unknown topic", configs, "--describe", "--topic", "$nothing"),
	call("configs alter", configs, "--alter", "--topic", "$orders", "--add-config", "retention.ms=5000000,min.insync.replicas=1"),
	call("configs alter, list", configs, "--alter", "--topic", "$orders", "--add-config", "cleanup.policy=[delete,compact]"),
	call("configs alter, bad", configs, "--alter", "--topic", "$orders", "--add-config", "retention.ms=x"),
	call("configs alter, unknown key", configs, "--alter", "--topic", "$orders", "--add-config", "no.such.key=1"),
	call("configs delete", configs, "--alter", "--topic", "$orders", "--delete-config", "min.insync.replicas"),
	call("configs delete, not set", configs, "--alter", "--topic", "$orders", "--delete-config", "flush.ms"),
	call("configs describe, after", configs, "--describe", "--topic", "$orders"),
	call("configs alter, broker", configs, "--alter", "--broker", "1", "--add-config", "log.cleaner.backoff.ms=14000"),
	call("configs describe, broker", configs, "--describe", "--broker", "1"),
	call("configs delete, broker", configs, "--alter", "--broker", "1", "--delete-config", "log.cleaner.backoff.ms"),
	call("configs alter, all brokers", configs, "--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.cleaner.backoff.ms=16000"),
	call("configs describe, all brokers", configs, "--describe", "--entity-type", "brokers", "--entity-default"),
	call("configs delete, all brokers", configs, "--alter", "--entity-type", "brokers", "--entity-default", "--delete-config", "log.cleaner.backoff.ms"),
	call("configs alter, read-only", configs, "--alter", "--broker", "1", "--add-config", "log.dirs=/tmp"),
	call("configs alter, group", configs, "--alter", "--group", "$billing", "--add-config", "consumer.session.timeout.ms=50000"),
	call("configs describe, group", configs, "--describe", "--group", "$billing"),

	call("offsets", offsets, "--topic", "$orders"),
	call("offsets, earliest", offsets, "--topic", "$orders", "--time", "earliest"),
	call("offsets, newest record", offsets, "--topic", "$orders", "--time", "max-timestamp"),
	call("offsets, by time", offsets, "--topic", "$orders", "--time", "1600000000000"),
	call("offsets, partitions", offsets, "--topic-partitions", "$orders:0,$orders:2-3,$empty"),
	call("offsets, unknown", offsets, "--topic", "$nothing"),
	call("delete records", "DeleteRecordsCommand", "--offset-json-file", "<dir>/records.json"),
	call("offsets, after deletion", offsets, "--topic", "$orders", "--time", "earliest"),
	call("log dirs", "LogDirsCommand", "--describe", "--topic-list", "$orders"),
	call("producers", "TransactionsCommand", "describe-producers", "--topic", "$empty", "--partition", "0"),
	call("endpoints", "ClusterTool", "list-endpoints"),
	call("features", "FeatureCommand", "describe"),
	call("quorum", "MetadataQuorumCommand", "describe", "--status").linesWith("LeaderId"),
	call("api versions", "BrokerApiVersionsCommand").linesWith("Fetch(1)"),

	call("performance, produce", "ProducerPerformance", "--topic", "$made", "--num-records", "2000", "--record-size", "100", "--throughput", "-1").measuring(),
	call("performance, consume", "ConsumerPerformance", "--topic", "$made", "--num-records", "2000").measuring(),
	call("latency", "EndToEndLatency", "--topic", "$empty", "--num-records", "50", "--producer-acks", "all", "--record-size", "20").measuring(),
	call("verifiable producer", "VerifiableProducer", "--topic", "$verified", "--max-messages", "20", "--throughput", "-1", "--acks", "-1").measuring(),
	call("verifiable producer, keys", "VerifiableProducer", "--topic", "$verified", "--max-messages", "6", "--repeating-keys", "2", "--value-prefix", "3").measuring(),
	call("verifiable consumer", "VerifiableConsumer", "--topic", "$verified", "--group-id", "$verifiers", "--max-messages", "26", "--reset-policy", "earliest"),
	call("offsets, verified", offsets, "--topic", "$verified"),

	call("topics delete", topics, "--delete", "--topic", "$made"),
	call("topics delete, unknown", topics, "--delete", "--topic", "$nothing"),
	call("topics delete, if exists", topics, "--delete", "--topic", "$nothing", "--if-exists"),
	call("topics list, after", topics, "--list").ours(),
}
