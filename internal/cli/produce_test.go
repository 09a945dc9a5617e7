package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// untouched is an input that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("input was read, and is lost")
	return 0, io.EOF
}

func TestProduceRefusesBeforeItReads(t *testing.T) {
	c := consumeCluster(t)
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"topic name is illegal, it can't be empty", []string{""}},
		{"topic name is illegal, it can't be empty", []string{"", "--acks", "0"}},
		{`topic name "a b" is illegal`, []string{"a b"}},
		{"--partition must be 0 or more, or -1 to choose by key, not -7", []string{"t", "-p", "-7"}},
		{"--print-offsets cannot be combined with --acks 0", []string{"t", "--acks", "0", "--print-offsets"}},
	} {
		code, out, errs := remote{cluster: c, in: untouched{t}}.run(t.Context(), append([]string{"produce"}, tt.args...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("produce %q: exit code %d\n%s", tt.args, code, errs)
		}
	}
}

func TestALineThatIsTooLargeSparesTheOthers(t *testing.T) {
	big := strings.Repeat("b", 2_000_000)
	for _, tt := range []struct {
		name, in, want, errs string
		flags                []string
	}{
		{"one of eight", "1\n2\n3\n" + big + "\n5\n6\n7\n8\n", "1\n2\n3\n5\n6\n7\n8\n", "line 4 is too large: its record has 2000000 bytes, more than 1000000 (7 records written, 1 not)", nil},
		{"one of three", "one\n" + big + "\nthree\n", "one\nthree\n", "line 2 is too large: its record has 2000000 bytes, more than 1000000 (2 records written, 1 not)", nil},
		{"each by itself", "one\n" + big + "\nthree\n", "one\nthree\n", "line 2 is too large: its record has 2000000 bytes, more than 1000000 (2 records written, 1 not)", []string{"--sync"}},
		{"two", big + "\n" + "ok\n" + big, "ok\n", "2 lines are too large, from line 1 to line 3: the first record has 2000000 bytes, more than 1000000 (1 record written, 2 not)", nil},
		{"just not", strings.Repeat("a", recordBytesMax) + "\n", strings.Repeat("a", recordBytesMax) + "\n", "", nil},
	} {
		c := consumeCluster(t)
		args := append([]string{"produce", "t", "-p", "0", "-q", "-z", "none"}, tt.flags...)
		code, _, errs := remote{cluster: c, in: strings.NewReader(tt.in)}.run(t.Context(), args...)
		if (code != exitOK) != (tt.errs != "") || !strings.Contains(errs, tt.errs) {
			t.Errorf("%s: exit code %d\n%s", tt.name, code, errs)
		}
		if _, out, _ := (remote{cluster: c}).run(t.Context(), "consume", "t", "-e"); out != tt.want {
			t.Errorf("%s: %d bytes were written, want %d", tt.name, len(out), len(tt.want))
		}
	}
}

// endless is a line that never ends, until it does.
type endless struct{ left int64 }

func (e *endless) Read(b []byte) (int, error) {
	n := min(int64(len(b)), e.left)
	if e.left -= n; n == 0 {
		return 0, io.EOF
	}
	for i := range b[:n] {
		b[i] = 'e'
	}
	return int(n), nil
}

func TestALineWithoutEndTakesLittleMemory(t *testing.T) {
	const size = 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in := io.MultiReader(strings.NewReader("one\nkey\t"), &endless{left: size}, strings.NewReader("\r\n\r\nlast\r"))
	lines := &inputLines{in: in, keptMax: 10}
	var got []string
	err := lines.each(t.Context(), func(l inputLine) error {
		got = append(got, fmt.Sprintf("%d %s+%d", l.number, l.text, l.cut))
		return nil
	})
	runtime.ReadMemStats(&after)
	want := []string{"1 one+0", fmt.Sprintf("2 key\teeeeee+%d", size-6+len("\r")), "3 +0", "4 last+0"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size/2 {
		t.Errorf("%d MiB were allocated for a line of %d", used>>20, size>>20)
	}
}

func TestRefusedLinesAreCounted(t *testing.T) {
	c := consumeCluster(t)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		resp := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.MessageTooLarge.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	code, _, errs := remote{cluster: c, in: strings.NewReader("1\n2\n3\n")}.run(t.Context(), "produce", "t", "-p", "0")
	if code != exitFailed || !strings.Contains(errs, "line 1: topic t: ") || !strings.Contains(errs, "MESSAGE_TOO_LARGE); the topic takes smaller batches only, and --sync") ||
		!strings.Contains(errs, "(0 records written, 3 not)") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

func TestPrintedOffsetsAsJSON(t *testing.T) {
	code, out, errs := remote{cluster: consumeCluster(t), in: strings.NewReader("a\nb\n")}.run(t.Context(), "produce", "t", "-p", "1", "--print-offsets", "-o", "json")
	want := `{"topic":"t","partition":1,"offset":0}
{"topic":"t","partition":1,"offset":1}
{
  "topic": "t",
  "records": 2,
`
	if code != exitOK || !strings.HasPrefix(out, want) {
		t.Errorf("exit code %d\n%s\n%s", code, errs, out)
	}
}

// typist types lines, then presses Ctrl-C, and never ends the input.
type typist struct {
	lines string
	stop  context.CancelFunc
	once  sync.Once
	end   chan struct{}
}

func (p *typist) Read(b []byte) (n int, err error) {
	p.once.Do(func() { n = copy(b, p.lines) })
	if n == 0 {
		p.stop()
		<-p.end
		return 0, io.EOF
	}
	return n, nil
}

// What was read before a signal is either written, or the command fails.
func TestASignalLosesNoLineInSilence(t *testing.T) {
	for _, lines := range []string{"1\n2\n", numbered(2000)} {
		c := consumeCluster(t)
		ctx, stop := context.WithCancel(t.Context())
		in := &typist{lines: lines, stop: stop, end: make(chan struct{})}
		code, _, errs := remote{cluster: c, in: in}.run(ctx, "produce", "t", "-p", "0", "-q")
		close(in.end)
		_, out, _ := remote{cluster: c}.run(t.Context(), "consume", "t", "-e")
		if code == exitOK && out != lines || code != exitOK && !strings.Contains(errs, " written, ") || !strings.HasPrefix(lines, out) {
			t.Errorf("exit code %d, %d of %d lines were written\n%s", code, strings.Count(out, "\n"), strings.Count(lines, "\n"), errs)
		}
	}
}

func TestOffsetsThatCannotBePrintedAreAFailure(t *testing.T) {
	code, _, errs := remote{cluster: consumeCluster(t), in: bytes.NewReader([]byte("a\n")), out: &smallDisk{}}.run(t.Context(), "produce", "t", "--print-offsets", "-q")
	if code != exitFailed || !strings.Contains(errs, "no space left on device") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
