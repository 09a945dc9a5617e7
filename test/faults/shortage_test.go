package faults

import (
	"errors"
	"strconv"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
	"github.com/milena-io/milena/test/rig"
)

// TestNoFilesCanBeMade: for a while there is no descriptor, or no room, for a new
// file. Records that need one are refused, retriably, as are those for a topic
// created meanwhile. Then everything goes on by itself.
func TestNoFilesCanBeMade(t *testing.T) {
	for _, errno := range []error{syscall.EMFILE, syscall.ENOSPC} {
		disk := faultfs.New(vfs.NewMem())
		b, err := rig.Start(t.Context(), disk, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Dial()
		if err != nil {
			t.Fatal(err)
		}
		keep := map[string]string{"retention.ms": "-1", "segment.ms": "1", "message.timestamp.type": "LogAppendTime"}
		if _, err := c.CreateTopic("orders", 1, keep); err != nil {
			t.Fatal(err)
		}
		taken := 0
		produce := func(topic string) error {
			_, err := c.Produce(topic, 0, batch(strconv.Itoa(taken)))
			if err == nil && topic == "orders" {
				taken++
			}
			return err
		}
		if err := produce("orders"); err != nil {
			t.Fatal(err)
		}
		for _, glob := range []string{"orders-0/*", "late-0/*"} {
			disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Create}, Glob: glob, Do: faultfs.Fail(errno)})
		}
		refused := func(topic string) bool {
			err := produce(topic)
			if err != nil && !errors.Is(err, kerr.KafkaStorageError) {
				t.Errorf("%v: produce to %s: %v", errno, topic, err)
			}
			return err != nil
		}
		if !eventually(func() bool { return refused("orders") }) {
			t.Errorf("%v: no segment was to be rolled", errno)
		}
		if _, err := c.CreateTopic("late", 1, keep); err != nil {
			t.Errorf("%v: create a topic: %v", errno, err)
		}
		if !refused("late") {
			t.Errorf("%v: a log without files took records", errno)
		}
		if code, text, err := b.Get("/healthz"); code != 200 {
			t.Errorf("%v: /healthz: %d %s %v", errno, code, text, err)
		}
		disk.Clear()
		for _, topic := range []string{"orders", "late"} {
			if !eventually(func() bool { return produce(topic) == nil }) {
				t.Errorf("%v: %s takes no records", errno, topic)
			}
		}
		if _, end, records, err := c.ReadAll("orders", 0); err != nil || len(records) != taken || end != int64(taken) {
			t.Errorf("%v: read %d of %d records up to %d: %v", errno, len(records), taken, end, err)
		}
		c.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if lines := append(b.Log.Errors(), b.Log.Lines("offline")...); len(lines) > 0 {
			t.Errorf("%v: logged %v", errno, lines)
		}
	}
}
