//go:build linux

package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// short is a number with three significant digits and no exponent.
func short(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v == 0:
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if digits <= 0 {
		return thousands(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', min(digits, 4), 64)
}

// thousands puts commas into a whole number.
func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	s := strconv.FormatInt(n, 10)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// text is a median with its spread.
func (s spread) text() string {
	switch {
	case s.n == 0:
		return "–"
	case s.n == 1 || short(s.min) == short(s.max):
		return short(s.median)
	}
	return fmt.Sprintf("%s (%s–%s)", short(s.median), short(s.min), short(s.max))
}

// row is a metric of a scenario with everything that the tables say of it.
type row struct {
	metric
	judgedSide       string
	milena, relaxed  spread
	kafka            spread
	kafkaSide        string
	ratio            spread
	verdict, goalTxt string
}

func rowOf(m metric, runs []run) row {
	r := row{metric: m, judgedSide: m.judged, kafkaSide: "–", verdict: "–", goalTxt: "–"}
	if r.judgedSide == "" {
		r.judgedSide = flushed.name
	}
	against := m.against
	if against == nil {
		against = pageCacheSides
	}
	r.milena, r.relaxed = summarise(runs, r.judgedSide, m.key), summarise(runs, relaxed.name, m.key)
	if name, s, ok := better(runs, against, m); ok {
		r.kafkaSide, r.kafka = name, s
		r.ratio = ratioOf(runs, r.judgedSide, name, m.key)
	}
	if m.goal == 0 {
		return r
	}
	sign, value, times := "≤", r.ratio, "×"
	if m.higher {
		sign = "≥"
	}
	if m.absolute {
		value, times = r.milena, ""
		if m.unit != "" {
			times = " " + m.unit
		}
	}
	r.goalTxt = sign + " " + short3(m.goal) + times
	switch {
	case value.n == 0 && value.median == 0:
		r.verdict = "not measured"
	case m.reached(value.median):
		r.verdict = "yes"
	default:
		r.verdict = "**no**"
	}
	return r
}

// short3 is a goal as it was set: without zeros at the end.
func short3(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (r row) ratioText() string {
	if r.ratio.median == 0 {
		return "–"
	}
	if r.ratio.n <= 1 {
		return short(r.ratio.median) + "×"
	}
	return fmt.Sprintf("%s× (%s–%s)", short(r.ratio.median), short(r.ratio.min), short(r.ratio.max))
}

func (r row) name() string {
	if r.unit == "" {
		return r.label
	}
	return r.label + ", " + r.unit
}

// goalTable is the table of what has a goal, for the README.
func goalTable(res *result, all []scenario) string {
	var b strings.Builder
	b.WriteString("| | Milena, flushed | Kafka | Milena ÷ Kafka | goal | reached |\n|---|---|---|---|---|---|\n")
	for _, s := range all {
		o := res.outcome(s.name)
		if o == nil {
			continue
		}
		for _, m := range s.metrics {
			if m.goal == 0 {
				continue
			}
			r := rowOf(m, o.Runs)
			kafka := r.kafka.median
			kafkaText := "–"
			if r.kafka.n > 0 {
				kafkaText = short(kafka) + " (" + strings.TrimPrefix(r.kafkaSide, "Kafka ") + ")"
			}
			milena := "–"
			if r.milena.n > 0 {
				milena = short(r.milena.median)
			}
			fmt.Fprintf(&b, "| %s: %s | %s | %s | %s | %s | %s |\n", s.title, r.name(), milena, kafkaText, r.ratioText(), r.goalTxt, r.verdict)
		}
		if o.Error != "" {
			fmt.Fprintf(&b, "| %s | ended early: %s | | | | |\n", s.title, oneLine(o.Error))
		}
	}
	return b.String()
}

// fullReport is everything that was measured, scenario by scenario.
func fullReport(res *result, all []scenario) string {
	var b strings.Builder
	m := res.Machine
	fmt.Fprintf(&b, "%s. %s, %d processors, %.0f GB, %s, Linux %s; %s; processors: %s.\n",
		res.Started.Format("2006-01-02"), m.CPU, m.Processors, m.MemoryGB, m.FileSystem, m.Kernel, versionText(res.Versions), m.Pinning)
	fmt.Fprintf(&b, "Each cell is the median of the rounds (smallest–largest); a ratio is that of the medians (smallest–largest of a round).\n")
	for _, s := range all {
		if o := res.outcome(s.name); o != nil {
			section(&b, s, o)
		}
	}
	b.WriteString("\nThe sides:\n\n")
	for _, s := range everySide {
		c := res.Sides[s.name]
		fmt.Fprintf(&b, "- **%s**: %s", s.name, c.Durability)
		if c.Reason != "" {
			fmt.Fprintf(&b, "; %s", c.Reason)
		}
		b.WriteString(".\n")
	}
	return b.String()
}

func section(b *strings.Builder, s scenario, o *outcome) {
	fmt.Fprintf(b, "\n### %s\n\n`%s`: %s.\n\n", s.title, s.name, s.workload)
	sides := sidesOf(o.Runs)
	if len(sides) > 0 {
		fmt.Fprintf(b, "| | %s | Milena ÷ Kafka | goal | reached |\n|%s\n", strings.Join(sides, " | "), strings.Repeat("---|", len(sides)+4))
		for _, m := range s.metrics {
			r := rowOf(m, o.Runs)
			fmt.Fprintf(b, "| %s |", r.name())
			for _, side := range sides {
				fmt.Fprintf(b, " %s |", summarise(o.Runs, side, m.key).text())
			}
			fmt.Fprintf(b, " %s | %s | %s |\n", r.ratioText(), r.goalTxt, r.verdict)
		}
	}
	var notes []string
	if o.Error != "" {
		notes = append(notes, "Ended early: "+oneLine(o.Error))
	}
	for _, r := range o.Runs {
		if r.Error != "" {
			notes = append(notes, fmt.Sprintf("%s, round %d: %s", r.Side, r.Round, oneLine(r.Error)))
		}
	}
	notes = append(notes, o.Notes...)
	if c := o.Calibration; c != nil {
		notes = append(notes, fmt.Sprintf("calibration: copy %s GB/s, CRC32C %s GB/s, loopback %s MB/s and %s µs there and back, fdatasync %s ms",
			short(c.CopyGBPerSec), short(c.CRC32CPerSec), short(c.LoopbackMBps), short(c.LoopbackRTTUs), short(c.SyncMs)))
	}
	if len(notes) > 0 {
		fmt.Fprintf(b, "\n%s.\n", strings.Join(notes, "; "))
	}
}

// sidesOf are the sides that gave a figure, in the order of everySide.
func sidesOf(runs []run) (names []string) {
	for _, s := range everySide {
		if slices.ContainsFunc(runs, func(r run) bool { return r.Side == s.name && len(r.Metrics) > 0 }) {
			names = append(names, s.name)
		}
	}
	return names
}

func (r *result) outcome(name string) *outcome {
	for i := range r.Scenarios {
		if r.Scenarios[i].Name == name {
			return &r.Scenarios[i]
		}
	}
	return nil
}

func versionText(v map[string]string) string {
	var parts []string
	for _, key := range sortedKeys(v) {
		parts = append(parts, key+" "+v[key])
	}
	return strings.Join(parts, ", ")
}

// oneLine makes an error fit into a cell.
func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.ReplaceAll(s, "|", "/")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// The lines between which tables are put into pages.
const (
	markBegin = "<!-- bench-compare: begin -->"
	markEnd   = "<!-- bench-compare: end -->"
)

// between replaces what stands between the marks of a page.
func between(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, markBegin)
	_, after, closed := strings.Cut(rest, markEnd)
	if !ok || !closed {
		return "", fmt.Errorf("there are no lines %s and %s", markBegin, markEnd)
	}
	return before + markBegin + "\n" + text + markEnd + after, nil
}

func writeBetween(path, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := between(string(page), text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(out), 0o644)
}
