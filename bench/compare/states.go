//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/bench"
	"github.com/milena-io/milena/test/freeport"
)

func rssMB(b *broker) (float64, error) {
	u, err := bench.ProcessUsage(b.pid)
	return float64(u.RSSBytes) / 1e6, err
}

// createMany creates topics of a thousand partitions and waits until each has
// a leader that confirms; nothing is written but to one partition of each.
func createMany(ctx context.Context, b *broker, partitions int) error {
	c, err := dial(ctx, b.address)
	if err != nil {
		return err
	}
	defer c.Close()
	for at := 0; at < partitions; at += 1000 {
		name := topicOf(at)
		if err := createTopic(c, name, min(1000, partitions-at)); err != nil {
			return err
		}
		if _, err := touch(ctx, c, name, []int32{0}); err != nil {
			return err
		}
	}
	return nil
}

func topicOf(partition int) string { return fmt.Sprintf("many-%05d", partition/1000) }

func memory(ctx context.Context, w *workshop) error {
	w.note("the partitions row is for %d partitions", w.size.partitions)
	return w.alone(ctx, w.size.few, []side{flushed, kafkaDefault, kafkaSmall}, func(ctx context.Context, s side, _ int) (m measured, err error) {
		b, err := w.start(ctx, s, startOptions{})
		if err != nil {
			return m, err
		}
		read := func(key string) {
			if err == nil && !pause(ctx, w.size.settle) {
				err = ctx.Err()
			}
			var mb float64
			if err == nil {
				mb, err = rssMB(b)
				m.set(key, mb)
			}
		}
		read("idle")
		if err != nil {
			return m, err
		}
		r, err := w.client(ctx, b, "e2e", "--topic", "load", "--rate", "50000", "--record-size", "1000", "--partitions", "6", "--replication-factor", "1", "--duration", seconds(10*w.size.warm))
		if err != nil {
			return m, err
		}
		m.details = append(m.details, r)
		m.set("loaded", float64(r.Broker.RSSBytes)/1e6)
		m.set("loaded MB/s", r.Produced.MBPerSec)
		b.end()
		if b, err = w.start(ctx, s, startOptions{}); err != nil {
			return m, err
		}
		err = createMany(ctx, b, w.size.partitions)
		read("partitions")
		return m, err
	})
}

// answer is when a broker that is starting did what was asked of it, or why not.
type answer struct {
	at  time.Time
	err error
}

// asking asks beside the start of a broker.
func asking(ask func() (time.Time, error)) <-chan answer {
	answered := make(chan answer, 1)
	go func() {
		at, err := ask()
		answered <- answer{at, err}
	}()
	return answered
}

// timedStart starts a broker on a directory and measures until the first record
// is confirmed, asking from the beginning.
func (w *workshop) timedStart(ctx context.Context, s side, dir, topic string, create bool) (b *broker, took time.Duration, err error) {
	o := startOptions{dir: dir}
	if o.address, err = freeport.Address(); err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	answered := asking(func() (time.Time, error) { return first(ctx, o.address, topic, create) })
	if b, err = w.start(ctx, s, o); err != nil {
		cancel()
		<-answered
		return nil, 0, err
	}
	a := <-answered
	return b, a.at.Sub(b.began), a.err
}

