package confkey

// networkKeys are the keys of listeners, connections and requests.
var networkKeys = []Key{
	{
		Name: "advertised.listeners", Type: List, Default: none, rule: listenerList, Importance: High,
		Doc: "Addresses that clients are told to connect to, when they differ from listeners (containers, NAT). Same form as listeners.",
	},
	{
		Name: "connections.max.idle.ms", Type: Long, Default: "600000", rule: idleTime,
		Doc: "Close a connection on which nothing happened for this long; a negative value is never.",
	},
	{
		Name: "fetch.max.bytes", Type: Int, Default: "57671680", limits: atLeast(1024),
		Doc: "Upper limit of one fetch answer, whatever the client asks for. A first batch larger than this is still returned.",
	},
	{
		Name: "security.inter.broker.protocol", Default: "PLAINTEXT", rule: plaintextOnly, Inert: true,
		Doc: "Security protocol between brokers. Only PLAINTEXT exists in this version.",
	},
	{
		Name: "inter.broker.listener.name", Default: none,
		Doc: "Name of the listener that brokers use among themselves. The first listener when not set.",
	},
	{
		Name: "listener.security.protocol.map", Default: "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", rule: plaintextMap, Importance: Low,
		Doc: "Security protocol of each listener name, as NAME:PROTOCOL pairs. Only PLAINTEXT exists in this version.",
	},
	{
		Name: "listeners", Type: List, Default: "PLAINTEXT://127.0.0.1:9092", rule: listenerList, Importance: High,
		Doc: "Addresses to listen on, as NAME://host:port, separated by commas. An empty host is every interface; port 0 picks a free port.",
	},
	{
		Name: "max.connection.creation.rate", Type: Int, Default: "10000", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "New connections accepted per second; further ones wait.",
	},
	{
		Name: "max.connections", Type: Int, Default: "20000", limits: atLeast(1), Dynamic: ClusterWide,
		Doc: "Connections open at the same time on this broker; further ones are closed at once.",
	},
	{
		Name: "max.connections.per.ip", Type: Int, Default: "10000", limits: atLeast(0), Dynamic: ClusterWide,
		Doc: "Connections open at the same time from one address. 0 lets only those in that max.connections.per.ip.overrides names.",
	},
	{
		Name: "max.connections.per.ip.overrides", rule: ipOverrides, Dynamic: ClusterWide,
		Doc: "Exceptions to max.connections.per.ip, as address:count pairs.",
	},
	{
		Name: "max.incremental.fetch.session.cache.slots", Type: Int, Default: "1000", limits: atLeast(0),
		Doc: "Incremental fetch sessions remembered at the same time.",
	},
	{
		Name: "max.request.partition.size.limit", Type: Int, Default: "2000", limits: atLeast(1),
		Doc: "Partitions answered in one DescribeTopicPartitions request.",
	},
	{
		Name: "queued.max.request.bytes", Type: Long, Default: "268435456", limits: atLeast(-1),
		Doc: "Memory that requests being read and handled may hold in total; connections wait when it is used up. -1 is without limit.",
	},
	{
		Name: "queued.max.requests", Type: Int, Default: "500", limits: atLeast(1), Importance: High, Inert: true,
		Doc: "Kafka's bound on requests waiting for a thread. Here queued.max.request.bytes bounds waiting requests.",
	},
	{
		Name: "request.timeout.ms", Type: Int, Default: "30000", Importance: High, Inert: true,
		Doc: "Longest wait for an answer from another broker.",
	},
	{
		Name: "socket.connection.setup.timeout.max.ms", Type: Long, Default: "30000", Inert: true,
		Doc: "Longest wait for a connection to another broker to open, after several failures.",
	},
	{
		Name: "socket.connection.setup.timeout.ms", Type: Long, Default: "10000", Inert: true,
		Doc: "First wait for a connection to another broker to open.",
	},
	{
		Name: "socket.listen.backlog.size", Type: Int, Default: "50", limits: atLeast(1), Inert: true,
		Doc: "Length of the kernel's queue of connections not yet accepted. The system's own maximum is used.",
	},
	{
		Name: "socket.receive.buffer.bytes", Type: Int, Default: "102400", Importance: High,
		Doc: "Size of a connection's receive buffer in the kernel; -1 leaves it to the system, as it is unless set.",
	},
	{
		Name: "socket.request.max.bytes", Type: Int, Default: "104857600", limits: atLeast(1), Importance: High,
		Doc: "Largest request accepted; a connection that announces a larger one is closed.",
	},
	{
		Name: "socket.send.buffer.bytes", Type: Int, Default: "102400", Importance: High,
		Doc: "Size of a connection's send buffer in the kernel; -1 leaves it to the system. Unless set, near clients get 512 KiB, if the system allows that much, and others the system's choice.",
	},
	{
		Name: "num.io.threads", Type: Int, Default: "8", limits: atLeast(1), Importance: High, Dynamic: ClusterWide, Inert: true,
		Doc: "Kafka's number of request threads. Requests run on their connection's goroutine here.",
	},
	{
		Name: "num.network.threads", Type: Int, Default: "3", limits: atLeast(1), Importance: High, Dynamic: ClusterWide, Inert: true,
		Doc: "Kafka's number of network threads. Go's runtime does this work here.",
	},
	{
		Name: "background.threads", Type: Int, Default: "10", limits: atLeast(1), Importance: High, Dynamic: ClusterWide, Inert: true,
		Doc: "Kafka's number of background threads. Background work is scheduled by need here.",
	},
	{
		Name: "early.start.listeners", Type: List, Default: none, Importance: High, Inert: true,
		Doc: "Listeners that Kafka opens before authorization is ready. All listeners open together here.",
	},
	{
		Name: "fetch.purgatory.purge.interval.requests", Type: Int, Default: "1000", Inert: true,
		Doc: "Tuning of a Kafka structure that does not exist here.",
	},
	{
		Name: "producer.purgatory.purge.interval.requests", Type: Int, Default: "1000", Inert: true,
		Doc: "Tuning of a Kafka structure that does not exist here.",
	},
	{
		Name: "delete.records.purgatory.purge.interval.requests", Type: Int, Default: "1", Inert: true,
		Doc: "Tuning of a Kafka structure that does not exist here.",
	},
	{
		Name: "share.fetch.purgatory.purge.interval.requests", Type: Int, Default: "1000", Inert: true,
		Doc: "Tuning of a Kafka structure that does not exist here.",
	},
	{
		Name: "kafka.metrics.polling.interval.secs", Type: Int, Default: "10", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Interval of Kafka's JMX-era reporters. Metrics are read from /metrics here.",
	},
	{
		Name: "kafka.metrics.reporters", Type: List, Importance: Low, Inert: true,
		Doc: "Kafka's reporter classes. Metrics are read from /metrics here.",
	},
	{
		Name: "metric.reporters", Type: List, Default: "org.apache.kafka.common.metrics.JmxReporter", Importance: Low, Dynamic: ClusterWide, Inert: true,
		Doc: "Kafka's reporter classes. Metrics are read from /metrics here.",
	},
	{
		Name: "metrics.num.samples", Type: Int, Default: "2", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Samples per Kafka metric. Metrics are read from /metrics here.",
	},
	{
		Name: "metrics.recording.level", Default: "INFO", Importance: Low, Inert: true,
		Doc: "Detail of Kafka's metrics. Metrics are read from /metrics here.",
	},
	{
		Name: "metrics.sample.window.ms", Type: Long, Default: "30000", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Window of Kafka's metrics. Metrics are read from /metrics here.",
	},
	{
		Name: "telemetry.max.bytes", Type: Int, Default: "1048576", limits: atLeast(1), Importance: Low, Inert: true,
		Doc: "Largest telemetry push of a client. Telemetry pushes are not received in this version.",
	},
}
