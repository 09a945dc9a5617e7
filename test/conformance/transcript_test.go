package conformance

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// pair names one question: what Kafka and Milena are compared by.
type pair struct {
	scenario string
	step     string
	version  int16
}

func (p pair) String() string { return fmt.Sprintf("%s/%s v%d", p.scenario, p.step, p.version) }

// transcript is what one broker answered, normalised.
type transcript map[pair]string

// merge adds what one script heard.
func (t transcript) merge(o transcript) {
	for k, v := range o {
		t[k] = v
	}
}

// A transcript is stored as text that can be reviewed: a line "scenario/step"
// and below it, indented, each different answer after the versions that gave it.
//
//	join group/unknown member
//	  v0-1 {ErrorCode:UNKNOWN_MEMBER_ID}
//	  v2-9 …
func (t transcript) save(path, comment string) error {
	type question struct{ scenario, step string }
	versions := map[question][]int16{}
	for p := range t {
		q := question{p.scenario, p.step}
		versions[q] = append(versions[q], p.version)
	}
	questions := make([]question, 0, len(versions))
	for q := range versions {
		questions = append(questions, q)
	}
	slices.SortFunc(questions, func(a, b question) int {
		return cmp.Or(cmp.Compare(a.scenario, b.scenario), cmp.Compare(a.step, b.step))
	})
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n", comment)
	for _, q := range questions {
		fmt.Fprintf(&out, "%s/%s\n", q.scenario, q.step)
		vs := versions[q]
		slices.Sort(vs)
		for i := 0; i < len(vs); {
			answer := t[pair{q.scenario, q.step, vs[i]}]
			j := i + 1
			for j < len(vs) && vs[j] == vs[j-1]+1 && t[pair{q.scenario, q.step, vs[j]}] == answer {
				j++
			}
			fmt.Fprintf(&out, "  %s %s\n", span(vs[i], vs[j-1]), answer)
			i = j
		}
	}
	return os.WriteFile(path, []byte(out.String()), 0o644)
}

func span(first, last int16) string {
	if first == last {
		return fmt.Sprintf("v%d", first)
	}
	return fmt.Sprintf("v%d-%d", first, last)
}

func parseSpan(s string) (first, last int16, err error) {
	low, high, two := strings.Cut(strings.TrimPrefix(s, "v"), "-")
	a, err := strconv.ParseInt(low, 10, 16)
	if err != nil || !strings.HasPrefix(s, "v") {
		return 0, 0, fmt.Errorf("bad versions %q", s)
	}
	b := a
	if two {
		if b, err = strconv.ParseInt(high, 10, 16); err != nil {
			return 0, 0, fmt.Errorf("bad versions %q", s)
		}
	}
	return int16(a), int16(b), nil
}

func loadTranscript(path string) (transcript, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := transcript{}
	var scenario, step string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if !strings.HasPrefix(line, "  ") {
			scenario, step, _ = strings.Cut(line, "/")
			continue
		}
		versions, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
		first, last, err := parseSpan(versions)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		for v := first; v <= last; v++ {
			t[pair{scenario, step, v}] = answer
		}
	}
	return t, lines.Err()
}
