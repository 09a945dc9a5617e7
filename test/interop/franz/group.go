package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"interop/gomatrix"
)

// member of a group; every commit is explicit.
type member struct {
	buffer
	topic string
	async bool
}

func (f franz) Join(_ context.Context, group, topic string, o gomatrix.GroupOptions) (gomatrix.Member, error) {
	reset := kgo.NewOffset().AtStart()
	if o.Latest {
		reset = kgo.NewOffset().AtEnd()
	}
	cl, err := f.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(reset),
		kgo.DisableAutoCommit(), kgo.FetchMaxWait(500e6))
	return &member{buffer{cl: cl}, topic, o.Async}, err
}

func (m *member) Commit(ctx context.Context, r gomatrix.Record) error {
	record := &kgo.Record{Topic: m.topic, Partition: r.Partition, Offset: r.Offset, LeaderEpoch: -1}
	if !m.async {
		return m.cl.CommitRecords(ctx, record)
	}
	m.cl.CommitOffsets(ctx, map[string]map[int32]kgo.EpochOffset{m.topic: {r.Partition: {Epoch: -1, Offset: r.Offset + 1}}}, nil)
	return nil
}

func (f franz) Committed(ctx context.Context, group, topic string) (map[int32]int64, error) {
	out := map[int32]int64{}
	return out, f.admin(func(adm *kadm.Client) error {
		offsets, err := adm.FetchOffsets(ctx, group)
		offsets.Each(func(o kadm.OffsetResponse) {
			if o.Topic == topic {
				out[o.Partition] = o.At
				err = errors.Join(err, o.Err)
			}
		})
		return err
	})
}

func (f franz) States(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	return out, f.admin(func(adm *kadm.Client) error {
		listed, err := adm.ListGroups(ctx)
		if err != nil {
			return err
		}
		groups, err := adm.DescribeGroups(ctx, listed.Groups()...)
		for name, g := range groups {
			out[name] = g.State
		}
		return err
	})
}

// topics are the cluster's topics.
type topics struct{ franz }

func (t topics) Create(ctx context.Context, topic string, partitions int, configs map[string]string) error {
	set := map[string]*string{}
	for k, v := range configs {
		set[k] = &v
	}
	return t.admin(func(adm *kadm.Client) error {
		_, err := adm.CreateTopic(ctx, int32(partitions), 1, set, topic)
		return err
	})
}

func (t topics) List(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	return out, t.admin(func(adm *kadm.Client) error {
		listed, err := adm.ListTopics(ctx)
		for name, d := range listed {
			out[name] = len(d.Partitions)
		}
		return err
	})
}

func (t topics) AddPartitions(ctx context.Context, topic string, total int) error {
	return t.admin(func(adm *kadm.Client) error {
		r, err := adm.UpdatePartitions(ctx, total, topic)
		return errors.Join(err, r.Error())
	})
}

func (t topics) Delete(ctx context.Context, topic string) error {
	return t.admin(func(adm *kadm.Client) error {
		_, err := adm.DeleteTopic(ctx, topic)
		return err
	})
}

// configs are those of topics.
type configs struct{ franz }

func (c configs) Describe(ctx context.Context, topic string) (map[string]string, error) {
	out := map[string]string{}
	return out, c.admin(func(adm *kadm.Client) error {
		all, err := adm.DescribeTopicConfigs(ctx, topic)
		for _, r := range all {
			err = errors.Join(err, r.Err)
			for _, entry := range r.Configs {
				out[entry.Key] = entry.MaybeValue()
			}
		}
		return err
	})
}

func (c configs) Alter(ctx context.Context, topic, key, value string) error {
	return c.admin(func(adm *kadm.Client) error {
		rs, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, topic)
		for _, r := range rs {
			err = errors.Join(err, r.Err)
		}
		return err
	})
}
