package confkey

// topicKeys are the topic keys, all of Kafka's and Milena's own.
var topicKeys = []Key{
	{
		Name: "cleanup.policy", Type: List, Default: "delete", Valid: []string{"compact", "delete"}, BrokerSynonyms: []string{"log.cleanup.policy"},
		Doc: "What happens to old data: delete (by age and size), compact (keep the newest of each key), or both. Empty keeps everything.",
	},
	{
		Name: "compression.gzip.level", Type: Int, Default: "-1", rule: gzipLevel, BrokerSynonyms: []string{"compression.gzip.level"},
		Doc: "Level used when compression.type is gzip; -1 is the library's default.",
	},
	{
		Name: "compression.lz4.level", Type: Int, Default: "9", limits: between(1, 17), BrokerSynonyms: []string{"compression.lz4.level"},
		Doc: "Level used when compression.type is lz4.",
	},
	{
		Name: "compression.type", Default: "producer", Valid: []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}, BrokerSynonyms: []string{"compression.type"},
		Doc: "Compression of stored batches. producer keeps each batch as it was sent; anything else makes the broker compress again.",
	},
	{
		Name: "compression.zstd.level", Type: Int, Default: "3", limits: between(-131072, 22), BrokerSynonyms: []string{"compression.zstd.level"},
		Doc: "Level used when compression.type is zstd.",
	},
	{
		Name: "delete.retention.ms", Type: Long, Default: "86400000", limits: atLeast(0), BrokerSynonyms: []string{"log.cleaner.delete.retention.ms"},
		Doc: "How long a compacted topic keeps tombstones, so that a reader from the start sees deletions.",
	},
	{
		Name: "errors.deadletterqueue.group.enable", Type: Boolean, Default: "false", Inert: true,
		Doc: "Whether share groups may write dead letters to this topic. Share groups do not exist in this version.",
	},
	{
		Name: "file.delete.delay.ms", Type: Long, Default: "60000", limits: atLeast(0), BrokerSynonyms: []string{"log.segment.delete.delay.ms"},
		Doc: "How long deleted files stay on disk under another name.",
	},
	{
		Name: "flush.messages", Type: Long, Default: "9223372036854775807", limits: atLeast(1), BrokerSynonyms: []string{"log.flush.interval.messages"},
		Doc: "Flush after this many records, whatever the durability mode.",
	},
	{
		Name: "flush.ms", Type: Long, Default: "9223372036854775807", limits: atLeast(0), BrokerSynonyms: []string{"log.flush.interval.ms", "log.flush.scheduler.interval.ms"},
		Doc: "Flush when a record has waited this long, whatever the durability mode.",
	},
	{
		Name: "follower.replication.throttled.replicas", Type: List, rule: throttledReplicas, Inert: true,
		Doc: "Replicas whose fetching is throttled: partition:broker pairs, or * for all.",
	},
	{
		Name: "index.interval.bytes", Type: Int, Default: "4096", limits: atLeast(0), BrokerSynonyms: []string{"log.index.interval.bytes"},
		Doc: "Bytes of log between two index entries.",
	},
	{
		Name: "internal.segment.bytes", Type: Int, Default: none, Internal: true,
		Doc: "Segment size for tests, without the lower bound of segment.bytes.",
	},
	{
		Name: "leader.replication.throttled.replicas", Type: List, rule: throttledReplicas, Inert: true,
		Doc: "Replicas whose reading by followers is throttled: partition:broker pairs, or * for all.",
	},
	{
		Name: "local.retention.bytes", Type: Long, Default: "-2", limits: atLeast(-2), BrokerSynonyms: []string{"log.local.retention.bytes"}, Inert: true,
		Doc: "Size kept locally of a tiered topic; -2 is retention.bytes.",
	},
	{
		Name: "local.retention.ms", Type: Long, Default: "-2", limits: atLeast(-2), BrokerSynonyms: []string{"log.local.retention.ms"}, Inert: true,
		Doc: "Age kept locally of a tiered topic; -2 is retention.ms.",
	},
	{
		Name: "max.compaction.lag.ms", Type: Long, Default: "9223372036854775807", limits: atLeast(1), BrokerSynonyms: []string{"log.cleaner.max.compaction.lag.ms"},
		Doc: "Longest time a record may stay uncompacted.",
	},
	{
		Name: "max.decompressed.message.bytes", Type: Int, Default: "2147483639", limits: between(1, 2147483639), BrokerSynonyms: []string{"max.decompressed.message.bytes"},
		Doc: "Largest decompressed size of one record, where the broker has to decompress. Records stored before it was lowered stop compaction.",
	},
	{
		Name: "max.message.bytes", Type: Int, Default: "1048588", limits: atLeast(0), BrokerSynonyms: []string{"message.max.bytes"},
		Doc: "Largest record batch accepted, after compression.",
	},
	{
		Name: "message.timestamp.after.max.ms", Type: Long, Default: "3600000", limits: atLeast(0), BrokerSynonyms: []string{"log.message.timestamp.after.max.ms"},
		Doc: "How far in the future a record's timestamp may lie before the record is refused.",
	},
	{
		Name: "message.timestamp.before.max.ms", Type: Long, Default: "9223372036854775807", limits: atLeast(0), BrokerSynonyms: []string{"log.message.timestamp.before.max.ms"},
		Doc: "How far in the past a record's timestamp may lie before the record is refused.",
	},
	{
		Name: "message.timestamp.type", Default: "CreateTime", Valid: []string{"CreateTime", "LogAppendTime"}, BrokerSynonyms: []string{"log.message.timestamp.type"},
		Doc: "Whether a record's timestamp is the producer's (CreateTime) or the moment it was appended (LogAppendTime).",
	},
	{
		Name: "min.cleanable.dirty.ratio", Type: Double, Default: "0.5", limits: between(0, 1), BrokerSynonyms: []string{"log.cleaner.min.cleanable.ratio"},
		Doc: "Share of the log that must be uncompacted before compaction is worth it.",
	},
	{
		Name: "min.compaction.lag.ms", Type: Long, Default: "0", limits: atLeast(0), BrokerSynonyms: []string{"log.cleaner.min.compaction.lag.ms"},
		Doc: "Shortest time a record stays untouched by compaction.",
	},
	{
		Name: "min.insync.replicas", Type: Int, Default: "1", limits: atLeast(1), BrokerSynonyms: []string{"min.insync.replicas"},
		Doc: "Replicas that must have a record before acks=all is confirmed.",
	},
	{
		Name: "preallocate", Type: Boolean, Default: "false", BrokerSynonyms: []string{"log.preallocate"},
		Doc: "Reserve a new segment's disk space at once.",
	},
	{
		Name: "remote.copy.lag.bytes", Type: Long, Default: "-1", limits: atLeast(-1), BrokerSynonyms: []string{"log.remote.copy.lag.bytes"}, Inert: true,
		Doc: "Delay by size before a segment is tiered.",
	},
	{
		Name: "remote.copy.lag.ms", Type: Long, Default: "0", limits: atLeast(-1), BrokerSynonyms: []string{"log.remote.copy.lag.ms"}, Inert: true,
		Doc: "Delay by time before a segment is tiered.",
	},
	{
		Name: "remote.log.copy.disable", Type: Boolean, Default: "false", rule: noTiering, Inert: true,
		Doc: "Stop copying to tiered storage. Tiered storage does not exist in this version.",
	},
	{
		Name: "remote.log.delete.on.disable", Type: Boolean, Default: "false", rule: noTiering, Inert: true,
		Doc: "Delete tiered data when tiering is switched off. Tiered storage does not exist in this version.",
	},
	{
		Name: "remote.storage.enable", Type: Boolean, Default: "false", rule: noTiering, Inert: true,
		Doc: "Keep old segments in tiered storage. Tiered storage does not exist in this version.",
	},
	{
		Name: "retention.bytes", Type: Long, Default: "-1", BrokerSynonyms: []string{"log.retention.bytes"},
		Doc: "Size of one partition above which its oldest segments are deleted; -1 is without limit.",
	},
	{
		Name: "retention.ms", Type: Long, Default: "604800000", limits: atLeast(-1), BrokerSynonyms: []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
		Doc: "Age above which segments are deleted; -1 is without limit.",
	},
	{
		Name: "segment.bytes", Type: Int, Default: "1073741824", limits: atLeast(1048576), BrokerSynonyms: []string{"log.segment.bytes"},
		Doc: "Size at which a segment is rolled.",
	},
	{
		Name: "segment.index.bytes", Type: Int, Default: "10485760", limits: atLeast(4), BrokerSynonyms: []string{"log.index.size.max.bytes"},
		Doc: "Largest size of an index file; a segment rolls when its index is full.",
	},
	{
		Name: "segment.jitter.ms", Type: Long, Default: "0", limits: atLeast(0), BrokerSynonyms: []string{"log.roll.jitter.ms", "log.roll.jitter.hours"},
		Doc: "Largest random time taken off segment.ms, so that segments do not all roll together.",
	},
	{
		Name: "segment.ms", Type: Long, Default: "604800000", limits: atLeast(1), BrokerSynonyms: []string{"log.roll.ms", "log.roll.hours"},
		Doc: "Age above which a segment is rolled even though it is not full, so that retention can act.",
	},
	{
		Name: "unclean.leader.election.enable", Type: Boolean, Default: "false", BrokerSynonyms: []string{"unclean.leader.election.enable"}, Inert: true,
		Doc: "Whether a replica that is behind may become leader when no other is left, at the price of losing records.",
	},
}
