// Package gomatrix asks a Go client of Kafka for every feature of the interop
// table and prints the results. A client's own program is left with what differs:
// how its library produces, reads, joins a group and administers.
//
// Every check works on topics and groups of its own, so all run at once; the
// groups' start-up delays then add up to one and not to twenty.
package gomatrix

import (
	"context"
	"time"
)

// Record is what is sent and what is read. Offset is set when read; Codec too,
// where the library tells how the record came.
type Record struct {
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte // nil is null
	Headers   []Header
	Time      time.Time // zero: now
	Codec     string
}

// Header of a record.
type Header struct {
	Key   string
	Value []byte
}

// How to produce.
type How struct {
	Codec      string // none, gzip, snappy, lz4, zstd
	Acks       int    // 0, 1, -1
	Idempotent bool
}

// Position to seek to. The zero value is the beginning.
type Position struct {
	kind   kind
	offset int64
	time   time.Time
}

type kind int

const (
	beginning kind = iota
	end
	offset
	timestamp
)

// AtOffset returns the offset, if this is one.
func (p Position) AtOffset() (int64, bool) { return p.offset, p.kind == offset }

// AtTime returns the time, if this is one.
func (p Position) AtTime() (time.Time, bool) { return p.time, p.kind == timestamp }

// AtEnd says whether this is the end.
func (p Position) AtEnd() bool { return p.kind == end }

// Producer sends to the partitions that the records name and returns when all
// are acknowledged, or written in case of acks=0.
type Producer interface {
	Produce(ctx context.Context, how How, topic string, records []Record) error
}

// Reader reads one partition without a group, from the beginning.
type Reader interface {
	Read(ctx context.Context, topic string, partition int32) (Stream, error)
}

// Stream is a partition being read.
type Stream interface {
	Next(ctx context.Context) (Record, error)
	Seek(ctx context.Context, to Position) error
	Close() error
}

// GroupOptions of a member.
type GroupOptions struct {
	Latest bool // auto.offset.reset
	Async  bool // Commit does not wait
}

// Groups are consumer groups.
type Groups interface {
	Join(ctx context.Context, group, topic string, o GroupOptions) (Member, error)
	// Committed is what the broker has, by partition.
	Committed(ctx context.Context, group, topic string) (map[int32]int64, error)
	// States lists the broker's groups and describes each.
	States(ctx context.Context) (map[string]string, error)
}

// Member of a group. Next and Commit are called from one goroutine.
type Member interface {
	Next(ctx context.Context) (Record, error)
	// Commit says that the record and those before it are done.
	Commit(ctx context.Context, r Record) error
	// Close leaves the group. It may be called while Next waits.
	Close() error
}

// Topics are the topics of the cluster.
type Topics interface {
	Create(ctx context.Context, topic string, partitions int, configs map[string]string) error
	// List is how many partitions each topic has.
	List(ctx context.Context) (map[string]int, error)
	AddPartitions(ctx context.Context, topic string, total int) error
	Delete(ctx context.Context, topic string) error
}

// Configs are those of topics.
type Configs interface {
	Describe(ctx context.Context, topic string) (map[string]string, error)
	Alter(ctx context.Context, topic, key, value string) error
}

// Library is a client library.
type Library struct {
	Name     string            // for people
	Module   string            // whose version the build knows
	None     map[string]string // features it does not have, and why
	Producer Producer
	Reader   Reader
	Groups   Groups
	Topics   Topics
	Configs  Configs
	// Extra is what else is tested of this library; it has no row.
	Extra func(ctx context.Context) error
}
