package confkey

// logKeys are the keys of the log: directories, segments, flushing, retention, compaction.
var logKeys = []Key{
	{
		Name: "auto.create.topics.enable", Type: Boolean, Default: "true", Importance: High,
		Doc: "Create a topic with default settings when a client asks for one that does not exist.",
	},
	{
		Name: "compression.gzip.level", Type: Int, Default: "-1", rule: gzipLevel, Dynamic: ClusterWide,
		Doc: "Level used where compression.type makes the broker compress with gzip; -1 is the library's default.",
	},
	{
		Name: "compression.lz4.level", Type: Int, Default: "9", limits: between(1, 17), Dynamic: ClusterWide,
		Doc: "Level used where compression.type makes the broker compress with lz4.",
	},
	{
		Name: "compression.type", Default: "producer", Valid: []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}, Importance: High, Dynamic: ClusterWide,
		Doc: "Compression of stored batches. producer keeps each batch as it was sent; anything else makes the broker compress again.",
	},
	{
		Name: "compression.zstd.level", Type: Int, Default: "3", limits: between(-131072, 22), Dynamic: ClusterWide,
		Doc: "Level used where compression.type makes the broker compress with zstd.",
	},
	{
		Name: "default.replication.factor", Type: Int, Default: "1", limits: atLeast(1),
		Doc: "Replicas of topics that are created without saying how many.",
	},
	{
		Name: "delete.topic.enable", Type: Boolean, Default: "true", Importance: High,
		Doc: "Whether topics can be deleted.",
	},
	{
		Name: "log.cleaner.backoff.ms", Type: Long, Default: "15000", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Pause of Kafka's cleaner when there is nothing to compact. Compaction is scheduled by need here.",
	},
	{
		Name: "log.cleaner.dedupe.buffer.size", Type: Long, Default: "134217728", Dynamic: ClusterWide, Inert: true,
		Doc: "Memory for the key map of Kafka's cleaner. The map here has a fixed bound.",
	},
	{
		Name: "log.cleaner.delete.retention.ms", Type: Long, Default: "86400000", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "How long a compacted topic keeps tombstones, so that a reader from the start sees deletions.",
	},
	{
		Name: "log.cleaner.enable", Type: Boolean, Default: "true", Inert: true,
		Doc: "Whether compaction runs. It always does here.",
	},
	{
		Name: "log.cleaner.io.buffer.load.factor", Type: Double, Default: "0.9", Dynamic: ClusterWide, Inert: true,
		Doc: "Fill limit of Kafka's key map. The map here has a fixed one.",
	},
	{
		Name: "log.cleaner.io.buffer.size", Type: Int, Default: "524288", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Buffers of Kafka's cleaner. They are sized by need here.",
	},
	{
		Name: "log.cleaner.io.max.bytes.per.second", Type: Double, Default: "1.7976931348623157E308", Dynamic: ClusterWide,
		Doc: "Limit of bytes read and written by compaction, so that it leaves the disk to clients.",
	},
	{
		Name: "log.cleaner.max.compaction.lag.ms", Type: Long, Default: "9223372036854775807", limits: atLeast(1), Dynamic: ClusterWide,
		Doc: "Longest time a record of a compacted topic may stay uncompacted.",
	},
	{
		Name: "log.cleaner.min.cleanable.ratio", Type: Double, Default: "0.5", limits: between(0, 1), Dynamic: ClusterWide,
		Doc: "Share of a log that must be uncompacted before compaction is worth it.",
	},
	{
		Name: "log.cleaner.min.compaction.lag.ms", Type: Long, Default: "0", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "Shortest time a record of a compacted topic stays untouched.",
	},
	{
		Name: "log.cleaner.threads", Type: Int, Default: "1", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Kafka's number of compaction threads. One housekeeper per directory compacts here.",
	},
	{
		Name: "log.cleanup.policy", Type: List, Default: "delete", Valid: []string{"compact", "delete"}, Dynamic: ClusterWide,
		Doc: "What happens to old data: delete (by age and size), compact (keep the newest of each key), or both.",
	},
	{
		Name: "log.dir", Type: List, Default: "./milena-data", Importance: High,
		Doc: "Where data is kept, when log.dirs is not set.",
	},
	{
		Name: "log.dirs", Type: List, Default: none, rule: oneDirectory, Importance: High,
		Doc: "Directory where data is kept. This version uses one.",
	},
	{
		Name: "log.dir.failure.timeout.ms", Type: Long, Default: "30000", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "How long Kafka may fail to report a failed directory before it stops.",
	},
	{
		Name: "cordoned.log.dirs", Type: List, Dynamic: PerBroker, Inert: true,
		Doc: "Directories that take no new partitions. With one directory there is nothing to choose.",
	},
	{
		Name: "log.flush.interval.messages", Type: Long, Default: "9223372036854775807", limits: atLeast(1), Importance: High, Dynamic: ClusterWide,
		Doc: "Flush a log after this many records, whatever its durability mode.",
	},
	{
		Name: "log.flush.interval.ms", Type: Long, Default: none, Importance: High, Dynamic: ClusterWide, BrokerSynonyms: []string{"log.flush.interval.ms", "log.flush.scheduler.interval.ms"},
		Doc: "Flush a log when a record has waited this long, whatever its durability mode.",
	},
	{
		Name: "log.flush.offset.checkpoint.interval.ms", Type: Int, Default: "60000", limits: atLeast(0), Importance: High,
		Doc: "How often the flushed position of every log is written down; recovery starts from it.",
	},
	{
		Name: "log.flush.scheduler.interval.ms", Type: Long, Default: "9223372036854775807", Importance: High,
		Doc: "Used as log.flush.interval.ms when that is not set.",
	},
	{
		Name: "log.flush.start.offset.checkpoint.interval.ms", Type: Int, Default: "60000", limits: atLeast(0), Importance: High, Inert: true,
		Doc: "How often first offsets are written down. They are written with log.flush.offset.checkpoint.interval.ms here.",
	},
	{
		Name: "log.index.interval.bytes", Type: Int, Default: "4096", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "Bytes of log between two index entries.",
	},
	{
		Name: "log.index.size.max.bytes", Type: Int, Default: "10485760", limits: atLeast(4), Dynamic: ClusterWide,
		Doc: "Largest size of an index file; a segment rolls when its index is full.",
	},
	{
		Name: "log.local.retention.bytes", Type: Long, Default: "-2", limits: atLeast(-2), Dynamic: ClusterWide, Inert: true,
		Doc: "Size kept locally of a tiered topic. Tiered storage does not exist in this version.",
	},
	{
		Name: "log.local.retention.ms", Type: Long, Default: "-2", limits: atLeast(-2), Dynamic: ClusterWide, Inert: true,
		Doc: "Age kept locally of a tiered topic. Tiered storage does not exist in this version.",
	},
	{
		Name: "log.remote.copy.lag.bytes", Type: Long, Default: "-1", limits: atLeast(-1), Dynamic: ClusterWide, Inert: true,
		Doc: "Delay by size before a segment is tiered. Tiered storage does not exist in this version.",
	},
	{
		Name: "log.remote.copy.lag.ms", Type: Long, Default: "0", limits: atLeast(-1), Dynamic: ClusterWide, Inert: true,
		Doc: "Delay by time before a segment is tiered. Tiered storage does not exist in this version.",
	},
	{
		Name: "log.message.timestamp.after.max.ms", Type: Long, Default: "3600000", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "How far in the future a record's timestamp may lie before the record is refused.",
	},
	{
		Name: "log.message.timestamp.before.max.ms", Type: Long, Default: "9223372036854775807", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "How far in the past a record's timestamp may lie before the record is refused.",
	},
	{
		Name: "log.message.timestamp.type", Default: "CreateTime", Valid: []string{"CreateTime", "LogAppendTime"}, Dynamic: ClusterWide,
		Doc: "Whether a record's timestamp is the producer's (CreateTime) or the moment it was appended (LogAppendTime).",
	},
	{
		Name: "log.preallocate", Type: Boolean, Default: "false", Dynamic: ClusterWide,
		Doc: "Reserve a new segment's disk space at once.",
	},
	{
		Name: "log.retention.bytes", Type: Long, Default: "-1", Importance: High, Dynamic: ClusterWide,
		Doc: "Size of one partition above which its oldest segments are deleted; -1 is without limit.",
	},
	{
		Name: "log.retention.check.interval.ms", Type: Long, Default: "300000", limits: atLeast(1),
		Doc: "How often logs are checked for segments to delete.",
	},
	{
		Name: "log.retention.hours", Type: Int, Default: "168", rule: someRetention, Importance: High, BrokerSynonyms: []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
		Doc: "Used as log.retention.ms, in hours, when neither it nor log.retention.minutes is set.",
	},
	{
		Name: "log.retention.minutes", Type: Int, Default: none, rule: someRetention, Importance: High, BrokerSynonyms: []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
		Doc: "Used as log.retention.ms, in minutes, when that is not set.",
	},
	{
		Name: "log.retention.ms", Type: Long, Default: none, rule: someRetentionMs, Importance: High, Dynamic: ClusterWide, BrokerSynonyms: []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
		Doc: "Age above which segments are deleted; -1 is without limit.",
	},
	{
		Name: "log.roll.hours", Type: Int, Default: "168", limits: atLeast(1), Importance: High, BrokerSynonyms: []string{"log.roll.ms", "log.roll.hours"},
		Doc: "Used as log.roll.ms, in hours, when that is not set.",
	},
	{
		Name: "log.roll.jitter.hours", Type: Int, Default: "0", limits: atLeast(0), Importance: High, BrokerSynonyms: []string{"log.roll.jitter.ms", "log.roll.jitter.hours"},
		Doc: "Used as log.roll.jitter.ms, in hours, when that is not set.",
	},
	{
		Name: "log.roll.jitter.ms", Type: Long, Default: none, limits: atLeast(0), Importance: High, Dynamic: ClusterWide, BrokerSynonyms: []string{"log.roll.jitter.ms", "log.roll.jitter.hours"},
		Doc: "Largest random time taken off log.roll.ms, so that segments do not all roll together.",
	},
	{
		Name: "log.roll.ms", Type: Long, Default: none, limits: atLeast(1), Importance: High, Dynamic: ClusterWide, BrokerSynonyms: []string{"log.roll.ms", "log.roll.hours"},
		Doc: "Age above which a segment is rolled even though it is not full, so that retention can act.",
	},
	{
		Name: "log.segment.bytes", Type: Int, Default: "1073741824", limits: atLeast(1048576), Importance: High, Dynamic: ClusterWide,
		Doc: "Size at which a segment is rolled.",
	},
	{
		Name: "log.segment.delete.delay.ms", Type: Long, Default: "60000", limits: atLeast(0), Importance: High, Dynamic: ClusterWide,
		Doc: "How long a deleted segment's or topic's files stay on disk under another name.",
	},
	{
		Name: "max.decompressed.message.bytes", Type: Int, Default: "2147483639", limits: between(1, 2147483639), Dynamic: ClusterWide,
		Doc: "Largest decompressed size of one record, where the broker has to decompress. Records stored before it was lowered stop compaction.",
	},
	{
		Name: "message.max.bytes", Type: Int, Default: "1048588", limits: atLeast(0), Importance: High, Dynamic: ClusterWide,
		Doc: "Largest record batch accepted, after compression.",
	},
	{
		Name: "min.insync.replicas", Type: Int, Default: "1", limits: atLeast(1), Importance: High, Dynamic: ClusterWide,
		Doc: "Replicas that must have a record before acks=all is confirmed.",
	},
	{
		Name: "num.partitions", Type: Int, Default: "1", limits: atLeast(1),
		Doc: "Partitions of topics that are created without saying how many.",
	},
	{
		Name: "num.recovery.threads.per.data.dir", Type: Int, Default: "2", limits: atLeast(1), Importance: High, Dynamic: ClusterWide,
		Doc: "Logs opened and recovered in parallel at start, and flushed in parallel at shutdown.",
	},
	{
		Name: "producer.id.expiration.ms", Type: Int, Default: "86400000", limits: atLeast(1), Importance: Low, Dynamic: ClusterWide,
		Doc: "How long the last sequence numbers of an idle idempotent producer are remembered.",
	},
	{
		Name: "unclean.leader.election.enable", Type: Boolean, Default: "false", Importance: High, Dynamic: ClusterWide, Inert: true,
		Doc: "Whether a replica that is behind may become leader when no other is left, at the price of losing records.",
	},
}
