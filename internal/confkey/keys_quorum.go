package confkey

// quorumKeys are the keys of a node's identity, the controller quorum and the metadata log.
var quorumKeys = []Key{
	{
		Name: "broker.heartbeat.interval.ms", Type: Int, Default: "2000", Inert: true,
		Doc: "How often a broker tells the controller that it lives.",
	},
	{
		Name: "broker.id", Type: Int, Default: "-1", limits: atLeast(-1), Importance: High,
		Doc: "Former name of node.id, used when that is not set. -1 is not set.",
	},
	{
		Name: "broker.session.timeout.ms", Type: Int, Default: "9000", Inert: true,
		Doc: "Silence after which the controller fences a broker.",
	},
	{
		Name: "controller.listener.names", Type: List, Default: "CONTROLLER", Importance: High,
		Doc: "Names of listeners that only controllers use. They are not opened in this version, where controllers have nobody else to talk to.",
	},
	{
		Name: "controller.performance.always.log.threshold.ms", Type: Long, Default: "2000", limits: atLeast(0), Internal: true, Inert: true,
		Doc: "Slowness from which Kafka logs a controller event.",
	},
	{
		Name: "controller.performance.sample.period.ms", Type: Long, Default: "60000", limits: atLeast(100), Internal: true, Inert: true,
		Doc: "Interval of Kafka's controller performance log.",
	},
	{
		Name: "controller.quorum.append.linger.ms", Type: Int, Default: "25", limits: atLeast(0), Inert: true,
		Doc: "How long Kafka gathers metadata records before writing.",
	},
	{
		Name: "controller.quorum.auto.join.enable", Type: Boolean, Default: "false", Importance: Low, Inert: true,
		Doc: "Whether a controller joins the voters by itself.",
	},
	{
		Name: "controller.quorum.bootstrap.servers", Type: List, Importance: High, Inert: true,
		Doc: "Addresses from which to learn the quorum.",
	},
	{
		Name: "controller.quorum.election.backoff.max.ms", Type: Int, Default: "1000", limits: atLeast(0), Importance: High, Inert: true,
		Doc: "Longest pause between elections.",
	},
	{
		Name: "controller.quorum.election.timeout.ms", Type: Int, Default: "1000", limits: atLeast(0), Importance: High, Inert: true,
		Doc: "Silence of the quorum's leader after which an election starts. A quorum of one elects itself at once.",
	},
	{
		Name: "controller.quorum.fetch.max.bytes", Type: Int, Default: "1048576", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Bytes per fetch of Kafka's metadata log.",
	},
	{
		Name: "controller.quorum.fetch.snapshot.max.bytes", Type: Int, Default: "1048576", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Bytes per fetch of Kafka's metadata snapshots.",
	},
	{
		Name: "controller.quorum.fetch.timeout.ms", Type: Int, Default: "2000", limits: atLeast(0), Importance: High, Inert: true,
		Doc: "Silence after which Kafka's quorum elects anew.",
	},
	{
		Name: "controller.quorum.request.timeout.ms", Type: Int, Default: "2000", limits: atLeast(0), Inert: true,
		Doc: "Timeout of requests within the quorum.",
	},
	{
		Name: "controller.quorum.retry.backoff.ms", Type: Int, Default: "20", limits: atLeast(0), Importance: Low, Inert: true,
		Doc: "Pause between retries within the quorum.",
	},
	{
		Name: "controller.quorum.voters", Type: List, Importance: High, Inert: true,
		Doc: "Voters, as id@host:port. A single node is its own quorum in this version.",
	},
	{
		Name: "controller.quota.window.num", Type: Int, Default: "11", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Windows remembered for the quota of controller mutations.",
	},
	{
		Name: "controller.quota.window.size.seconds", Type: Int, Default: "1", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Length of a window for the quota of controller mutations.",
	},
	{
		Name: "controller.socket.timeout.ms", Type: Int, Default: "30000", Inert: true,
		Doc: "Network timeout of requests to the controller.",
	},
	{
		Name: "initial.broker.registration.timeout.ms", Type: Int, Default: "60000", Inert: true,
		Doc: "How long a broker tries to register at start before it gives up.",
	},
	{
		Name: "metadata.log.dir", Default: none, Importance: High, Inert: true,
		Doc: "Separate directory for the metadata log. It lies in the data directory here.",
	},
	{
		Name: "metadata.log.max.record.bytes.between.snapshots", Type: Long, Default: "20971520", limits: atLeast(1), Importance: High,
		Doc: "Metadata bytes after which a snapshot is taken.",
	},
	{
		Name: "metadata.log.max.snapshot.interval.ms", Type: Long, Default: "3600000", limits: atLeast(0), Importance: High, Inert: true,
		Doc: "Longest time between snapshots of the metadata. Snapshots are taken by size here.",
	},
	{
		Name: "metadata.log.segment.bytes", Type: Int, Default: "1073741824", limits: atLeast(8388608), Importance: High, Inert: true,
		Doc: "Segment size of Kafka's metadata log.",
	},
	{
		Name: "metadata.log.segment.ms", Type: Long, Default: "604800000", Importance: High, Inert: true,
		Doc: "Segment age of Kafka's metadata log.",
	},
	{
		Name: "metadata.max.idle.interval.ms", Type: Int, Default: "500", limits: atLeast(0), Importance: Low, Inert: true,
		Doc: "How often Kafka's controller writes a no-op record.",
	},
	{
		Name: "metadata.max.retention.bytes", Type: Long, Default: "104857600", Importance: High, Inert: true,
		Doc: "Size of metadata history kept. History before a snapshot is dropped here.",
	},
	{
		Name: "metadata.max.retention.ms", Type: Long, Default: "604800000", Importance: High, Inert: true,
		Doc: "Age of metadata history kept. History before a snapshot is dropped here.",
	},
	{
		Name: "node.id", Type: Int, Default: "1", limits: atLeast(0), Importance: High,
		Doc: "Number of this node, unique in its cluster.",
	},
	{
		Name: "process.roles", Type: List, Default: "broker,controller", Valid: []string{"broker", "controller"}, Importance: High, Inert: true,
		Doc: "Roles of this node. Every node has both in this version.",
	},
	{
		Name: "server.max.startup.time.ms", Type: Long, Default: "9223372036854775807", limits: atLeast(0), Internal: true, Inert: true,
		Doc: "Longest time Kafka may take to start.",
	},
	{
		Name: "config.providers", Type: List, Importance: Low, Dynamic: ClusterWide, Inert: true,
		Doc: "Classes that look up values for ${...} in settings. Values are taken as written here.",
	},
}
