package group

// Config bounds and times groups. Times are in milliseconds.
type Config struct {
	MinSessionTimeout     int32 // group.min.session.timeout.ms
	MaxSessionTimeout     int32 // group.max.session.timeout.ms
	InitialRebalanceDelay int32 // group.initial.rebalance.delay.ms
	MaxSize               int   // group.max.size
	OffsetMetadataMax     int   // offset.metadata.max.bytes
	OffsetsRetention      int64 // offsets.retention.minutes
	RetentionCheck        int64 // offsets.retention.check.interval.ms

	// Limits that Kafka lacks, so that nobody fills the memory.
	MaxGroups         int // groups of one shard
	MaxPending        int // members of one group that were given an id and did not come back
	MaxMemberMetadata int // bytes of all protocols of one member
}

// newMemberJoinTimeout bounds how long a member that does not know its id yet
// may wait in a rebalance: it sends no heartbeats, and if its connection broke
// it will join again under another id.
const newMemberJoinTimeout = 5 * 60 * 1000

// DefaultConfig has Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		MinSessionTimeout:     6000,
		MaxSessionTimeout:     1_800_000,
		InitialRebalanceDelay: 3000,
		MaxSize:               1<<31 - 1,
		OffsetMetadataMax:     4096,
		OffsetsRetention:      7 * 24 * 60 * 60 * 1000,
		RetentionCheck:        600_000,
		MaxGroups:             100_000,
		MaxPending:            10_000,
		MaxMemberMetadata:     1 << 20,
	}
}
