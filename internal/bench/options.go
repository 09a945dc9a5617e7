package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

	Acks        string // 0, 1 or all
	Compression kgo.CompressionCodec
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
	case o.Rate < 0:
		return errors.New("the rate cannot be negative")
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
