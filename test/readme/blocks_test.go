//go:build unix

package readme

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// block is one fenced block of a Markdown page.
type block struct {
	line int
	info string // the whole info string
	kind string // its second word: what to do with the block
	arg  string // its third word
	text string
}

func parseBlocks(t *testing.T, path string) (blocks []block) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		switch fence := strings.HasPrefix(line, "```"); {
		case fence && open == nil:
			info := strings.TrimSpace(strings.TrimPrefix(line, "```"))
			words := append(strings.Fields(info), "", "", "")
			open = &block{line: n, info: info, kind: words[1], arg: words[2]}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block does not end", path, open.line)
	}
	return blocks
}

// changing is what no two runs print alike.
var changing = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+|localhost:\d+`), "ADDRESS"},
	{regexp.MustCompile(`(?m)/\S*milena-data$`), "DATA"},
	{regexp.MustCompile(` -b ADDRESS`), ""},
	{regexp.MustCompile(`\b[A-Za-z0-9_-]{22}(\s)`), "ID$1"},
	{regexp.MustCompile(`\d+ ms after`), "TIME after"},
	{regexp.MustCompile(`Milena \S+ is`), "Milena VERSION is"},
	{regexp.MustCompile(`(_lag_seconds\{.*\}) \S+`), "$1 SECONDS"},
}

var numbers = regexp.MustCompile(`[ \t]*\b\d[\d.]*`)

func normal(s string, anyNumber bool) string {
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.name)
	}
	if anyNumber {
		s = numbers.ReplaceAllString(s, " N")
		s = regexp.MustCompile(` +`).ReplaceAllString(s, " ")
	}
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return strings.Join(lines, "\n")
}

// compare holds what the page shows against what was printed.
func compare(t *testing.T, b block, got string, anyNumber bool) {
	t.Helper()
	if want, have := normal(b.text, anyNumber), normal(got, anyNumber); want != have {
		t.Errorf("README.md:%d shows\n%s\nbut now it is\n%s\nas printed:\n%s", b.line, want, have, got)
	}
}

func TestNormalKeepsWhatMatters(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		any   bool
		equal bool
	}{
		{"Kafka 127.0.0.1:9092", "Kafka 127.0.0.1:40123", false, true},
		{"id ZYpE2sseRgyYAsfWtFgcfA x", "id AAAAAAAAAAAAAAAAAAAAAA x", false, true},
		{"milena consume t", "milena consume t -b 127.0.0.1:40123", false, true},
		{"TOTAL LAG 1", "TOTAL LAG 2", false, false},
		{"p50 1.5  2", "p50 22  17.25", true, true},
		{"hello", "hallo", true, false},
	} {
		if (normal(c.a, c.any) == normal(c.b, c.any)) != c.equal {
			t.Errorf("%q and %q: equal must be %v", c.a, c.b, c.equal)
		}
	}
}
