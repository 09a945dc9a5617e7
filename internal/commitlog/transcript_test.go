package commitlog

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// story is the world of one transcript: a memory disk with one log.
type story struct {
	fs   *vfs.Mem
	d    *Dir
	l    *Log
	cfg  Config
	logs bytes.Buffer
}

// TestTranscripts runs testdata/transcripts. Each file is a story; rewrite with
// -rewrite and read the difference.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := &story{fs: vfs.NewMem(), cfg: testConfig()}
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			out := s.run(t, td)
			out += s.logs.String()
			s.logs.Reset()
			if out == "" {
				return "ok\n"
			}
			return out
		})
		if s.d != nil {
			mustClose(t, s.d)
		}
	})
}

func (s *story) run(t *testing.T, td *datadriven.TestData) string {
	switch td.Cmd {
	case "open":
		s.cfg.Durable = !td.HasArg("relaxed")
		s.cfg.SegmentBytes = optional(t, td, "segment-bytes", 1<<10)
		return s.open()
	case "close":
		return s.done(s.d.Close())
	case "kill", "power-loss":
		return s.crash(td.Cmd == "kill")
	case "append":
		return s.append(t, td)
	case "read":
		return s.read(t, td)
	case "flush":
		return s.done(s.l.Flush())
	case "truncate":
		return s.done(s.l.Truncate(arg(t, td, "to")))
	case "delete-records":
		at := arg(t, td, "before")
		if err := s.l.SetStartOffset(at); err != nil {
			return s.done(err)
		}
		return s.done(s.l.removeBelow(at))
	case "start-at":
		return s.done(s.l.TruncateFullyAndStartAt(arg(t, td, "offset")))
	case "at-time":
		got, ok, err := s.l.OffsetForTimestamp(arg(t, td, "ts"))
		return fmt.Sprintf("%+v found=%v err=%v\n", got, ok, err)
	case "max-time":
		got, ok, err := s.l.MaxTimestamp()
		return fmt.Sprintf("%+v found=%v err=%v\n", got, ok, err)
	case "segments":
		return s.segments()
	case "files":
		return s.files()
	case "segment-sizes":
		out := ""
		for line := range strings.Lines(s.files()) {
			if strings.Contains(line, suffixLog) {
				out += line
			}
		}
		return out
	case "cut":
		return s.edit(t, td, func(f vfs.File) error { return f.Truncate(arg(t, td, "size")) })
	case "flip":
		return s.edit(t, td, flipByte(arg(t, td, "pos"), 0xff))
	case "remove":
		return s.done(s.fs.Remove(filepath.Join("/data", td.CmdArgs[0].Key)))
	}
	t.Fatalf("unknown command %s", td.Cmd)
	return ""
}

func arg(t *testing.T, td *datadriven.TestData, name string) (v int64) {
	td.ScanArgs(t, name, &v)
	return v
}

func optional(t *testing.T, td *datadriven.TestData, name string, v int64) int64 {
	td.MaybeScanArgs(t, name, &v)
	return v
}

// done prints an error, or the range of the log.
func (s *story) done(err error) string {
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	if s.l == nil {
		return ""
	}
	return fmt.Sprintf("start=%d end=%d durable=%d\n", s.l.StartOffset(), s.l.EndOffset(), s.l.DurableOffset())
}

func (s *story) open() string {
	o := testOptions(s.fs)
	o.Logger = slog.New(slog.NewTextHandler(&s.logs, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	var err error
	if s.d, err = OpenDir(context.Background(), o); err != nil {
		return s.done(err)
	}
	s.l, err = s.d.OpenLog(testTP, testID, s.cfg)
	return s.done(err)
}

// crash leaves the process without closing anything.
func (s *story) crash(keepCache bool) string {
	o := vfs.CrashOptions{}
	if keepCache {
		o.KeepUnsynced = 1
	}
	left := s.fs.CrashClone(o)
	_ = s.d.Close()
	s.fs, s.l = left, nil
	s.logs.Reset()
	return ""
}

func (s *story) append(t *testing.T, td *datadriven.TestData) string {
	var out strings.Builder
	for range optional(t, td, "times", 1) {
		b := makeBatch(int(optional(t, td, "records", 1)), int(optional(t, td, "size", 100)), optional(t, td, "ts", 1000))
		o := AppendOptions{LeaderEpoch: int32(optional(t, td, "epoch", 0)), NowMs: 1}
		if at := optional(t, td, "at", -1); at >= 0 {
			o.Origin = Replica
			b.SetBaseOffset(at)
			b.SetLeaderEpoch(o.LeaderEpoch)
		}
		a, err := s.l.Append(b, o)
		if err != nil {
			return fmt.Sprintf("error: %v\n", err)
		}
		fmt.Fprintf(&out, "%d-%d\n", a.First, a.Last)
	}
	return out.String()
}

func (s *story) read(t *testing.T, td *datadriven.TestData) string {
	c, err := s.l.Read(arg(t, td, "from"), optional(t, td, "upto", s.l.EndOffset()), int(optional(t, td, "max", 1<<20)), td.HasArg("min-one"))
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	var out strings.Builder
	for _, d := range c.Data {
		for len(d) > 0 {
			b, rest, err := record.Split(d)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%d-%d epoch=%d\n", b.BaseOffset(), b.LastOffset(), b.LeaderEpoch())
			d = rest
		}
	}
	fmt.Fprintf(&out, "next=%d\n", c.Next)
	return out.String()
}

func (s *story) segments() string {
	var out strings.Builder
	for _, i := range s.l.Segments() {
		fmt.Fprintf(&out, "%d..%d size=%d max-time=%d", i.BaseOffset, i.NextOffset, i.Size, i.MaxTimestamp)
		if i.Active {
			out.WriteString(" active")
		}
		out.WriteByte('\n')
	}
	s.l.epochMu.RLock()
	defer s.l.epochMu.RUnlock()
	for _, e := range s.l.epochs.Entries() {
		fmt.Fprintf(&out, "epoch %d from %d\n", e.Epoch, e.Start)
	}
	return out.String()
}

func (s *story) files() string {
	names, err := s.fs.List("/data/orders-0")
	if err != nil {
		return s.done(err)
	}
	var out strings.Builder
	for _, e := range names {
		if strings.HasSuffix(e.Name, suffixDeleted) {
			continue // the keeper removes it whenever it comes to it
		}
		info, err := s.fs.Stat(filepath.Join("/data/orders-0", e.Name))
		if err != nil {
			return s.done(err)
		}
		fmt.Fprintf(&out, "%s %d\n", e.Name, info.Size)
	}
	return out.String()
}

// edit damages a file of the log.
func (s *story) edit(t *testing.T, td *datadriven.TestData, f func(vfs.File) error) string {
	file, err := s.fs.Open(filepath.Join("/data/orders-0", td.CmdArgs[0].Key))
	if err != nil {
		t.Fatal(err)
	}
	if err := f(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return ""
}
