package conformance

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// difference is one line of differences.txt: where Milena deliberately answers
// other than Kafka. "scenario/step | versions | reason"; * stands for any text.
type difference struct {
	line        int
	text        string
	question    *regexp.Regexp
	first, last int16
	reason      string
	used        int
}

func (d *difference) matches(p pair) bool {
	return p.version >= d.first && p.version <= d.last && d.question.MatchString(p.scenario+"/"+p.step)
}

// scenario is the part of the question before the step.
func (d *difference) scenario() string {
	name, _, _ := strings.Cut(d.text, "/")
	return name
}

func loadDifferences(path string) ([]*difference, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []*difference
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		parts := strings.SplitN(text, " | ", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("%s:%d: want scenario/step | versions | reason", path, n)
		}
		d := &difference{line: n, text: parts[0], first: 0, last: 99, reason: parts[2]}
		if parts[1] != "*" {
			if d.first, d.last, err = parseSpan(parts[1]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, err)
			}
		}
		d.question = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(parts[0]), `\*`, ".*") + "$")
		all = append(all, d)
	}
	return all, lines.Err()
}

// verdict is the outcome of a comparison.
type verdict struct {
	compared, same int
	expected       int // differences that have a reason
	unexpected     []string
}

// compare holds Milena's answers against Kafka's. Answers of only one of them
// count as different.
func compare(kafka, milena transcript, known []*difference) verdict {
	var v verdict
	for _, p := range pairs(kafka, milena) {
		v.compared++
		want, asked := kafka[p]
		got, answered := milena[p]
		if asked && answered && same(want, got) {
			v.same++
			continue
		}
		if !asked {
			want = "(nothing recorded)"
		}
		if !answered {
			got = "(not asked)"
		}
		i := slices.IndexFunc(known, func(d *difference) bool { return d.matches(p) })
		if i >= 0 {
			known[i].used++
			v.expected++
			continue
		}
		v.unexpected = append(v.unexpected, fmt.Sprintf("%s\n  kafka:  %s\n  milena: %s", p, want, got))
	}
	return v
}

var (
	message      = regexp.MustCompile(` ?ErrorMessage:"…"`)
	emptyMessage = regexp.MustCompile(`(ErrorCode:[A-Z_]+)( ErrorMessage:"")`)
)

// same allows Milena to say more about an error than Kafka, never less.
func same(want, got string) bool {
	if want == got {
		return true
	}
	bare := func(s string) string { return message.ReplaceAllString(emptyMessage.ReplaceAllString(s, "$1"), "") }
	return bare(want) == bare(got) && strings.Count(want, `ErrorMessage:"…"`) <= strings.Count(got, `ErrorMessage:"…"`)
}

func pairs(a, b transcript) []pair {
	var all []pair
	for p := range a {
		all = append(all, p)
	}
	for p := range b {
		if _, both := a[p]; !both {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y pair) int {
		if c := strings.Compare(x.scenario+"/"+x.step, y.scenario+"/"+y.step); c != 0 {
			return c
		}
		return int(x.version) - int(y.version)
	})
	return all
}
