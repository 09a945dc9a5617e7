package confkey

// replicationKeys are the keys of replication, throttles and quotas' windows; one node has nothing to replicate, so most wait for clusters.
var replicationKeys = []Key{
	{
		Name: "alter.log.dirs.replication.quota.window.num", Type: Int, Default: "11", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Windows of the throttle of moves between directories.",
	},
	{
		Name: "alter.log.dirs.replication.quota.window.size.seconds", Type: Int, Default: "1", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Window length of the throttle of moves between directories.",
	},
	{
		Name: "auto.leader.rebalance.enable", Type: Boolean, Default: "true", Importance: High, Inert: true,
		Doc: "Whether leadership moves back to preferred replicas by itself.",
	},
	{
		Name: "broker.rack", Default: none,
		Doc: "Rack or zone of this broker, told to clients and used to place replicas.",
	},
	{
		Name: "controlled.shutdown.enable", Type: Boolean, Default: "true", Inert: true,
		Doc: "Whether leadership leaves a broker before it stops.",
	},
	{
		Name: "follower.fetch.last.tiered.offset.enable", Type: Boolean, Default: "false", Dynamic: ClusterWide, Inert: true,
		Doc: "Where a new follower of a tiered topic starts.",
	},
	{
		Name: "follower.replication.throttled.rate", Type: Long, Default: "9223372036854775807", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Bytes per second that followers of throttled replicas may fetch here.",
	},
	{
		Name: "leader.imbalance.check.interval.seconds", Type: Long, Default: "300", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "How often leadership is checked against preferred replicas.",
	},
	{
		Name: "leader.replication.throttled.rate", Type: Long, Default: "9223372036854775807", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Bytes per second that throttled replicas may be read from here.",
	},
	{
		Name: "num.replica.alter.log.dirs.threads", Type: Int, Default: none, Importance: High, Inert: true,
		Doc: "Threads that move replicas between directories.",
	},
	{
		Name: "num.replica.fetchers", Type: Int, Default: "1", limits: atLeast(1), Importance: High, Dynamic: ClusterWide, Inert: true,
		Doc: "Fetchers per source broker.",
	},
	{
		Name: "quota.window.num", Type: Int, Default: "11", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Windows remembered for client quotas.",
	},
	{
		Name: "quota.window.size.seconds", Type: Int, Default: "1", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Length of a window for client quotas.",
	},
	{
		Name: "replica.alter.log.dirs.io.max.bytes.per.second", Type: Long, Default: "9223372036854775807", limits: atLeast(0), Dynamic: ClusterWide, Inert: true,
		Doc: "Bytes per second for moves between directories.",
	},
	{
		Name: "replica.fetch.backoff.ms", Type: Int, Default: "1000", limits: atLeast(0), Inert: true,
		Doc: "Pause of a follower after a failed fetch.",
	},
	{
		Name: "replica.fetch.max.bytes", Type: Int, Default: "1048576", limits: atLeast(0), Inert: true,
		Doc: "Bytes a follower asks for per partition.",
	},
	{
		Name: "replica.fetch.min.bytes", Type: Int, Default: "1", Importance: High, Inert: true,
		Doc: "Fewest bytes a leader answers a follower with before its wait ends.",
	},
	{
		Name: "replica.fetch.response.max.bytes", Type: Int, Default: "10485760", limits: atLeast(0), Inert: true,
		Doc: "Bytes a follower asks for per fetch.",
	},
	{
		Name: "replica.fetch.wait.max.ms", Type: Int, Default: "500", Importance: High, Inert: true,
		Doc: "Longest wait of a follower's fetch.",
	},
	{
		Name: "replica.high.watermark.checkpoint.interval.ms", Type: Long, Default: "5000", Importance: High, Inert: true,
		Doc: "How often high watermarks are written down.",
	},
	{
		Name: "replica.lag.time.max.ms", Type: Long, Default: "30000", Importance: High, Inert: true,
		Doc: "How long a follower may be behind before it leaves the in-sync set.",
	},
	{
		Name: "replica.selector.class", Default: none, Inert: true,
		Doc: "Class that picks a replica for consumers to read from.",
	},
	{
		Name: "replica.socket.receive.buffer.bytes", Type: Int, Default: "65536", Importance: High, Inert: true,
		Doc: "Receive buffer of a follower's connections.",
	},
	{
		Name: "replica.socket.timeout.ms", Type: Int, Default: "30000", Importance: High, Inert: true,
		Doc: "Network timeout of a follower's requests.",
	},
	{
		Name: "replication.quota.window.num", Type: Int, Default: "11", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Windows remembered for the replication throttle.",
	},
	{
		Name: "replication.quota.window.size.seconds", Type: Int, Default: "1", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Length of a window for the replication throttle.",
	},
}
