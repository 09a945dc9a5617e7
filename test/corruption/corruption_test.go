package corruption

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/test/rig"
)

var (
	damages = flag.Int("damages", 120, "how many times a file is damaged")
	seed    = flag.Uint64("seed", 1, "seed of all choices")
)

var props = map[string]string{"metadata.log.max.record.bytes.between.snapshots": "3000"}

// TestDamagedFiles damages a file of every kind in turn.
func TestDamagedFiles(t *testing.T) {
	t.Logf("-seed %d -damages %d", *seed, *damages)
	rng := rand.New(rand.NewPCG(*seed, 0))
	outcomes := map[string]int{}
	for done := 0; done < *damages && !t.Failed(); {
		for _, clean := range []bool{true, false} {
			f := newFixture(t, rng.Uint64(), clean)
			kinds := f.byKind()
			for range max(3, min(20, *damages/len(kinds)/2)) {
				for _, kind := range sortedKeys(kinds) {
					if done >= *damages || t.Failed() {
						break
					}
					files := kinds[kind]
					d := f.damage(files[rng.IntN(len(files))], rng)
					outcomes[kind+": "+f.try(t, d)]++
					done++
				}
			}
		}
	}
	for _, k := range sortedKeys(outcomes) {
		t.Logf("%5d %s", outcomes[k], k)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// fixture is a disk with every kind of file, and what was promised.
type fixture struct {
	disk   *vfs.Mem
	moment rig.Moment
	clean  bool
	files  []string
}

// newFixture works on a disk for two lives of a broker. It ends by a clean stop
// or as if the process were killed.
func newFixture(t *testing.T, seed uint64, clean bool) *fixture {
	t.Helper()
	f := &fixture{disk: vfs.NewMem(), clean: clean}
	crew := rig.NewCrew(seed)
	for life := range 2 {
		b, err := rig.Start(t.Context(), f.disk, props)
		if err != nil {
			t.Fatal(err)
		}
		if life == 0 {
			err = crew.Prepare(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		crew.Run(ctx, b)
		cancel()
		for _, err := range crew.Errs() {
			t.Fatal(err)
		}
		if life == 1 && !clean {
			// What was flushed last is in the frontier journal a moment later.
			<-time.After(50 * time.Millisecond)
			f.disk, f.moment = crew.Story.Freeze(f.disk, vfs.CrashOptions{KeepUnsynced: 1})
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if clean {
		f.moment = crew.Story.Now()
	}
	f.walk(t, rig.DataDir)
	return f
}

func (f *fixture) walk(t *testing.T, dir string) {
	entries, err := f.disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		switch {
		case e.IsDir && !strings.HasSuffix(e.Name, "-delete"):
			f.walk(t, name)
		case !e.IsDir && !strings.HasSuffix(e.Name, ".deleted") && e.Name != ".lock":
			f.files = append(f.files, name)
		}
	}
}

// kindOf groups files that are treated alike.
func kindOf(name string) string {
	b := path.Base(name)
	if ext := path.Ext(b); b[0] >= '0' && b[0] <= '9' {
		b = ext
		if ext == ".log" && strings.Contains(name, "__consumer_offsets") {
			b = "__consumer_offsets .log"
		}
	}
	return b
}

func (f *fixture) byKind() map[string][]string {
	kinds := map[string][]string{}
	for _, name := range f.files {
		kinds[kindOf(name)] = append(kinds[kindOf(name)], name)
	}
	return kinds
}

// damage is one fault in one file.
type damage struct {
	file, what string
	disk       *vfs.Mem
}

func (f *fixture) damage(file string, rng *rand.Rand) damage {
	d := damage{file: file, disk: f.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})}
	data, err := vfs.ReadFile(d.disk, file)
	if err != nil {
		panic(err)
	}
	used := len(data)
	for used > 0 && data[used-1] == 0 && rng.IntN(8) > 0 { // the zeros at the end of a preallocated file are dull
		used--
	}
	switch how := rng.IntN(5); {
	case how == 0 || used == 0:
		d.what = "removed"
		err = d.disk.Remove(file)
	case how == 1:
		size := rng.IntN(used)
		d.what = fmt.Sprintf("cut from %d to %d bytes", len(data), size)
		err = write(d.disk, file, data[:size])
	default:
		bit := rng.IntN(used * 8)
		data[bit/8] ^= 1 << (bit % 8)
		d.what = fmt.Sprintf("bit %d of byte %d of %d inverted", bit%8, bit/8, len(data))
		err = write(d.disk, file, data)
	}
	if err != nil {
		panic(err)
	}
	return d
}

func write(disk *vfs.Mem, name string, data []byte) error {
	file, err := disk.Create(name)
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(data, 0); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

// partition is whose file it is; none for those of the whole broker.
func (d damage) partition() (tp base.TopicPartition, ok bool) {
	dir := path.Base(path.Dir(d.file))
	dash := strings.LastIndexByte(dir, '-')
	if dash < 0 {
		return tp, false
	}
	_, err := fmt.Sscan(dir[dash+1:], &tp.Partition)
	tp.Topic = dir[:dash]
	if tp.Topic == base.GroupMetadataTopic {
		tp.Partition = -1 // as the judge calls it
	}
	return tp, err == nil
}

// indispensable files may make a broker refuse to start: without them it does
// not know what it is, or what there is.
func (d damage) indispensable() bool {
	return strings.Contains(d.file, "milena.quorum/") || path.Base(d.file) == "meta.properties"
}

// mayDraw tells of a log in which a leader epoch has one batch only. Neither the
// epoch in a batch nor the file has a checksum, so if the two differ there, nobody
// knows which of them is damaged, and the batch is not served.
func (f *fixture) mayDraw(dir string) bool {
	batches := map[int32]int{}
	for _, name := range f.files {
		if path.Dir(name) != dir || !strings.HasSuffix(name, ".log") {
			continue
		}
		data, err := vfs.ReadFile(f.disk, name)
		if err != nil {
			panic(err)
		}
		for len(data) > 0 {
			b, rest, err := record.Split(data)
			if err != nil {
				break // preallocated
			}
			batches[b.LeaderEpoch()]++
			data = rest
		}
	}
	for _, n := range batches {
		if n == 1 {
			return true
		}
	}
	return false
}

// try starts a broker twice on a damaged disk, and says how it fared.
func (f *fixture) try(t *testing.T, d damage) string {
	t.Helper()
	outcome := "complete"
	for start := range 2 {
		outcome = f.start(t, d, start)
		if outcome == "refused" || t.Failed() {
			break
		}
	}
	return outcome
}

func (f *fixture) start(t *testing.T, d damage, start int) string {
	t.Helper()
	after := map[bool]string{true: "clean stop", false: "kill"}[f.clean]
	failf := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s %s after a %s, start %d: "+format, append([]any{d.file, d.what, after, start + 1}, args...)...)
	}
	b, err := rig.Start(t.Context(), d.disk, props)
	if err != nil {
		if dir := path.Dir(d.file); !d.indispensable() || !strings.Contains(err.Error(), path.Base(d.file)) && !strings.Contains(err.Error(), path.Base(dir)) {
			failf("refused to start: %v", err)
		}
		return "refused"
	}
	v := rig.Judge(b, f.moment, rig.Options{Patience: 300 * time.Millisecond})
	for _, err := range v.Wrong {
		if path.Base(d.file) == "log-start-offset-checkpoint" && strings.Contains(err.Error(), "were deleted") {
			continue // nothing else knows that they were
		}
		failf("%v", err)
	}
	outcome := "complete"
	mine, ok := d.partition()
	for tp, err := range v.Missing {
		outcome = "not served"
		switch {
		case !ok || tp != mine:
			failf("%s cannot be read: %v", tp, err)
		case path.Base(d.file) == "leader-epoch-checkpoint" && f.mayDraw(path.Dir(d.file)) && len(b.Log.Lines(path.Dir(d.file))) > 0:
			outcome = "a draw"
		case !strings.HasSuffix(d.file, ".log"):
			failf("a file that can be derived is missed: %v", err)
		case len(b.Log.Lines(d.file)) == 0 && (d.what != "removed" || len(b.Log.Lines(path.Dir(d.file))) == 0):
			failf("%v, and the log does not name the file; it says %v", err, append(b.Log.Errors(), b.Log.Lines("level=WARN")...))
		}
	}
	if code, text, err := b.Get("/healthz"); code != 200 {
		failf("/healthz: %d %s %v", code, text, err)
	}
	if err := b.Close(); err != nil {
		failf("close: %v", err)
	}
	return outcome
}
