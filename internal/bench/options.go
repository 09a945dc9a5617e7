package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/internal/record"
)

// Options describe one run. Fields that a kind of run does not use are ignored.
type Options struct {
	Brokers []string
	Topic   string
	// Partitions, Replicas and Configs are for a topic that does not exist yet.
	Partitions int32
	Replicas   int16
	Configs    map[string]*string

	Producers, Consumers int
	Group                string // "" assigns partitions to consumers directly

	// Records and Duration end the run, whichever comes first; 0 is no limit.
	Records  int64
	Duration time.Duration
	Warmup   time.Duration // load before the measured span
	Rate     float64       // records per second over all producers, 0 is flat out

	RecordSize int // bytes of value
	Keys       int // distinct keys, 0 for records without key
	// Compressible is the share of each value, 0 to 1, that is filler.
	Compressible float64

	// Prepared sends batches that are made before the run instead of records,
	// so that the client's cost per record is gone and the broker is the limit.
	// RequestPartitions is how many partitions a request of it writes to, 0 for
	// as many as fit one megabyte.
	Prepared          bool
	RequestPartitions int
	// OneAtATime sends the next record when the last one has been read.
	OneAtATime bool

	// Raw reads batches and checks their CRC, but does not open them. Every
	// consumer then reads all partitions, over a connection of its own.
	Raw bool
	// FanOut makes every consumer read the whole topic, as so many groups would.
	FanOut bool
	// Newest reads the last so many records of each partition again and again,
	// until the duration is over; only with Raw.
	Newest int64

	Acks        string // 0, 1 or all
	Compression kgo.CompressionCodec
	Codec       record.Codec // the same for prepared batches
	Linger      time.Duration
	BatchBytes  int32
	MaxInFlight int

	FetchMaxBytes int32
	BrokerPID     int // 0 when unknown
	ClientOptions []kgo.Opt
}

// Progress is handed out once a second while a run goes on.
type Progress struct {
	Elapsed  time.Duration
	Warming  bool
	Records  int64 // so far
	Fraction float64
	Rate     float64 // records per second in the last interval
	MBRate   float64
	Latency  Latency // of the last interval
	Errors   int64
}

// Check reports the first option that makes no sense.
func (o *Options) Check() error {
	switch {
	case o.Topic == "":
		return errors.New("a topic is needed")
	case o.Producers < 1 || o.Consumers < 1:
		return errors.New("at least one producer and one consumer are needed")
	case o.RecordSize < 0:
		return errors.New("the record size cannot be negative")
	case o.Records < 0 || o.Duration < 0 || o.Warmup < 0:
		return errors.New("records, duration and warm-up cannot be negative")
	case o.Rate < 0:
		return errors.New("the rate cannot be negative")
	case o.OneAtATime && (o.Producers > 1 || o.Consumers > 1):
		return errors.New("one record at a time takes one producer and one consumer")
	case o.Newest < 0 || o.Newest > 0 && (!o.Raw || o.Duration == 0):
		return errors.New("the newest records are read again and again only raw, and for a duration")
	case o.Compressible < 0 || o.Compressible > 1:
		return errors.New("the compressible share lies between 0 and 1")
	}
	return nil
}

func (o *Options) clientOptions(extra ...kgo.Opt) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(o.Brokers...), kgo.ClientID("milena-bench")}
	return append(append(opts, o.ClientOptions...), extra...)
}

func (o *Options) producerOptions() ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.ProducerBatchCompression(o.Compression),
		kgo.ProducerLinger(o.Linger),
		kgo.ProducerBatchMaxBytes(o.BatchBytes),
		kgo.MaxBufferedRecords(100_000),
		kgo.DefaultProduceTopic(o.Topic),
	}
	switch o.Acks {
	case "all", "-1":
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, fmt.Errorf("acks must be 0, 1 or all, not %q", o.Acks)
	}
	if o.MaxInFlight > 0 {
		opts = append(opts, kgo.MaxProduceRequestsInflightPerBroker(o.MaxInFlight))
		if o.MaxInFlight > 5 {
			opts = append(opts, kgo.DisableIdempotentWrite())
		}
	}
	return o.clientOptions(opts...), nil
}