func starts(ctx context.Context, w *workshop) error {
	w.note("the partitions row is for %d partitions", w.size.partitions)
	dirs := map[string]string{}
	defer func() {
		for _, dir := range dirs {
			_ = os.RemoveAll(dir)
		}
	}()
	sides := []side{flushed, kafkaDefault, kafkaSmall}
	for _, s := range w.sides(sides) {
		dir, err := os.MkdirTemp(w.dir, "many-")
		if err != nil {
			return err
		}
		dirs[s.name] = dir
		b, err := w.start(ctx, s, startOptions{dir: dir})
		if err == nil {
			if err = createMany(ctx, b, w.size.partitions); err == nil {
				err = b.stop()
			}
			b.kill()
		}
		if err != nil {
			w.record(run{Side: s.name, Round: -1, Error: err.Error()})
		}
	}
	return w.inOrder(ctx, w.size.pairs, sides, func(ctx context.Context, s side, _ int) (m measured, err error) {
		b, took, err := w.timedStart(ctx, s, "", "first", true)
		if err != nil {
			return m, err
		}
		m.set("empty", ms(took))
		b.end()
		b, took, err = w.timedStart(ctx, s, dirs[s.name], topicOf(0), false)
		if err != nil {
			return m, err
		}
		m.set("partitions", ms(took))
		err = b.stop()
		b.kill()
		return m, err
	})
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func recovery(ctx context.Context, w *workshop) error {
	const topic, partitions = "recover", 1000
	w.note("killed at %.2g GB; what was written lies in the page cache on both sides", w.size.recoverGB)
	return w.alone(ctx, w.size.few, []side{flushed, kafkaDefault, kafkaTuned}, func(ctx context.Context, s side, _ int) (m measured, err error) {
		b, err := w.start(ctx, s, startOptions{})
		if err != nil {
			return m, err
		}
		fill := func(ctx context.Context, records int) error {
			_, err := w.client(ctx, b, "produce", "--topic", topic, "--prepared", "--record-size", "1024", "--batch-bytes", "65536", "--partitions", strconv.Itoa(partitions),
				"--replication-factor", "1", "--records", strconv.Itoa(records))
			return err
		}
		// Whole requests of 15 partitions go round, so that all of them hold data.
		if err := fill(ctx, max(int(w.size.recoverGB*1e9/1024), 2*64*partitions)); err != nil {
			return m, err
		}
		loading, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = fill(loading, 1<<40) // fails, because its broker is killed
		}()
		pause(ctx, 2*w.size.warm)
		b.kill()
		cancel()
		<-ended
		m.set("stored", folderGB(b.dir))
		again, err := w.restart(ctx, s, b, topic, partitions)
		if err != nil {
			return m, err
		}
		m.set("readable", again.Seconds())
		return m, nil
	})
}

// restart starts a killed broker again and measures until everything is readable.
func (w *workshop) restart(ctx context.Context, s side, killed *broker, topic string, partitions int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	answered := asking(func() (time.Time, error) { return readable(ctx, killed.address, topic, partitions) })
	b, err := w.start(ctx, s, startOptions{dir: killed.dir, address: killed.address})
	if err != nil {
		cancel()
		<-answered
		return 0, err
	}
	a := <-answered
	if a.err != nil {
		return 0, a.err
	}
	return a.at.Sub(b.began), nil
}

// idleConnections opens connections that ask once and then do nothing.
func idleConnections(ctx context.Context, b *broker, n int) (close func(), err error) {
	var open []*bench.Conn
	close = func() {
		for _, c := range open {
			c.Close()
		}
	}
	for range n {
		c, err := dial(ctx, b.address)
		if err != nil {
			return close, err
		}
		open = append(open, c)
		req := kmsg.NewPtrMetadataRequest()
		req.SetVersion(4)
		if _, err := c.Ask(req); err != nil {
			return close, err
		}
	}
	return close, nil
}

func connections(ctx context.Context, w *workshop) error {
	w.note("%d connections", w.size.conns)
	prepare := func(ctx context.Context, b *broker, _ int) (measured, error) {
		m, err := w.oneAtATime(ctx, b, "foreground")
		if err != nil {
			return measured{}, err
		}
		return *m, nil
	}
	measure := func(ctx context.Context, b *broker, round int) (measured, error) {
		before, err := w.oneAtATime(ctx, b, "foreground")
		if err != nil {
			return measured{}, err
		}
		without, err := rssMB(b)
		if err != nil {
			return measured{}, err
		}
		closeAll, err := idleConnections(ctx, b, w.size.conns)
		defer closeAll()
		if err != nil {
			return measured{}, err
		}
		pause(ctx, w.size.settle/3)
		with, err := rssMB(b)
		if err != nil {
			return measured{}, err
		}
		m, err := w.oneAtATime(ctx, b, "foreground")
		if err != nil {
			return measured{}, err
		}
		m.details = append(m.details, before.details...)
		m.set("p99 kept", m.metrics["p99"]/before.metrics["p99"])
		if round == 0 { // memory that is free again afterwards is not given back
			m.set("each", (with-without)*1000/float64(w.size.conns))
		}
		return *m, nil
	}
	return w.inTurns(ctx, w.size.pairs, []side{flushed, kafkaDefault, kafkaTuned}, prepare, measure)
}
