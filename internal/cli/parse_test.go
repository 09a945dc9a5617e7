package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestParsePosition(t *testing.T) {
	now := time.UnixMilli(10_000_000)
	for word, want := range map[string]position{
		"start": {'^', 0}, "earliest": {'^', 0}, "end": {'$', 0}, "latest": {'$', 0}, "42": {'=', 42}, "0": {'=', 0},
		"+3": {'^', 3}, "-3": {'$', -3}, "@5000": {'@', 5000}, "@-1s": {'@', 9_999_000}, "@1970-01-01T00:00:07Z": {'@', 7000},
	} {
		if got, err := parsePosition(word, now); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", word, got, err, want)
		}
	}
	for _, word := range []string{"", "middle", "@", "@soon", "1.5", "--3"} {
		if _, err := parsePosition(word, now); err == nil {
			t.Errorf("%q was accepted", word)
		}
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"1000": time.UnixMilli(1000), "-90m": now.Add(-90 * time.Minute), "2026-02-01T08:30:00Z": time.Date(2026, 2, 1, 8, 30, 0, 0, time.UTC),
		"2026-02-01T08:30:00+02:00": time.Date(2026, 2, 1, 6, 30, 0, 0, time.UTC), "2026-02-01": time.Date(2026, 2, 1, 0, 0, 0, 0, time.Local),
		"2026-02-01T08:30:00.5": time.Date(2026, 2, 1, 8, 30, 0, 5e8, time.Local),
	} {
		if got, err := parseMoment(s, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", s, got, err, want)
		}
	}
}

func TestParseISODuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"PT1H30M": 90 * time.Minute, "P2D": 48 * time.Hour, "P1DT1S": 24*time.Hour + time.Second, "pt5m": 5 * time.Minute, "90s": 90 * time.Second,
	} {
		if got, err := parseISODuration(s); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "P", "PT", "P1", "1D", "PXD", "P1DT", "-5m", "P-5D", "PT-5M", "-PT5M", "P200000D", "P106751DT24H"} {
		if _, err := parseISODuration(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func TestFormat(t *testing.T) {
	r := &kgo.Record{
		Topic: "t", Partition: 2, Offset: 9, LeaderEpoch: 4, Timestamp: time.UnixMilli(1500).UTC(), Key: []byte("k"), Value: []byte{},
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}},
	}
	for format, want := range map[string]string{
		`%t %p %o %e %T`: "t 2 9 4 1500", `%k=%v;%K,%S`: "k=;1,0", `%h\n`: "a=1,b=\n", `%d`: "1970-01-01T00:00:01.500Z", `%%\t\x41\\\0`: "%\tA\\\x00", ``: "",
	} {
		write, err := parseFormat(format)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		var out bytes.Buffer
		if err := write(&out, r); err != nil || out.String() != want {
			t.Errorf("%s: %q, %v, want %q", format, out.String(), err, want)
		}
	}
	for _, format := range []string{"%", `\`, "%y", `\q`, `\x4`, `\xZZ`} {
		if _, err := parseFormat(format); err == nil {
			t.Errorf("%q was accepted", format)
		}
	}
}

func TestTextThatIsNoTextIsMarked(t *testing.T) {
	var out bytes.Buffer
	if err := writeRecordJSON(&out, &kgo.Record{Topic: "t", Key: []byte{0xff, 0}, Value: nil}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, `"key":"/wA=","keyEncoding":"base64","value":null`) {
		t.Error(s)
	}
}

func TestTableLinesUp(t *testing.T) {
	tab := newTable("NAME", "COUNT", "NOTE")
	tab.add("a", 5, "x")
	tab.add("größer", 12345, "")
	tab.add("b", "-", "y z")
	var out bytes.Buffer
	tab.print(&out)
	want := "NAME    COUNT  NOTE\na           5  x\ngrößer  12345\nb           -  y z\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 1 << 30: "1.0 GiB", 1 << 50: "1.0 PiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
