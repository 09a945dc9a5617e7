package confkey

import (
	"errors"
	"math"
	"testing"
	"time"
)

func broker(t *testing.T, kv ...string) Values {
	t.Helper()
	raw := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		raw[kv[i]] = kv[i+1]
	}
	v, errs := NewBroker(raw)
	if errs != nil {
		t.Fatal(errs)
	}
	return v
}

func TestTopicCascade(t *testing.T) {
	const day = 24 * 60 * 60 * 1000
	for _, c := range []struct {
		what      string
		broker    []string
		overrides map[string]string
		key       string
		want      int64
	}{
		{"defaults come from the hours", nil, nil, "retention.ms", 7 * day},
		{"hours set", []string{"log.retention.hours", "24"}, nil, "retention.ms", day},
		{"minutes win over hours", []string{"log.retention.hours", "24", "log.retention.minutes", "2"}, nil, "retention.ms", 120_000},
		{"ms win over minutes", []string{"log.retention.ms", "5", "log.retention.minutes", "2"}, nil, "retention.ms", 5},
		{"the topic wins", []string{"log.retention.ms", "5"}, map[string]string{"retention.ms": "-1"}, "retention.ms", -1},
		{"no limit in hours", []string{"log.retention.hours", "-1"}, nil, "retention.ms", -1},
		{"another name", []string{"message.max.bytes", "77"}, nil, "max.message.bytes", 77},
		{"two null-able synonyms", nil, nil, "flush.ms", math.MaxInt64},
		{"the second synonym set", []string{"log.flush.scheduler.interval.ms", "9"}, nil, "flush.ms", 9},
		{"a bad override counts as not set", nil, map[string]string{"segment.bytes": "3"}, "segment.bytes", 1 << 30},
	} {
		v := TopicValues(broker(t, c.broker...), c.overrides)
		if got := v.Int64(c.key); got != c.want {
			t.Errorf("%s: %s = %d, want %d", c.what, c.key, got, c.want)
		}
	}
	v := TopicValues(broker(t, "log.durability.mode", "relaxed"), nil)
	if got := v.String("durability.mode"); got != "relaxed" {
		t.Errorf("durability.mode = %q", got)
	}
}

func TestGroupCascade(t *testing.T) {
	b := broker(t, "group.consumer.session.timeout.ms", "50000")
	if got := GroupValues(b, nil).Int("consumer.session.timeout.ms"); got != 50000 {
		t.Errorf("from the broker: %d", got)
	}
	if got := GroupValues(b, map[string]string{"consumer.session.timeout.ms": "46000"}).Int("consumer.session.timeout.ms"); got != 46000 {
		t.Errorf("own: %d", got)
	}
}

func TestTypedGetters(t *testing.T) {
	v := broker(t, "log.retention.minutes", "3", "auto.create.topics.enable", "FALSE",
		"listeners", " A://:1 , B://:2", "log.cleaner.min.cleanable.ratio", "0.25", "connections.max.idle.ms", "9223372036854775807")
	if got := v.Duration("log.retention.ms"); got != 3*time.Minute {
		t.Errorf("log.retention.ms through minutes: %v", got)
	}
	if got := v.Int("log.retention.hours"); got != 168 {
		t.Errorf("a coarser sibling keeps its own value: %d", got)
	}
	if v.Bool("auto.create.topics.enable") {
		t.Error("FALSE is false")
	}
	if got := v.List("listeners"); len(got) != 2 || got[1] != "B://:2" {
		t.Errorf("list: %q", got)
	}
	if got := v.Float("log.cleaner.min.cleanable.ratio"); got != 0.25 {
		t.Errorf("double: %v", got)
	}
	if got := v.Duration("connections.max.idle.ms"); got != math.MaxInt64 {
		t.Errorf("a huge duration must saturate: %v", got)
	}
	if got := TopicValues(v, map[string]string{"retention.ms": "-1"}).Duration("retention.ms"); got >= 0 {
		t.Errorf("no limit must stay negative: %v", got)
	}
	if _, set := v.Raw("num.partitions"); set {
		t.Error("num.partitions is not set")
	}
	var zero Values
	if got := zero.Int("num.partitions"); got != 1 {
		t.Errorf("the zero value has the defaults: %d", got)
	}
}

func TestMisspeltKeyInCodePanics(t *testing.T) {
	for what, f := range map[string]func(){
		"unknown":    func() { broker(t).Int("no.such.key") },
		"wrong type": func() { broker(t).Bool("num.partitions") },
		"not a time": func() { broker(t).Duration("num.partitions") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}

func TestNewBrokerReportsEveryBadSetting(t *testing.T) {
	v, errs := NewBroker(map[string]string{"num.partitions": "0", "log.retention.mss": "1", "message.max.bytes": "5"})
	if len(errs) != 2 {
		t.Fatalf("got %v", errs)
	}
	var unknown *UnknownError
	var invalid *InvalidError
	if !errors.As(errs[0], &unknown) || unknown.Nearest != "log.retention.ms" {
		t.Errorf("first: %v", errs[0])
	}
	if !errors.As(errs[1], &invalid) || invalid.Key != "num.partitions" {
		t.Errorf("second: %v", errs[1])
	}
	if v.Int("message.max.bytes") != 5 || v.Int("num.partitions") != 1 {
		t.Error("the good setting must be kept, the bad one left at its default")
	}
}

func TestWithLaysOverWithoutChangingTheOriginal(t *testing.T) {
	static := broker(t, "num.partitions", "3", "message.max.bytes", "5")
	dynamic, errs := static.With(map[string]string{"num.partitions": "7"})
	if errs != nil || dynamic.Int("num.partitions") != 7 || dynamic.Int("message.max.bytes") != 5 || static.Int("num.partitions") != 3 {
		t.Errorf("static %v, dynamic %v, %v", static.Settings(), dynamic.Settings(), errs)
	}
}
