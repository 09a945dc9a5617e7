package confkey

// ownKeys are Milena's own broker keys: the durability mode and the limits and
// switches that Kafka has no name for. All but log.durability.mode, which sits
// beside its relatives, start with "milena.".
var ownKeys = []Key{
	{
		Name: "log.durability.mode", Default: "flushed", Valid: durabilityModes, Importance: High, Dynamic: ClusterWide, Own: true,
		Doc: "When acks=all is confirmed: flushed waits until the record is on disk (flushes are shared), relaxed leaves flushing to the operating system as Kafka does.",
	},
	{
		Name: "milena.http.listen", Default: "127.0.0.1:9644", Importance: High, Own: true, rule: hostPortOrOff,
		Doc: "Address of /metrics, /healthz and /readyz, as host:port; off for none.",
	},
	{
		Name: "milena.pprof.enable", Type: Boolean, Default: "false", Own: true,
		Doc: "Serve Go's profiles under /debug/pprof on the HTTP address.",
	},
	{
		Name: "milena.disk.reserve.bytes", Type: Long, Default: "268435456", limits: atLeast(0), Importance: High, Dynamic: ClusterWide, Own: true,
		Doc: "Disk space kept free: below it, produce is refused with a retriable error. Reading and deleting go on, " +
			"commits and the other work of groups and transactions until a quarter of it is left. 0 is 1 % of the disk, at most 64 MiB.",
	},
	{
		Name: "milena.max.open.files", Type: Int, Default: "7500", limits: atLeast(64), Own: true,
		Doc: "Segment and index files kept open at the same time; the least recently used are closed.",
	},
	{
		Name: "milena.tail.cache.bytes", Type: Long, Default: "67108864", limits: atLeast(0), Own: true,
		Doc: "Memory for the newest part of all logs together, from which consumers that keep up are served.",
	},
	{
		Name: "milena.fetch.memory.bytes", Type: Long, Default: "268435456", limits: atLeast(-1), Own: true,
		Doc: "Records that the answers to all consumers together may hold until they are sent; as it runs out, answers get smaller. -1 is without limit.",
	},
	{
		Name: "milena.flush.parallelism", Type: Int, Default: "16", limits: between(1, 1024), Own: true,
		Doc: "Partitions flushed at the same time. Where many are better flushed together (milena.flush.volume.min.logs), fewer than that many, so that they gather.",
	},
	{
		Name: "milena.flush.volume.min.logs", Type: Int, Default: "8", limits: atLeast(0), Own: true,
		Doc: "Partitions waiting for their flush from which one sync of the whole file system may replace a flush of each file, " +
			"where that is measured to be faster and little else is unwritten; 0 is never.",
	},
	{
		Name: "milena.request.min.rate.bytes.per.sec", Type: Int, Default: "1024", limits: atLeast(0), Own: true,
		Doc: "Slowest rate at which a request may arrive or an answer be taken before the connection is closed; 0 is without limit.",
	},
	{
		Name: "milena.request.max.elements", Type: Int, Default: "1000000", limits: atLeast(1000), Own: true,
		Doc: "Array elements that one request may announce in total.",
	},
	{
		Name: "milena.request.max.tagged.fields", Type: Int, Default: "10000", limits: atLeast(16), Own: true,
		Doc: "Tagged fields unknown to this version that one request may carry.",
	},
	{
		Name: "milena.preauth.max.bytes", Type: Int, Default: "524288", limits: atLeast(1024), Own: true,
		Doc: "Largest first request on a connection, before the client has identified itself.",
	},
	{
		Name: "milena.produce.pipeline.depth", Type: Int, Default: "64", limits: between(1, 1024), Own: true,
		Doc: "Produce requests of one connection that may wait for their acknowledgement at the same time.",
	},
}

var durabilityModes = []string{"flushed", "relaxed"}

// ownTopicKeys are Milena's own topic keys.
var ownTopicKeys = []Key{
	{
		Name: "durability.mode", Default: "flushed", Valid: durabilityModes, BrokerSynonyms: []string{"log.durability.mode"}, Importance: High, Own: true,
		Doc: "When acks=all is confirmed: flushed waits until the record is on disk, relaxed leaves flushing to the operating system as Kafka does.",
	},
}
