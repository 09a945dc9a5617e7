package replica

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// TestReplicasThatCouldNotBeOpenedAreTriedAgain: without any change of the
// metadata, and without a line in the log each time.
func TestReplicasThatCouldNotBeOpenedAreTriedAgain(t *testing.T) {
	for _, errno := range []error{syscall.ENOSPC, syscall.EMFILE} {
		synctest.Test(t, func(t *testing.T) {
			mem := vfs.NewMem()
			disk := faultfs.New(mem)
			c := newClusterOn(t, mem, disk)
			defer func() { c.set.Close(); _ = c.dir.Close() }()
			c.set.Start()
			disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Mkdir, faultfs.Create}, Do: faultfs.Fail(errno)})
			gone := base.NewUUID()
			c.commit(append(topic(base.NewUUID(), "orders", 1, 1), topic(gone, "gone", 1)...)...)
			for range 3 {
				time.Sleep(time.Minute)
				if _, err := c.set.Get("orders", 0); !errors.Is(err, kerr.KafkaStorageError) {
					t.Errorf("%v: %v", errno, err)
				}
			}
			c.commit(&metapb.RemoveTopic{Id: gone[:]})
			if n := strings.Count(c.log.String(), "cannot be served yet"); n != 3 {
				t.Errorf("%d lines: %s", n, c.log.String())
			}
			disk.Clear()
			time.Sleep(retryMost)
			synctest.Wait()
			for i := range int32(2) {
				if p, err := c.set.Get("orders", i); err != nil || p.Leadership().Leader != 1 {
					t.Errorf("%v: %v", errno, err)
				}
			}
			if _, err := c.set.Get("gone", 0); !errors.Is(err, kerr.UnknownTopicOrPartition) {
				t.Errorf("%v: %v", errno, err)
			}
			if c.set.timer != nil || c.dir.Offline() != nil {
				t.Error("a timer runs for nothing, or", c.dir.Offline())
			}
		})
	}
}
