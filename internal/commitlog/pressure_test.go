package commitlog

import (
	"sync"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// More unflushed logs than files may be open: the files must be flushed and let
// go, without the appends that notice it waiting for each other.
func TestAppendsUnderPressureOfOpenFiles(t *testing.T) {
	o := testOptions(vfs.NewMem())
	o.MaxOpenFiles = 2
	d := mustOpen(t, o)
	defer mustClose(t, d)
	cfg := testConfig()
	cfg.Durable = false
	var wg sync.WaitGroup
	for i := range 6 {
		l, err := d.OpenLog(base.TopicPartition{Topic: "t", Partition: int32(i)}, base.UUID{9}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 40 {
				mustAppend(t, l, makeBatch(1, 300, 1))
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("appends wait for each other")
	}
}
