package conformance

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/test/peer"
)

// diskScenario stands before the files' names in differences.txt.
const diskScenario = "disk"

// After the same requests and a clean stop both brokers have the same files, and
// Kafka's DumpLogSegments reads the same in them: batches and records, offset
// and time indexes, producer snapshots, and what groups left in
// __consumer_offsets.
func TestDisk(t *testing.T) {
	if !*peerFlag {
		t.Log("compares only with a Kafka of its own: -peer")
		return
	}
	kafka := startKafka(t, t.TempDir())
	dir := t.TempDir()
	milena, stop := startMilenaOn(t, dir)
	const prefix = "disk."
	base := time.Now().Add(-time.Hour).Truncate(time.Second).UnixMilli()
	for _, addr := range []string{kafka.Address(), milena} {
		writeForDisk(t, addr, prefix, base)
	}
	stop()
	found := [2]transcript{filesIn(t, dir, prefix, base), nil}
	if err := kafka.Stop(); err != nil {
		t.Fatal(err)
	}
	found[1] = filesIn(t, filepath.Join(kafka.Dir(), "data"), prefix, base)
	judge(t, found[1], found[0], func(d *difference) bool { return d.scenario() == diskScenario })
}

func startMilenaOn(t *testing.T, dir string) (addr string, stop func()) {
	t.Helper()
	n := startNode(t, dir, vfs.OS())
	return n.Addr(), func() {
		if err := n.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// writeForDisk makes a broker write everything that it keeps in files.
func writeForDisk(t *testing.T, addr, prefix string, base int64) {
	t.Helper()
	if err := warmUp(addr); err != nil {
		t.Fatal(err)
	}
	s := &script{scenario: scenario{name: diskScenario, key: -1}, addr: addr, main: link{addr: addr}, norm: newNormal(prefix, base), heard: transcript{}}
	defer s.main.close()
	write := func(to topic, batch []byte) {
		r := s.quiet(produce(to, 0, -1, batch)).(*kmsg.ProduceResponse)
		if code := r.Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Fatalf("produce to %s: %s", to.name, errorName(code))
		}
	}
	codecs := s.topic("codecs", 1)
	for _, c := range []record.Codec{record.None, record.Gzip, record.Snappy, record.Lz4, record.Zstd} {
		write(codecs, s.batch(record.BuilderOptions{Codec: c}, rec{0, "k", "a value"}, rec{1, "", strings.Repeat("much of the same ", 20)}, rec{2, "k", ""}))
	}
	rolled := s.topic("rolled", 1, "segment.bytes", "1048576")
	for i := range 300 {
		write(rolled, s.batch(record.BuilderOptions{}, rec{int64(i), strconv.Itoa(i), strings.Repeat(strconv.Itoa(i%10), 9000)}))
	}
	mixed := s.topic("times", 1)
	for _, at := range []int64{50, 10, 20, 60, 60, 5} {
		write(mixed, s.batch(record.BuilderOptions{}, rec{at, "k", strings.Repeat("x", 5000)}, rec{at - 1, "k", "y"}))
	}
	stamped := s.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
	write(stamped, s.plain("a", "b"))
	squeezed := s.topic("squeezed", 1, "compression.type", "gzip")
	write(squeezed, s.plain("a", "b"))
	numbered := s.topic("numbered", 1, "segment.bytes", "1048576")
	p, q := s.newProducer(), s.newProducer()
	for i := range int32(7) {
		write(numbered, s.numbered(p, 3*i, 3))
	}
	write(numbered, s.numbered(q, 0, 1))
	write(numbered, s.numbered(p, 18, 3)) // again: answered, not stored
	trimmed := s.topic("trimmed", 1)
	s.fill(trimmed, 0, "a", "b", "c", "d")
	s.quiet(deleteRecords(trimmed, 0, 3))
	s.topic("empty", 2)
	groupsForDisk(s, codecs)
}

// groupsForDisk leaves every kind of record in __consumer_offsets.
func groupsForDisk(s *script, t topic) {
	g := s.name("g")
	s.quiet(simple(s.name("simple")).commit(1, t))
	s.quiet(simple(s.name("simple")).commit(2, t))
	stays := join(g, "")
	stays.SessionTimeoutMillis = 30 * 60_000
	m := s.alone(stays)
	s.quiet(m.commit(3, t))
	gone := s.alone(join(s.name("gone"), ""))
	s.quiet(gone.commit(4, t))
	s.quiet(gone.leave())
	fixed := static(join(s.name("static"), ""), "one")
	fixed.SessionTimeoutMillis = 30 * 60_000
	s.alone(fixed)
	deleted := s.name("deleted")
	s.quiet(simple(deleted).commit(5, t))
	s.quiet(deleteGroups(deleted))
	s.quiet(simple(s.name("taken")).commit(6, t))
	s.quiet(offsetDelete(s.name("taken"), t, 0))
}

// dumps are the kinds of files and how Kafka's tool is asked about them.
var dumps = []struct {
	ending string
	args   []string
}{
	{".log", []string{"--deep-iteration", "--print-data-log"}},
	{".index", nil},
	{".timeindex", nil},
	{".snapshot", nil},
}

// filesIn describes what is in the log directories of a broker that has stopped.
func filesIn(t *testing.T, dir, prefix string, base int64) transcript {
	t.Helper()
	found := transcript{}
	norm := newNormal(prefix, base)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	byEnding := map[string][]string{}
	var groups []string
	for _, e := range entries {
		ours := strings.HasPrefix(e.Name(), prefix)
		if !e.IsDir() || !ours && !strings.HasPrefix(e.Name(), "__consumer_offsets-") {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files {
			if holdsNothing(t, f) {
				continue
			}
			names = append(names, f.Name())
			path := filepath.Join(dir, e.Name(), f.Name())
			if ours {
				byEnding[filepath.Ext(path)] = append(byEnding[filepath.Ext(path)], path)
			} else if strings.HasSuffix(path, ".log") {
				groups = append(groups, path)
			}
			if f.Name() == "leader-epoch-checkpoint" {
				found.file(norm, e.Name()+"/"+f.Name(), contents(t, path))
			}
		}
		found.file(norm, e.Name(), strings.Join(names, "\n"))
	}
	for _, d := range dumps {
		for path, text := range dump(t, byEnding[d.ending], d.args...) {
			if d.ending == ".timeindex" && strings.Contains(path, "stamped") {
				text = regexp.MustCompile(`timestamp: \d+`).ReplaceAllString(text, "timestamp: …")
			}
			found.file(norm, strings.TrimPrefix(path, dir+"/"), strings.ReplaceAll(text, dir, "<dir>"))
		}
	}
	all := ""
	for path, text := range dump(t, groups, "--offsets-decoder") {
		if !strings.Contains(path, "complaints") {
			all += text
		}
	}
	found.file(norm, "__consumer_offsets", groupRecords(norm, all))
	for _, name := range []string{"recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint"} {
		found.file(norm, name, linesWith(contents(t, filepath.Join(dir, name)), prefix))
	}
	return found
}

// emptySnapshot is the size of a producer snapshot without producers: version,
// CRC, count.
const emptySnapshot = 10

// holdsNothing reports whether a file is there only for form's sake. Kafka makes
// those of an empty segment and the snapshot at the log's end anyway.
func holdsNothing(t *testing.T, f os.DirEntry) bool {
	t.Helper()
	info, err := f.Info()
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() == 0 || filepath.Ext(f.Name()) == ".snapshot" && info.Size() == emptySnapshot
}

func (tr transcript) file(norm *normal, name, text string) {
	tr[pair{diskScenario, strings.ReplaceAll(name, norm.prefix, ""), 0}] = norm.text(text)
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "(no such file)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func linesWith(text, what string) string {
	var out []string
	for l := range strings.Lines(text) {
		if strings.Contains(l, what) || strings.HasPrefix(l, "(") {
			out = append(out, strings.TrimSpace(l))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// What the tool prints of files that no two brokers have in common.
var diskNoise = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`producerId: \d+`), "producerId: …"},
	{regexp.MustCompile(`LogAppendTime: \d+(.*) crc: \d+`), "LogAppendTime: …$1 crc: …"},
	{regexp.MustCompile(`LogAppendTime: \d+`), "LogAppendTime: …"},
	{regexp.MustCompile(`lastTimestamp: \d+`), "lastTimestamp: …"},
	{regexp.MustCompile(`payload: (.)[^\n]{100,}`), "payload: $1…"},
}

// complaint begins what the tool says of files that it does not like. Of every
// segment but the first it says that its offsets do not follow -1.
var complaint = regexp.MustCompile(`^(Non-consecutive offsets|Mismatches|Found timestamp mismatch|Found out of order timestamp|Index timestamp|Corrupt).* in `)

// dump has Kafka's tool read files and returns what it says of each.
func dump(t *testing.T, files []string, args ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if len(files) == 0 {
		return out
	}
	cmd, err := peer.ToolJVM(t.Context(), toolFlags, "DumpLogSegments", append([]string{"--files", strings.Join(files, ",")}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("DumpLogSegments: %v\n%s", err, text)
	}
	file := ""
	var complaints []string
	for l := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(l), "Dumping "); ok {
			file = path
			continue
		}
		if complaint.MatchString(l) { // they come after all files, of which in any order
			complaints = append(complaints, "")
		}
		if n := len(complaints); n > 0 {
			complaints[n-1] += l
			continue
		}
		for _, n := range diskNoise {
			l = n.find.ReplaceAllString(l, n.put)
		}
		out[file] += l
	}
	slices.Sort(complaints)
	out[filepath.Join(filepath.Dir(filepath.Dir(files[0])), "complaints about "+filepath.Ext(files[0]))] = strings.Join(complaints, "")
	return out
}

var groupPayload = regexp.MustCompile(`(?m)key: .*$`)

// groupRecords are the contents of records in the order of their keys' groups:
// which partition a group is in both brokers know, when it wrote they do not.
func groupRecords(norm *normal, text string) string {
	var out []string
	for _, l := range groupPayload.FindAllString(text, -1) {
		if strings.Contains(l, norm.prefix) {
			l = regexp.MustCompile(`\d{13}`).ReplaceAllString(l, "<time>")
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(groupOf(a), groupOf(b)) })
	return strings.Join(out, "\n")
}

func groupOf(line string) string {
	m := regexp.MustCompile(`"group":"([^"]*)"`).FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return m[1]
}
