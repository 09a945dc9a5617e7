package commitlog

import (
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/record"
)

// Config is the typed configuration of one log: a topic's settings over the
// broker's. Times are in milliseconds; a negative retention means no limit.
type Config struct {
	SegmentBytes       int64
	SegmentMs          int64
	SegmentJitterMs    int64
	SegmentIndexBytes  int64
	IndexIntervalBytes int64

	RetentionMs    int64
	RetentionBytes int64
	Delete         bool // cleanup.policy has delete
	Compact        bool // cleanup.policy has compact

	MinCompactionLagMs     int64
	MaxCompactionLagMs     int64
	MinCleanableDirtyRatio float64
	DeleteRetentionMs      int64
	FileDeleteDelayMs      int64

	MaxMessageBytes      int
	MaxDecompressedBytes int // of one record, max.decompressed.message.bytes
	TimestampType        record.TimestampType
	TimestampBeforeMaxMs int64
	TimestampAfterMaxMs  int64
	CompressionType      string
	GzipLevel            int
	Lz4Level             int
	ZstdLevel            int

	FlushMessages int64
	FlushMs       int64
	Preallocate   bool

	// Durable is durability.mode=flushed: every append is flushed by group
	// commit. Without it flush.messages and flush.ms decide, as in Kafka.
	Durable bool
}

// ConfigFrom reads the log settings out of a topic's configuration.
func ConfigFrom(v confkey.Values) Config {
	c := Config{
		SegmentBytes:           v.Int64("segment.bytes"),
		SegmentMs:              v.Int64("segment.ms"),
		SegmentJitterMs:        v.Int64("segment.jitter.ms"),
		SegmentIndexBytes:      v.Int64("segment.index.bytes"),
		IndexIntervalBytes:     v.Int64("index.interval.bytes"),
		RetentionMs:            v.Int64("retention.ms"),
		RetentionBytes:         v.Int64("retention.bytes"),
		MinCompactionLagMs:     v.Int64("min.compaction.lag.ms"),
		MaxCompactionLagMs:     v.Int64("max.compaction.lag.ms"),
		MinCleanableDirtyRatio: v.Float("min.cleanable.dirty.ratio"),
		DeleteRetentionMs:      v.Int64("delete.retention.ms"),
		FileDeleteDelayMs:      v.Int64("file.delete.delay.ms"),
		MaxMessageBytes:        v.Int("max.message.bytes"),
		MaxDecompressedBytes:   v.Int("max.decompressed.message.bytes"),
		TimestampBeforeMaxMs:   v.Int64("message.timestamp.before.max.ms"),
		TimestampAfterMaxMs:    v.Int64("message.timestamp.after.max.ms"),
		CompressionType:        v.String("compression.type"),
		GzipLevel:              v.Int("compression.gzip.level"),
		Lz4Level:               v.Int("compression.lz4.level"),
		ZstdLevel:              v.Int("compression.zstd.level"),
		FlushMessages:          v.Int64("flush.messages"),
		FlushMs:                v.Int64("flush.ms"),
		Preallocate:            v.Bool("preallocate"),
		Durable:                v.String("durability.mode") != "relaxed",
	}
	if v.String("message.timestamp.type") == record.LogAppendTime.String() {
		c.TimestampType = record.LogAppendTime
	}
	for _, policy := range v.List("cleanup.policy") {
		switch policy {
		case "delete":
			c.Delete = true
		case "compact":
			c.Compact = true
		}
	}
	return c
}

// DefaultConfig is what a topic without overrides has on a broker without
// settings.
func DefaultConfig() Config {
	return ConfigFrom(confkey.TopicValues(confkey.Values{}, nil))
}
