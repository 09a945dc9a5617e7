package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumeCluster is a cluster that this project did not write, with topic t of
// two partitions.
func consumeCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.SeedTopics(2, "t"),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// remote runs one command line against the cluster, in this process.
type remote struct {
	cluster *kfake.Cluster
	in      io.Reader
	out     io.Writer // where the output goes beside the result

	endPatience time.Duration
}

func (r remote) run(ctx context.Context, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	a := &app{in: r.in, out: &stdout, err: &stderr, endPatience: r.endPatience, getenv: func(string) string { return r.cluster.ListenAddrs()[0] }}
	if r.out != nil {
		a.out = r.out
	}
	code = a.run(ctx, args)
	return code, stdout.String(), stderr.String()
}

// numbered are n lines of some length, so that they do not fit into buffers.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%05d %s\n", i, strings.Repeat("x", 90))
	}
	return b.String()
}

func filled(t *testing.T, lines string) *kfake.Cluster {
	t.Helper()
	c := consumeCluster(t)
	if code, _, errs := (remote{cluster: c, in: strings.NewReader(lines)}).run(t.Context(), "produce", "t", "-p", "0", "-q"); code != exitOK {
		t.Fatal(errs)
	}
	return c
}

// smallDisk takes so many bytes and then nothing more.
type smallDisk struct {
	room int
	got  bytes.Buffer
}

func (d *smallDisk) Write(p []byte) (int, error) {
	n := min(d.room-d.got.Len(), len(p))
	d.got.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func TestOnlyWhatWasWrittenIsCommitted(t *testing.T) {
	lines := numbered(3000)
	for _, room := range []int{0, 100_000} {
		c := filled(t, lines)
		disk := &smallDisk{room: room}
		code, _, errs := remote{cluster: c, out: disk}.run(t.Context(), "consume", "t", "-g", "g", "-e")
		if code != exitFailed || !strings.Contains(errs, "no space left on device") {
			t.Fatalf("a full disk: exit code %d\n%s", code, errs)
		}
		_, rest, _ := remote{cluster: c}.run(t.Context(), "consume", "t", "-g", "g", "-e")
		if !strings.HasSuffix(lines, rest) || disk.got.Len()+len(rest) < len(lines) {
			t.Errorf("%d bytes were written and the next run printed %d of %d", disk.got.Len(), len(rest), len(lines))
		}
	}
}

// stopper ends its command with the first output.
type stopper struct {
	stop context.CancelFunc
	got  bytes.Buffer
}

func (s *stopper) Write(p []byte) (int, error) {
	s.stop()
	return s.got.Write(p)
}

func TestASignalCommitsWhatWasPrinted(t *testing.T) {
	lines := numbered(3000)
	c := filled(t, lines)
	ctx, stop := context.WithCancel(t.Context())
	s := &stopper{stop: stop}
	if code, _, errs := (remote{cluster: c, out: s}).run(ctx, "consume", "t", "-g", "g"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	_, rest, _ := remote{cluster: c}.run(t.Context(), "consume", "t", "-g", "g", "-e")
	if s.got.String()+rest != lines {
		t.Errorf("%d bytes, then %d of %d", s.got.Len(), len(rest), len(lines))
	}
}

// damage makes partition 1 of t answer a fetch with err.
func damage(c *kfake.Cluster, err *kerr.Error) {
	c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		fetch := req.(*kmsg.FetchRequest)
		resp := fetch.ResponseKind().(*kmsg.FetchResponse)
		for _, topic := range fetch.Topics {
			for _, p := range topic.Partitions {
				if p.Partition == 1 {
					failed := kmsg.NewFetchResponseTopicPartition()
					failed.Partition, failed.ErrorCode = 1, err.Code
					rt := kmsg.NewFetchResponseTopic()
					rt.Topic, rt.TopicID, rt.Partitions = topic.Topic, topic.TopicID, []kmsg.FetchResponseTopicPartition{failed}
					resp.Topics = append(resp.Topics, rt)
				}
			}
		}
		return resp, nil, len(resp.Topics) > 0
	})
}

func TestDamagedPartitionsAreNotPassedOver(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.CorruptMessage, kerr.KafkaStorageError} {
		c := filled(t, "a\nb\n")
		if code, _, errs := (remote{cluster: c, in: strings.NewReader("lost\n")}).run(t.Context(), "produce", "t", "-p", "1", "-q"); code != exitOK {
			t.Fatal(errs)
		}
		damage(c, err)
		code, _, errs := remote{cluster: c, endPatience: time.Second}.run(t.Context(), "consume", "t", "-e", "-p", "1")
		if code != exitFailed || !strings.Contains(errs, "topic t partition 1: ") || !strings.Contains(errs, err.Message) {
			t.Errorf("%s: exit code %d\n%s", err.Message, code, errs)
		}
	}
}

func TestUnlistedEndsAreErrors(t *testing.T) {
	c := filled(t, "a\nb\n")
	c.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		list := req.(*kmsg.ListOffsetsRequest)
		resp := list.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range list.Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = topic.Topic
			for _, p := range topic.Partitions {
				rp := kmsg.NewListOffsetsResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.KafkaStorageError.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	code, _, errs := remote{cluster: c}.run(t.Context(), "consume", "t", "-e", "--timeout", "3s")
	if code != exitFailed || !strings.Contains(errs, "KAFKA_STORAGE_ERROR") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

func TestConsumeRefusesWhatItCannotDo(t *testing.T) {
	c := consumeCluster(t)
	for _, tt := range []struct {
		line, want string
		code       int
	}{
		{"t --from-beginning --offset end", "--from-beginning and --offset cannot be combined", exitUsage},
		{"t -n 0", "--num must be at least 1, not 0", exitUsage},
		{"t -n -1", "--num must be at least 1, not -1", exitUsage},
		{"t -p -1", "--partition must be 0 or more, not -1", exitUsage},
		{"t -p 9 -e", "topic t has no partition 9: it has partitions 0 to 1", exitFailed},
		{"t -p 0 -p 2", "topic t has no partition 2: it has partitions 0 to 1", exitFailed},
	} {
		code, out, errs := remote{cluster: c}.run(t.Context(), append([]string{"consume"}, strings.Fields(tt.line)...)...)
		if code != tt.code || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("consume %s: exit code %d\n%s", tt.line, code, errs)
		}
	}
}
