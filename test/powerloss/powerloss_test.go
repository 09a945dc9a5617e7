package powerloss

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/test/rig"
)

var (
	clones = flag.Int("clones", 100, "how many power losses are examined")
	lives  = flag.Int("lives", 10, "how many brokers live one after another, at least")
	every  = flag.Bool("every", false, "take every sync point, not those at which an examiner is free")
	seed   = flag.Uint64("seed", 1, "seed of all choices")
)

// storyLives is how many brokers live one after another on one story. Longer
// ones would only take longer to read back.
const storyLives = 6

// TestPowerLoss runs brokers one after another on the same story. Each ends by a
// clean stop, by a clean stop under load or by a power loss; the next goes on
// with the disk that is left.
func TestPowerLoss(t *testing.T) {
	t.Logf("-seed %d -clones %d", *seed, *clones)
	rng := rand.New(rand.NewPCG(*seed, 0))
	c := &campaign{t: t, examiners: make(chan struct{}, 2), rng: rand.New(rand.NewPCG(*seed, 1))}
	lived := 0
	var disk *vfs.Mem
	for ; !t.Failed() && (lived < *lives || !c.enough()); lived++ {
		first := lived%storyLives == 0
		if first {
			c.tell()
			c.crew, disk = rig.NewCrew(rng.Uint64()), vfs.NewMem()
		}
		disk = c.life(disk, rng, first)
	}
	c.tell()
	t.Logf("%d power losses examined, %d of them during start-up or stop of an examined broker, %d records read back; "+
		"%d lives, %d topics, %d records, %d commits", c.examined, c.nested, c.read, lived, c.topics, c.records, c.commits)
	if c.records < 50 || c.commits < 10 || c.examined < *clones {
		t.Error("the workload did too little to prove anything")
	}
}

// tell ends a story: its power losses are examined and its promises counted.
func (c *campaign) tell() {
	c.wg.Wait()
	if c.crew == nil {
		return
	}
	topics, records, commits := c.crew.Story.Now().Tally()
	c.topics, c.records, c.commits = c.topics+topics, c.records+records, c.commits+commits
}

// life runs a broker on disk until it ends, and returns the disk it leaves.
func (c *campaign) life(disk *vfs.Mem, rng *rand.Rand, first bool) *vfs.Mem {
	t := c.t
	disk.OnSync(func(op, name string) { c.sample(disk, op, name) })
	b, err := rig.Start(t.Context(), disk, props)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	if first {
		if err := c.crew.Prepare(b); err != nil {
			t.Fatal(err)
		}
	}
	how := rng.IntN(3)
	working, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() { c.crew.Run(working, b); close(done) }()
	select {
	case <-time.After(time.Duration(100+rng.IntN(400)) * time.Millisecond):
	case <-done: // an error
	}
	defer func(how int) { c.ended = []string{"a power loss", "a stop under load", "a stop"}[how] }(how)
	switch how {
	case 0: // the power goes
		left, moment := c.crew.Story.Freeze(disk, cut(rng))
		disk.OnSync(nil)
		stop()
		<-done
		c.crew.Story.Rewind(moment)
		c.close(b)
		return left
	case 1: // a clean stop while clients go on
		stop()
		c.close(b)
		<-done
	default:
		stop()
		<-done
		c.close(b)
	}
	if errs := c.crew.Errs(); len(errs) > 0 {
		t.Errorf("after %s: %v; the log: %v", c.ended, errs, b.Log.Lines("level=WARN"))
	}
	disk.OnSync(nil)
	return disk
}

func (c *campaign) close(b *rig.Broker) {
	if err := b.Close(); err != nil {
		c.t.Errorf("close: %v", err)
	}
	for _, line := range b.Log.Errors() {
		c.t.Errorf("logged: %s", line)
	}
}

// The volume's sync takes part in small rounds, too.
var props = map[string]string{"metadata.log.max.record.bytes.between.snapshots": "3000", "milena.flush.volume.min.logs": "1"}

// cut chooses what a power loss spares.
func cut(rng *rand.Rand) vfs.CrashOptions {
	return vfs.CrashOptions{
		Rand:         rand.New(rand.NewPCG(rng.Uint64(), 0)),
		KeepUnsynced: []float64{0, 0.2, 0.5, 0.8, 1}[rng.IntN(5)],
		Ordered:      rng.IntN(3) == 0,
	}
}

