package confkey

// groupKeys are the group keys. They belong to the KIP-848, share and streams protocols; classic groups have none.
var groupKeys = []Key{
	{
		Name: "consumer.assignment.interval.ms", Type: Int, Default: "1000", limits: atLeast(0), BrokerSynonyms: []string{"group.consumer.assignment.interval.ms"}, Inert: true,
		Doc: "Shortest time between two assignments.",
	},
	{
		Name: "consumer.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), BrokerSynonyms: []string{"group.consumer.heartbeat.interval.ms"}, Inert: true,
		Doc: "Heartbeat interval of members.",
	},
	{
		Name: "consumer.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), BrokerSynonyms: []string{"group.consumer.session.timeout.ms"}, Inert: true,
		Doc: "Silence after which a member is removed.",
	},
	{
		Name: "errors.deadletterqueue.copy.record.enable", Type: Boolean, Default: "false", Inert: true,
		Doc: "Whether a dead letter holds a copy of the record or only its position.",
	},
	{
		Name: "errors.deadletterqueue.topic.name", Inert: true,
		Doc: "Topic that takes the records a share group gives up; empty is none.",
	},
	{
		Name: "share.assignment.interval.ms", Type: Int, Default: "1000", limits: atLeast(0), BrokerSynonyms: []string{"group.share.assignment.interval.ms"}, Inert: true,
		Doc: "Shortest time between two assignments.",
	},
	{
		Name: "share.auto.offset.reset", Default: "latest", rule: shareReset, Inert: true,
		Doc: "Where a share group starts in a partition it has not read: latest, earliest, or by_duration:<ISO duration>.",
	},
	{
		Name: "share.delivery.count.limit", Type: Int, Default: "5", limits: atLeast(2), BrokerSynonyms: []string{"group.share.delivery.count.limit"}, Inert: true,
		Doc: "Deliveries of a record before the group gives it up.",
	},
	{
		Name: "share.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), BrokerSynonyms: []string{"group.share.heartbeat.interval.ms"}, Inert: true,
		Doc: "Heartbeat interval of members.",
	},
	{
		Name: "share.isolation.level", Default: "read_uncommitted", Valid: []string{"read_committed", "read_uncommitted"}, Inert: true,
		Doc: "Whether records of open and aborted transactions are delivered.",
	},
	{
		Name: "share.partition.max.record.locks", Type: Int, Default: "2000", limits: atLeast(100), BrokerSynonyms: []string{"group.share.partition.max.record.locks"}, Inert: true,
		Doc: "Records of one partition that the group may hold at once.",
	},
	{
		Name: "share.record.lock.duration.ms", Type: Int, Default: "30000", limits: atLeast(1000), BrokerSynonyms: []string{"group.share.record.lock.duration.ms"}, Inert: true,
		Doc: "How long a member holds a record.",
	},
	{
		Name: "share.renew.acknowledge.enable", Type: Boolean, Default: "true", Inert: true,
		Doc: "Whether members may prolong their hold on a record.",
	},
	{
		Name: "share.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), BrokerSynonyms: []string{"group.share.session.timeout.ms"}, Inert: true,
		Doc: "Silence after which a member is removed.",
	},
	{
		Name: "streams.assignment.interval.ms", Type: Int, Default: "1000", limits: atLeast(0), BrokerSynonyms: []string{"group.streams.assignment.interval.ms"}, Inert: true,
		Doc: "Shortest time between two assignments.",
	},
	{
		Name: "streams.assignor.name", Default: none, Inert: true,
		Doc: "Server-side assignor of the group.",
	},
	{
		Name: "streams.heartbeat.interval.ms", Type: Int, Default: "5000", limits: atLeast(1), BrokerSynonyms: []string{"group.streams.heartbeat.interval.ms"}, Inert: true,
		Doc: "Heartbeat interval of members.",
	},
	{
		Name: "streams.initial.rebalance.delay.ms", Type: Int, Default: "3000", limits: atLeast(0), BrokerSynonyms: []string{"group.streams.initial.rebalance.delay.ms"}, Inert: true,
		Doc: "How long an empty group waits for more members.",
	},
	{
		Name: "streams.num.standby.replicas", Type: Int, Default: "0", limits: atLeast(0), BrokerSynonyms: []string{"group.streams.num.standby.replicas"}, Inert: true,
		Doc: "Standby replicas of each stateful task.",
	},
	{
		Name: "streams.rack.aware.assignment.tags", Type: List, Importance: Low, BrokerSynonyms: []string{"group.streams.rack.aware.assignment.tags"}, Inert: true,
		Doc: "Client tags used to spread standby replicas.",
	},
	{
		Name: "streams.session.timeout.ms", Type: Int, Default: "45000", limits: atLeast(1), BrokerSynonyms: []string{"group.streams.session.timeout.ms"}, Inert: true,
		Doc: "Silence after which a member is removed.",
	},
}
