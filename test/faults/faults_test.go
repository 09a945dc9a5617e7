package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
	"github.com/milena-io/milena/test/rig"
)

var (
	count = flag.Int("faults", 40, "how many storage calls are failed, each in a run of its own")
	seed  = flag.Uint64("seed", 1, "seed of all choices")
)

// workTime is how long clients work in one run.
const workTime = 60 * time.Millisecond

var actions = []struct {
	name string
	do   faultfs.Action
}{
	{"EIO", faultfs.EIO},
	{"ENOSPC", faultfs.ENOSPC},
	{"a short write", faultfs.ShortWrite(syscall.ENOSPC)},
}

// tally counts the outcomes of all runs.
type tally struct {
	mu                        sync.Mutex
	refused, offline, stopped int
	sites                     map[string]int
}

// TestStorageCallsFail runs a broker under load once per fault.
func TestStorageCallsFail(t *testing.T) {
	t.Logf("-seed %d -faults %d", *seed, *count)
	start, all := probe(t)
	rng := rand.New(rand.NewPCG(*seed, 0))
	total := &tally{sites: map[string]int{}}
	struck := 0
	for i := 0; struck < *count; i++ {
		// Rather early than late: runs differ in how much they do.
		n := start + 1 + rng.IntN(1+rng.IntN(max(all-start, 1500)))
		if i%4 == 0 {
			n = 1 + rng.IntN(start) // start-up has few calls, and each of them counts
		}
		a := actions[rng.IntN(len(actions))]
		r := &run{t: t, total: total, crew: rig.NewCrew(rng.Uint64()), disk: vfs.NewMem(), rng: rng}
		r.crew.Tolerant = true
		r.faults = faultfs.New(r.disk, faultfs.Rule{Nth: n, Times: 1, Do: a.do})
		r.faults.OnOp(func(c faultfs.Call) {
			if c.N == n {
				r.what = fmt.Sprintf("%s in call %d, %s of %s", a.name, n, c.Op, c.Path)
				total.site(c)
			}
		})
		r.do()
		if r.what != "" {
			struck++ // a shorter run has fewer calls
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("of %d calls (%d of start-up) %d were failed: %d refused to start, %d directories went offline, %d quorums stopped",
		all, start, struck, total.refused, total.offline, total.stopped)
	for _, site := range slices.Sorted(maps.Keys(total.sites)) {
		t.Logf("%4d %s", total.sites[site], site)
	}
}

func (t *tally) site(c faultfs.Call) {
	name := c.Path[strings.LastIndexByte(c.Path, '/')+1:]
	if dot := strings.IndexByte(name, '.'); dot > 0 && name[0] == '0' {
		name = "*" + name[dot:]
	}
	if strings.Contains(c.Path, "milena.quorum") {
		name = "quorum " + name
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sites[string(c.Op)+" "+name]++
}

// probe counts the calls of start-up, and of start-up and work.
func probe(t *testing.T) (start, all int) {
	faults := faultfs.New(vfs.NewMem())
	b, err := rig.Start(t.Context(), faults, nil)
	if err != nil {
		t.Fatal(err)
	}
	start = faults.Calls()
	crew := rig.NewCrew(1)
	if err := crew.Prepare(b); err != nil {
		t.Fatal(err)
	}
	work(t.Context(), crew, b)
	all = faults.Calls()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return start, all
}

func work(ctx context.Context, crew *rig.Crew, b *rig.Broker) {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	crew.Run(ctx, b)
}

// run is one broker that suffers one fault.
type run struct {
	t      *testing.T
	total  *tally
	crew   *rig.Crew
	disk   *vfs.Mem
	faults *faultfs.FS
	rng    *rand.Rand
	what   string
}

func (r *run) failf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s: "+format, append([]any{r.what}, args...)...)
}

func (r *run) do() {
	b, err := rig.Start(r.t.Context(), r.faults, nil)
	if err != nil {
		r.total.refused++
		if !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC) {
			r.failf("start: %v does not name the cause", err)
		}
		r.readBack("after a refused start")
		return
	}
	if r.crew.Prepare(b) == nil {
		work(r.t.Context(), r.crew, b)
	}
	r.outcome(b)
	r.readBack("while it ran")
	_ = b.Close() // must end; what it says was said before, or is about this very call
	r.readBack("after it was closed")
}

// outcome checks how the broker shows what happened.
func (r *run) outcome(b *rig.Broker) {
	c, err := b.Dial()
	if err != nil {
		r.failf("dial: %v", err)
		return
	}
	defer c.Close()
	if _, err := c.Metadata(); err != nil {
		r.failf("metadata: %v", err)
	}
	if lines := b.Log.Lines("panic"); len(lines) > 0 {
		r.failf("logged %v", lines)
	}
	lines, code, text := r.health(b)
	select {
	case <-b.Node.Fatal():
		r.total.stopped++
		if len(b.Log.Errors()) == 0 {
			r.failf("the quorum stopped without a word")
		}
	default:
		if want := map[bool]int{true: 200, false: 503}[len(lines) == 0]; code != want {
			r.failf("/healthz answers %d %s, want %d; the log: %v", code, text, want, lines)
		}
	}
	if len(lines) == 0 {
		return
	}
	r.total.offline++
	if len(lines) != 1 {
		r.failf("logged %d times that the directory goes offline", len(lines))
	}
	if !eventually(func() bool {
		_, metrics, err := b.Get("/metrics")
		return err == nil && strings.Contains(metrics, `milena_log_dir_online{dir="/data"} 0`) &&
			strings.Contains(metrics, "milena_log_dir_failures_total 1")
	}) {
		r.failf("the metrics do not say that the directory is offline")
	}
	if _, err := c.Produce("keep", 0, batch("after the fault")); err != nil && !errors.Is(err, kerr.KafkaStorageError) &&
		!errors.Is(err, kerr.UnknownTopicOrPartition) {
		r.failf("produce to an offline directory: %v", err)
	} else if err == nil {
		r.failf("an offline directory took records")
	}
	_, _, _, _ = c.ReadAll("keep", 0) // must be answered, whatever with
}

// health is what the log and /healthz say, at a time when nothing is happening
// between the two.
func (r *run) health(b *rig.Broker) (lines []string, code int, text string) {
	eventually(func() bool {
		var err error
		if code, text, err = b.Get("/healthz"); err != nil {
			r.failf("/healthz: %v", err)
		}
		lines = b.Log.Lines("log directory goes offline")
		return (code == 200) == (len(lines) == 0)
	})
	return lines, code, text
}

// eventually repeats f for some seconds until it is true.
func eventually(f func() bool) bool {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if f() {
			return true
		}
	}
	return false
}

func batch(value string) []byte {
	b := record.NewBuilder(record.BuilderOptions{})
	b.Append(1, nil, []byte(value))
	return b.Build()
}

// readBack starts a broker on what a power loss would leave and compares it with
// what clients were promised.
func (r *run) readBack(when string) {
	left, moment := r.crew.Story.Freeze(r.disk, vfs.CrashOptions{
		Rand: rand.New(rand.NewPCG(r.rng.Uint64(), 0)), KeepUnsynced: []float64{0, 0.5, 1}[r.rng.IntN(3)],
	})
	b, err := rig.Start(r.t.Context(), left, nil)
	if err != nil {
		r.failf("%s: the next start: %v", when, err)
		return
	}
	v := rig.Judge(b, moment, rig.Options{Repeat: true})
	for _, err := range v.Wrong {
		r.failf("%s: %v", when, err)
	}
	for tp, err := range v.Missing {
		r.failf("%s: %s cannot be read: %v", when, tp, err)
	}
	for _, line := range append(b.Log.Errors(), b.Log.Lines("quarantine")...) {
		r.failf("%s: the next broker logged: %s", when, line)
	}
	if err := b.Close(); err != nil {
		r.failf("%s: close of the next broker: %v", when, err)
	}
}