// campaign examines power losses beside a story that goes on.
type campaign struct {
	t         *testing.T
	crew      *rig.Crew
	examiners chan struct{}
	wg        sync.WaitGroup

	mu       sync.Mutex
	rng      *rand.Rand
	taken    int
	examined int
	nested   int
	read     int    // records, by examined brokers
	ended    string // how the life before ended

	topics, records, commits int // promised in all stories
}

func (c *campaign) enough() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken >= *clones
}

// sample decides at a sync point whether the power goes here.
func (c *campaign) sample(disk *vfs.Mem, op, name string) {
	c.mu.Lock()
	want := c.taken < *clones && (*every || c.rng.IntN(4) == 0)
	opts, again := cut(c.rng), c.rng.Uint64()
	c.mu.Unlock()
	if !want {
		return
	}
	if *every {
		c.examiners <- struct{}{}
	} else {
		select {
		case c.examiners <- struct{}{}:
		default:
			return
		}
	}
	c.mu.Lock()
	c.taken++
	c.mu.Unlock()
	left, moment := c.crew.Story.Freeze(disk, opts)
	c.wg.Go(func() {
		defer func() { <-c.examiners }()
		e := &examination{campaign: c, moment: moment, rng: rand.New(rand.NewPCG(again, 2)), where: op + " of " + name}
		e.examine(left, 0)
	})
}

// examination is what is made of one power loss.
type examination struct {
	*campaign
	moment rig.Moment
	rng    *rand.Rand
	where  string
}

// examine starts a broker on a disk twice and compares it with the story. While
// it starts and stops the power goes again.
func (e *examination) examine(disk *vfs.Mem, depth int) {
	twin := disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	var again []*vfs.Mem
	var points int
	disk.OnSync(func(string, string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		// A fair choice among all points of the two starts and stops.
		if points++; depth < 2 && e.rng.IntN(points) == 0 {
			again = []*vfs.Mem{disk.CrashClone(cut(e.rng))}
		}
	})
	hash := e.start(disk, depth, true)
	after := e.start(disk, depth, false)
	disk.OnSync(nil)
	if len(e.moment) == 0 {
		after = hashes{started: hash.stopped} // no cluster was promised yet
	}
	if hash.stopped != after.started {
		e.failf(depth, "the metadata changed between a clean stop (%s) and a start (%s)", hash.stopped, after.started)
	}
	if len(e.moment) > 0 && e.rng.IntN(4) == 0 {
		if other := e.start(twin, depth, false); other.started != hash.started {
			e.failf(depth, "two starts of the same disk have different metadata: %s and %s", hash.started, other.started)
		}
	}
	e.mu.Lock()
	e.examined++
	if depth > 0 {
		e.nested++
	}
	e.mu.Unlock()
	for _, left := range again {
		if e.rng.IntN(2) == 0 {
			e.examine(left, depth+1)
		}
	}
}

type hashes struct{ started, stopped string }

// start runs a broker once and judges it.
func (e *examination) start(disk *vfs.Mem, depth int, dedup bool) (h hashes) {
	b, err := rig.Start(e.t.Context(), disk, props)
	if err != nil {
		e.failf(depth, "the broker refuses to start: %v", err)
		return h
	}
	h.started = b.Node.Image().Hash()
	v := rig.Judge(b, e.moment, rig.Options{Repeat: dedup})
	for _, err := range v.Wrong {
		e.failf(depth, "%v", err)
	}
	for tp, err := range v.Missing {
		e.failf(depth, "%s cannot be read: %v", tp, err)
	}
	e.mu.Lock()
	e.read += v.Records
	e.mu.Unlock()
	h.stopped = b.Node.Image().Hash()
	if err := b.Close(); err != nil {
		e.failf(depth, "close: %v", err)
	}
	for _, line := range append(b.Log.Errors(), b.Log.Lines("quarantine")...) {
		e.failf(depth, "logged: %s", line)
	}
	return h
}

func (e *examination) failf(depth int, format string, args ...any) {
	e.t.Helper()
	e.t.Errorf("power loss %s, then %d more: "+format, append([]any{e.where, depth}, args...)...)
}
