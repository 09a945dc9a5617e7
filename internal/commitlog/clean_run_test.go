package commitlog

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

func TestCleanerPicksTheFilthiest(t *testing.T) {
	cleaned := make(chan base.TopicPartition, 10)
	o := testOptions(vfs.NewMem())
	o.RetentionCheckInterval = 1 << 60
	o.Events.Cleaned = func(tp base.TopicPartition, _ time.Duration, before, after int64) {
		if after >= before {
			t.Errorf("%s: %d bytes became %d", tp, before, after)
		}
		cleaned <- tp
	}
	d := mustOpen(t, o)
	defer mustClose(t, d)
	cfg := compactConfig()
	cfg.SegmentBytes = 1 << 20
	for p := range int32(3) {
		tp := base.TopicPartition{Topic: "t", Partition: p}
		l, err := d.OpenLog(tp, base.UUID{byte(p + 1)}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := &cleanRig{t: t, clock: newClock(), d: d, l: l, cfg: cfg, open: map[int64]*modelTxn{}, seqs: map[int64]int32{}, last: map[int64]record.Batch{}}
		r.fill(t, 10, 2)
		if p == 0 { // half of it is clean already
			r.clean()
			<-cleaned
			r.fill(t, 1, 2)
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		l.SetHighWatermark(l.EndOffset())
	}
	d.cleaner.wake()
	order := []base.TopicPartition{<-cleaned, <-cleaned, <-cleaned}
	d.cleaner.done.Wait()
	if order[2].Partition != 0 || d.CleanerStats().Running || len(cleaned) != 0 {
		t.Errorf("cleaned %v, stats %+v", order, d.CleanerStats())
	}
	d.cleaner.wake()
	if d.cleaner.done.Wait(); len(cleaned) != 0 {
		t.Error("nothing was due any more")
	}
}

func TestCleanWithASmallMap(t *testing.T) {
	r := newRig(t)
	r.d.cleaner.dedupeBytes = 1
	r.fill(t, 5, 5)
	last := int64(-1)
	for n := 0; r.clean(); n++ {
		at := r.d.cleaner.offset(r.l)
		if at <= last || n > 25 {
			t.Fatalf("clean %d went from %d to %d", n, last, at)
		}
		last = at
		r.check()
	}
	if last != 25 {
		t.Errorf("clean to %d", last)
	}
}

func TestReadersDuringCleans(t *testing.T) {
	r := newRig(t)
	r.fill(t, 20, 5)
	_ = r.l.Flush()
	r.l.SetHighWatermark(r.l.EndOffset())
	stop, done := make(chan struct{}), make(chan error, 2)
	for range 2 {
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				got, err := committedFrom(r.l, 0, 200)
				if err == nil && len(finalMap(got)) != 5 {
					err = fmt.Errorf("a table of %v", finalMap(got))
				}
				if err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for i := range 30 {
		r.write(-1, false, record.None, pair(fmt.Sprintf("k%d", i%5), "again"))
		rollNow(t, r.l)
		r.clean()
	}
	close(stop)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	r.check()
}

func TestKafkaReadsCleanedSegments(t *testing.T) {
	libs := os.Getenv("MILENA_KAFKA_LIBS")
	if libs == "" {
		return
	}
	o := testOptions(vfs.OS())
	o.Path = t.TempDir()
	r := newCleanRig(t, o, compactConfig())
	r.write(1, true, record.Gzip, pair("k", "aborted"), pair("j", "aborted"))
	r.endTxn(1, true)
	r.write(1, true, record.Zstd, pair("k", "good"), tombstone("j"))
	r.endTxn(1, false)
	r.fill(t, 3, 4)
	r.clean()
	mustClose(t, r.d)
	var out strings.Builder
	for _, suffix := range []string{suffixLog, suffixIndex, suffixTime, suffixSnapshot} {
		files, err := filepath.Glob(filepath.Join(o.Path, testTP.String(), "*"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			// The exit status says nothing: tools of one version with libraries of
			// another fail after they have printed everything.
			text, _ := exec.Command("java", "-cp", filepath.Join(libs, "*"), "org.apache.kafka.tools.DumpLogSegments",
				"--deep-iteration", "--print-data-log", "--files", name).CombinedOutput()
			out.Write(text)
		}
	}
	for _, bad := range []string{"isvalid: false", "mismatch", "Mismatch", "orrupt", "out of order"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is in\n%s", bad, out.String())
		}
	}
	for _, want := range []string{
		"deleteHorizonMs: OptionalLong[", "payload: good", "endTxnMarker: ABORT", "producerId: 1 producerEpoch: 0",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
