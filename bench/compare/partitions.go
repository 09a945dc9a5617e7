//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	fileLimit  = 20_000
	hostedStep = 1000
	hostedTime = 3 * time.Minute // for one side
)

func manyPartitions(ctx context.Context, w *workshop) error {
	w.note("at most %d partitions are tried, for %v; vm.max_map_count is the machine's", w.size.hosted, hostedTime)
	return w.alone(ctx, w.size.few, []side{flushed, kafkaDefault}, func(ctx context.Context, s side, _ int) (m measured, err error) {
		rates := w.activeRates(ctx, s, &m)
		n, why, err := w.host(ctx, s)
		if err != nil {
			return m, err
		}
		m.set("hosted", float64(n))
		w.note("%s hosted %d: %s", s.name, n, why)
		return m, rates
	})
}

// activeRates compares few and many partitions that are all written to.
func (w *workshop) activeRates(ctx context.Context, s side, m *measured) error {
	b, err := w.start(ctx, s, startOptions{cpus: w.brokerCPU()})
	if err != nil {
		return err
	}
	defer b.end()
	if err := b.limit(fileLimit); err != nil {
		return err
	}
	many := w.size.partitions
	for _, k := range []struct {
		key        string
		partitions int
	}{{"rate few", 100}, {"rate many", many}} {
		topic := "active-" + strconv.Itoa(k.partitions)
		c, err := dial(ctx, b.address)
		if err != nil {
			return err
		}
		if err = createTopic(c, topic, k.partitions); err == nil {
			_, err = touch(ctx, c, topic, upTo(k.partitions))
		}
		c.Close()
		if err != nil {
			return err
		}
		r, err := w.client(ctx, b, "produce", "--topic", topic, "--prepared", "--producers", "2", "--record-size", "1024", "--batch-bytes", "16384",
			"--duration", seconds(2*w.size.span), "--warmup", seconds(w.size.warm))
		if err != nil {
			return err
		}
		m.details = append(m.details, r)
		m.set(k.key, r.Produced.MBPerSec)
	}
	m.set("kept", m.metrics["rate many"]/m.metrics["rate few"])
	return nil
}

// host adds partitions, each of which has to confirm a record, until the broker
// fails or the bounds are reached. It returns how many it held and why it ended.
func (w *workshop) host(ctx context.Context, s side) (n int, why string, err error) {
	b, err := w.start(ctx, s, startOptions{})
	if err != nil {
		return 0, "", err
	}
	defer b.end()
	if err := b.limit(fileLimit); err != nil {
		return 0, "", err
	}
	trying, cancel := context.WithTimeout(ctx, hostedTime)
	defer cancel()
	for n < w.size.hosted {
		if err := addPartitions(trying, b, n, hostedStep); err != nil {
			if !b.alive() {
				return n, "then the process ended", nil
			}
			if trying.Err() != nil && ctx.Err() == nil {
				return n, "then the time was over", nil
			}
			return n, err.Error(), nil
		}
		n += hostedStep
	}
	if err := sample(ctx, b, n); err != nil {
		return 0, "", fmt.Errorf("%d partitions were created, but then: %w", n, err)
	}
	return n, "all that were tried", nil
}

func addPartitions(ctx context.Context, b *broker, have, more int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := dial(ctx, b.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := createTopic(c, topicOf(have), more); err != nil {
		return err
	}
	_, err = touch(ctx, c, topicOf(have), upTo(more))
	return err
}

// sample writes to some of all partitions, old and new.
func sample(ctx context.Context, b *broker, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := dial(ctx, b.address)
	if err != nil {
		return err
	}
	defer c.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	for range min(200, partitions) {
		p := rng.IntN(partitions)
		if _, err := touch(ctx, c, topicOf(p), []int32{int32(p % 1000)}); err != nil {
			return err
		}
	}
	return nil
}

func upTo(n int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// folderGB is what a directory's files take on disk.
func folderGB(dir string) float64 {
	blocks := int64(0)
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files may vanish meanwhile
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				blocks += st.Blocks
			}
		}
		return nil
	})
	return float64(blocks) * 512 / 1e9
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
