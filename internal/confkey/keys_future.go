package confkey

// futureKeys are Kafka's keys of transactions, KIP-848, share and streams groups: known and checked, so that existing files load, and put to use as those features arrive.
var futureKeys = []Key{
	{
		Name: "add.partitions.to.txn.retry.backoff.max.ms", Type: Int, Default: "100", limits: atLeast(0), Importance: High, Inert: true,
		Doc: "Longest server-side retry of adding a partition to a transaction.",
	},
	{
		Name: "add.partitions.to.txn.retry.backoff.ms", Type: Int, Default: "20", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Pause of that retry.",
	},
	{
		Name: "errors.deadletterqueue.auto.create.topics.enable", Type: Boolean, Default: "false", Dynamic: ClusterWide, Inert: true,
		Doc: "Whether dead letter topics of share groups are created when needed.",
	},
	{
		Name: "errors.deadletterqueue.topic.name.prefix", Default: "dlq.", Dynamic: ClusterWide, Inert: true,
		Doc: "Prefix that names of dead letter topics must have.",
	},
	{
		Name: "group.consumer.assignment.interval.ms", Type: Int, Default: "1000", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Shortest time between two assignments of a consumer group.",
	},
	{
		Name: "group.consumer.assignors", Type: List, Default: "uniform,range", Inert: true,
		Doc: "Server-side assignors of consumer groups.",
	},
	{
		Name: "group.consumer.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), Inert: true,
		Doc: "Heartbeat interval of consumer group members.",
	},
	{
		Name: "group.consumer.max.assignment.interval.ms", Type: Int, Default: "15000", limits: atLeast(0), Inert: true,
		Doc: "Largest assignment interval a group may set.",
	},
	{
		Name: "group.consumer.max.heartbeat.interval.ms", Type: Int, Default: "15000", limits: atLeast(1), Inert: true,
		Doc: "Largest heartbeat interval a group may set.",
	},
	{
		Name: "group.consumer.max.session.timeout.ms", Type: Int, Default: "60000", limits: atLeast(1), Inert: true,
		Doc: "Largest session timeout a group may set.",
	},
	{
		Name: "group.consumer.max.size", Type: Int, Default: "2147483647", limits: atLeast(1), Inert: true,
		Doc: "Members that one consumer group may have.",
	},
	{
		Name: "group.consumer.migration.policy", Default: "bidirectional", rule: migrationPolicy, Inert: true,
		Doc: "Whether groups may move between the classic and the consumer protocol.",
	},
	{
		Name: "group.consumer.min.assignment.interval.ms", Type: Int, Default: "0", limits: atLeast(0), Inert: true,
		Doc: "Smallest assignment interval a group may set.",
	},
	{
		Name: "group.consumer.min.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), Inert: true,
		Doc: "Smallest heartbeat interval a group may set.",
	},
	{
		Name: "group.consumer.min.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), Inert: true,
		Doc: "Smallest session timeout a group may set.",
	},
	{
		Name: "group.consumer.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), Inert: true,
		Doc: "Session timeout of consumer group members.",
	},
	{
		Name: "group.share.assignment.interval.ms", Type: Int, Default: "1000", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Shortest time between two assignments of a share group.",
	},
	{
		Name: "group.share.assignors", Type: List, Default: "simple", Inert: true,
		Doc: "Server-side assignors of share groups.",
	},
	{
		Name: "group.share.delivery.count.limit", Type: Int, Default: "5", limits: between(2, 10), Inert: true,
		Doc: "Deliveries of a record before a share group gives it up.",
	},
	{
		Name: "group.share.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), Inert: true,
		Doc: "Heartbeat interval of share group members.",
	},
	{
		Name: "group.share.max.assignment.interval.ms", Type: Int, Default: "15000", limits: atLeast(0), Inert: true,
		Doc: "Largest assignment interval a share group may set.",
	},
	{
		Name: "group.share.max.delivery.count.limit", Type: Int, Default: "10", limits: between(5, 25), Inert: true,
		Doc: "Largest delivery limit a share group may set.",
	},
	{
		Name: "group.share.max.heartbeat.interval.ms", Type: Int, Default: "15000", limits: atLeast(1), Inert: true,
		Doc: "Largest heartbeat interval a share group may set.",
	},
	{
		Name: "group.share.max.partition.max.record.locks", Type: Int, Default: "4000", limits: between(2000, 10000), Inert: true,
		Doc: "Largest lock limit a share group may set.",
	},
	{
		Name: "group.share.max.record.lock.duration.ms", Type: Int, Default: "60000", limits: between(30000, 3600000), Inert: true,
		Doc: "Longest lock a share group may set.",
	},
	{
		Name: "group.share.max.session.timeout.ms", Type: Int, Default: "60000", limits: atLeast(1), Inert: true,
		Doc: "Largest session timeout a share group may set.",
	},
	{
		Name: "group.share.max.share.sessions", Type: Int, Default: "2000", limits: atLeast(1), Inert: true,
		Doc: "Share sessions remembered at the same time.",
	},
	{
		Name: "group.share.max.size", Type: Int, Default: "200", limits: between(1, 1000), Inert: true,
		Doc: "Members that one share group may have.",
	},
	{
		Name: "group.share.min.assignment.interval.ms", Type: Int, Default: "0", limits: atLeast(0), Inert: true,
		Doc: "Smallest assignment interval a share group may set.",
	},
	{
		Name: "group.share.min.delivery.count.limit", Type: Int, Default: "2", limits: between(2, 5), Inert: true,
		Doc: "Smallest delivery limit a share group may set.",
	},
	{
		Name: "group.share.min.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), Inert: true,
		Doc: "Smallest heartbeat interval a share group may set.",
	},
	{
		Name: "group.share.min.partition.max.record.locks", Type: Int, Default: "100", limits: between(100, 2000), Inert: true,
		Doc: "Smallest lock limit a share group may set.",
	},
	{
		Name: "group.share.min.record.lock.duration.ms", Type: Int, Default: "15000", limits: between(1000, 30000), Inert: true,
		Doc: "Shortest lock a share group may set.",
	},
	{
		Name: "group.share.min.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), Inert: true,
		Doc: "Smallest session timeout a share group may set.",
	},
	{
		Name: "group.share.partition.max.record.locks", Type: Int, Default: "2000", limits: between(100, 10000), Inert: true,
		Doc: "Records of one partition that a share group may hold at once.",
	},
	{
		Name: "group.share.record.lock.duration.ms", Type: Int, Default: "30000", limits: between(1000, 3600000), Inert: true,
		Doc: "How long a share group member holds a record.",
	},
	{
		Name: "group.share.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), Inert: true,
		Doc: "Session timeout of share group members.",
	},
	{
		Name: "group.streams.assignment.interval.ms", Type: Int, Default: "1000", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Shortest time between two assignments of a streams group.",
	},
	{
		Name: "group.streams.assignors", Type: List, Default: "sticky", Inert: true,
		Doc: "Server-side assignors of streams groups.",
	},
	{
		Name: "group.streams.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), Inert: true,
		Doc: "Heartbeat interval of streams group members.",
	},
	{
		Name: "group.streams.initial.rebalance.delay.ms", Type: Int, Default: "3000", limits: atLeast(0), Inert: true,
		Doc: "How long an empty streams group waits for more members.",
	},
	{
		Name: "group.streams.max.assignment.interval.ms", Type: Int, Default: "15000", limits: atLeast(0), Inert: true,
		Doc: "Largest assignment interval a streams group may set.",
	},
	{
		Name: "group.streams.max.heartbeat.interval.ms", Type: Int, Default: "15000", limits: atLeast(1), Inert: true,
		Doc: "Largest heartbeat interval a streams group may set.",
	},
	{
		Name: "group.streams.max.session.timeout.ms", Type: Int, Default: "60000", limits: atLeast(1), Inert: true,
		Doc: "Largest session timeout a streams group may set.",
	},
	{
		Name: "group.streams.max.size", Type: Int, Default: "2147483647", limits: atLeast(1), Inert: true,
		Doc: "Members that one streams group may have.",
	},
	{
		Name: "group.streams.max.standby.replicas", Type: Int, Default: "2", limits: atLeast(0), Inert: true,
		Doc: "Most standby replicas a streams group may set.",
	},
	{
		Name: "group.streams.min.assignment.interval.ms", Type: Int, Default: "0", limits: atLeast(0), Inert: true,
		Doc: "Smallest assignment interval a streams group may set.",
	},
	{
		Name: "group.streams.min.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), Inert: true,
		Doc: "Smallest heartbeat interval a streams group may set.",
	},
	{
		Name: "group.streams.min.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), Inert: true,
		Doc: "Smallest session timeout a streams group may set.",
	},
	{
		Name: "group.streams.num.standby.replicas", Type: Int, Default: "0", limits: atLeast(0), Inert: true,
		Doc: "Standby replicas of each stateful task.",
	},
	{
		Name: "group.streams.rack.aware.assignment.tags", Type: List, Importance: Low, Inert: true,
		Doc: "Client tags used to spread standby replicas.",
	},
	{
		Name: "group.streams.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), Inert: true,
		Doc: "Session timeout of streams group members.",
	},
	{
		Name: "share.coordinator.append.linger.ms", Type: Int, Default: "-1", limits: atLeast(-1), Inert: true,
		Doc: "How long the share coordinator gathers records before writing.",
	},
	{
		Name: "share.coordinator.cached.buffer.max.bytes", Type: Int, Default: "1048588", limits: atLeast(524288), Dynamic: ClusterWide, Inert: true,
		Doc: "Largest buffer that Kafka's share coordinator keeps.",
	},
	{
		Name: "share.coordinator.load.buffer.size", Type: Int, Default: "5242880", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Bytes read at a time when share state is loaded.",
	},
	{
		Name: "share.coordinator.snapshot.update.records.per.snapshot", Type: Int, Default: "500", limits: between(0, 500), Inert: true,
		Doc: "Share state updates between snapshots.",
	},
	{
		Name: "share.coordinator.state.topic.compression.codec", Type: Int, Default: "0", Importance: High, Inert: true,
		Doc: "Compression of __share_group_state.",
	},
	{
		Name: "share.coordinator.state.topic.min.isr", Type: Short, Default: "1", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "min.insync.replicas of __share_group_state.",
	},
	{
		Name: "share.coordinator.state.topic.num.partitions", Type: Int, Default: "50", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Partitions of __share_group_state.",
	},
	{
		Name: "share.coordinator.state.topic.replication.factor", Type: Short, Default: "1", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Replicas of __share_group_state.",
	},
	{
		Name: "share.coordinator.state.topic.segment.bytes", Type: Int, Default: "104857600", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Segment size of __share_group_state.",
	},
	{
		Name: "share.coordinator.threads", Type: Int, Default: "1", limits: atLeast(1), Inert: true,
		Doc: "Threads of Kafka's share coordinator.",
	},
	{
		Name: "share.coordinator.write.timeout.ms", Type: Int, Default: "5000", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Longest wait for the replicas of share state.",
	},
	{
		Name: "transaction.abort.timed.out.transaction.cleanup.interval.ms", Type: Int, Default: "10000", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "How often transactions past their timeout are aborted.",
	},
	{
		Name: "transaction.max.timeout.ms", Type: Int, Default: "900000", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Longest timeout a transaction may ask for.",
	},
	{
		Name: "transaction.partition.verification.enable", Type: Boolean, Default: "true", Importance: Low, Dynamic: ClusterWide, Inert: true,
		Doc: "Whether a partition checks that a transaction knows it before appending.",
	},
	{
		Name: "transaction.remove.expired.transaction.cleanup.interval.ms", Type: Int, Default: "3600000", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "How often unused transactional ids are removed.",
	},
	{
		Name: "transaction.state.log.load.buffer.size", Type: Int, Default: "5242880", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Bytes read at a time when transactions are loaded.",
	},
	{
		Name: "transaction.state.log.min.isr", Type: Int, Default: "1", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "min.insync.replicas of __transaction_state.",
	},
	{
		Name: "transaction.state.log.num.partitions", Type: Int, Default: "50", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Partitions of __transaction_state.",
	},
	{
		Name: "transaction.state.log.replication.factor", Type: Short, Default: "1", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Replicas of __transaction_state.",
	},
	{
		Name: "transaction.state.log.segment.bytes", Type: Int, Default: "104857600", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Segment size of __transaction_state.",
	},
	{
		Name: "transaction.two.phase.commit.enable", Type: Boolean, Default: "false", Importance: Low, Inert: true,
		Doc: "Whether clients may use two-phase commit.",
	},
	{
		Name: "transactional.id.expiration.ms", Type: Int, Default: "604800000", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "How long an unused transactional id is remembered.",
	},
}
