package confkey

// groupCoordinatorKeys are the keys of consumer groups and committed offsets.
var groupCoordinatorKeys = []Key{
	{
		Name: "group.coordinator.append.linger.ms", Type: Int, Default: "-1", limits: atLeast(-1), Inert: true,
		Doc: "How long a group coordinator gathers records before writing. Writes gather by themselves while a flush is under way here.",
	},
	{
		Name: "group.coordinator.background.threads", Type: Int, Default: "2", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Threads for Kafka's assignors and expressions.",
	},
	{
		Name: "group.coordinator.cached.buffer.max.bytes", Type: Int, Default: "1048588", limits: atLeast(524288), Dynamic: ClusterWide, Inert: true,
		Doc: "Largest buffer that Kafka's group coordinator keeps.",
	},
	{
		Name: "group.coordinator.rebalance.protocols", Type: List, Default: "classic,consumer,streams", Valid: []string{"consumer", "classic", "share", "streams"}, Inert: true,
		Doc: "Rebalance protocols Kafka offers. This version serves classic groups.",
	},
	{
		Name: "group.coordinator.threads", Type: Int, Default: "4", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Threads of Kafka's group coordinator. Each shard is one event loop here.",
	},
	{
		Name: "group.initial.rebalance.delay.ms", Type: Int, Default: "3000", limits: atLeast(0),
		Doc: "How long an empty group waits for more members before its first rebalance. A node started without a configuration file uses 0.",
	},
	{
		Name: "group.max.session.timeout.ms", Type: Int, Default: "1800000", limits: atLeast(1),
		Doc: "Longest session timeout a group member may ask for.",
	},
	{
		Name: "group.max.size", Type: Int, Default: "2147483647", limits: atLeast(1),
		Doc: "Members that one group may have.",
	},
	{
		Name: "group.min.session.timeout.ms", Type: Int, Default: "6000", limits: atLeast(1),
		Doc: "Shortest session timeout a group member may ask for.",
	},
	{
		Name: "offset.metadata.max.bytes", Type: Int, Default: "4096", limits: atLeast(0), Importance: High,
		Doc: "Longest text that may be stored with a committed offset.",
	},
	{
		Name: "offsets.commit.timeout.ms", Type: Int, Default: "5000", limits: atLeast(1), Importance: High,
		Doc: "Longest wait for the replicas of a committed offset.",
	},
	{
		Name: "offsets.load.buffer.size", Type: Int, Default: "5242880", limits: atLeast(1), Importance: High,
		Doc: "Bytes read at a time when groups are loaded.",
	},
	{
		Name: "offsets.retention.check.interval.ms", Type: Long, Default: "600000", limits: atLeast(1), Importance: High,
		Doc: "How often committed offsets are checked for expiry.",
	},
	{
		Name: "offsets.retention.minutes", Type: Int, Default: "10080", limits: atLeast(1), Importance: High,
		Doc: "How long offsets of a group without members are kept.",
	},
	{
		Name: "offsets.topic.compression.codec", Type: Int, Default: "0", limits: between(0, 4), Importance: High,
		Doc: "Compression of __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.",
	},
	{
		Name: "offsets.topic.num.partitions", Type: Int, Default: "50", limits: atLeast(1), Importance: High,
		Doc: "Partitions of __consumer_offsets. Must not change once the topic exists.",
	},
	{
		Name: "offsets.topic.replication.factor", Type: Short, Default: "1", limits: atLeast(1), Importance: High,
		Doc: "Replicas of __consumer_offsets.",
	},
	{
		Name: "offsets.topic.segment.bytes", Type: Int, Default: "104857600", limits: atLeast(1), Importance: High,
		Doc: "Segment size of __consumer_offsets; small, so that compaction and loading are quick.",
	},
}
