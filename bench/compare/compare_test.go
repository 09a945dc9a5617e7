//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/cli"
)

// TestMain lets the test binary be the milena that is measured.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "milena" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want spread
	}{
		{nil, spread{}},
		{[]float64{7}, spread{1, 7, 7, 7}},
		{[]float64{9, 1, 5}, spread{3, 5, 1, 9}},
		{[]float64{4, 1, 2, 100}, spread{4, 3, 1, 100}},
	} {
		if got := spreadOf(c.in); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.in, got, c.want)
		}
	}
}

// runsOf makes runs from values by side and round.
func runsOf(metric string, bySide map[string][]float64) (runs []run) {
	for name, values := range bySide {
		for round, v := range values {
			if !math.IsNaN(v) {
				runs = append(runs, run{Side: name, Round: round, Metrics: map[string]float64{metric: v}})
			}
		}
	}
	return append(runs, run{Side: kafkaDefault.name, Round: -1, Error: "broke"})
}

func TestRatioOfMediansWithTheSpreadOfRounds(t *testing.T) {
	nan := math.NaN()
	runs := runsOf("x", map[string][]float64{"a": {10, 30, 20, nan}, "b": {5, 10, 40, 1}})
	if got, want := ratioOf(runs, "a", "b", "x"), (spread{3, 20 / 7.5, 0.5, 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := ratioOf(runs, "a", "missing", "x"); got != (spread{}) {
		t.Errorf("without a second side: %+v", got)
	}
}

func TestTheBetterKafkaCounts(t *testing.T) {
	runs := runsOf("x", map[string][]float64{flushed.name: {30, 30, 30}, kafkaDefault.name: {10, 11, 12}, kafkaTuned.name: {19, 20, 21}})
	for _, c := range []struct {
		m             metric
		side, verdict string
		ratio         float64
	}{
		{metric{key: "x", higher: true, goal: 1.5}, kafkaTuned.name, "yes", 1.5},
		{metric{key: "x", higher: true, goal: 1.6}, kafkaTuned.name, "**no**", 1.5},
		{metric{key: "x", goal: 2.8}, kafkaDefault.name, "yes", 30.0 / 11},
		{metric{key: "x", goal: 30, absolute: true}, kafkaDefault.name, "yes", 30.0 / 11},
		{metric{key: "x", goal: 1, against: flushSides}, "–", "not measured", 0},
		{metric{key: "x"}, kafkaDefault.name, "–", 30.0 / 11},
	} {
		r := rowOf(c.m, runs)
		if r.kafkaSide != c.side || r.verdict != c.verdict || math.Abs(r.ratio.median-c.ratio) > 1e-9 {
			t.Errorf("%+v: against %s, %s, ratio %v", c.m, r.kafkaSide, r.verdict, r.ratio.median)
		}
	}
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1234567: "1,234,567", 999.6: "1,000", 1500: "1,500", 123: "123", 12.34: "12.3", 1.5: "1.50", 0.0123: "0.0123", -4200: "-4,200", math.Inf(1): "–",
	} {
		if got := short(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestTables(t *testing.T) {
	s := scenario{name: "s", title: "Title", workload: "some work", metrics: []metric{
		{key: "x", label: "rate", unit: "1/s", higher: true, goal: 1.5}, {key: "y", label: "told", unit: "MB"},
	}}
	res := newResult(nil, machine{CPU: "A", Processors: 2})
	res.Scenarios = []outcome{{
		Name: "s", Error: "late | very\nmore", Notes: []string{"a note"},
		Runs: runsOf("x", map[string][]float64{flushed.name: {3000, 3000}, relaxed.name: {1}, kafkaDefault.name: {1000, 1500}}),
	}}
	goals := goalTable(res, []scenario{s})
	for _, want := range []string{
		"| Title: rate, 1/s | 3,000 | 1,250 (default) | 2.40× (2.00–3.00) | ≥ 1.5× | yes |\n", "| Title | ended early: late / very |",
	} {
		if !strings.Contains(goals, want) {
			t.Errorf("no %q in\n%s", want, goals)
		}
	}
	if strings.Contains(goals, "told") {
		t.Errorf("a metric without a goal is among the goals:\n%s", goals)
	}
	full := fullReport(res, []scenario{s})
	for _, want := range []string{
		"| | Milena flushed | Milena relaxed | Kafka default | Milena ÷ Kafka | goal | reached |\n|---|---|---|---|---|---|---|\n",
		"| rate, 1/s | 3,000 | 1.00 | 1,250 (1,000–1,500) | 2.40× (2.00–3.00) | ≥ 1.5× | yes |\n",
		"| told, MB | – | – | – | – | – | – |\n",
		"Ended early: late / very; Kafka default, round -1: broke; a note.\n",
	} {
		if !strings.Contains(full, want) {
			t.Errorf("no %q in\n%s", want, full)
		}
	}
}

func TestPagesAreChangedBetweenTheirMarksOnly(t *testing.T) {
	page := "before\n" + markBegin + "\nold\n" + markEnd + "\nafter\n"
	for range 2 { // the second time changes nothing
		got, err := between(page, "new\n")
		if err != nil {
			t.Fatal(err)
		}
		if want := "before\n" + markBegin + "\nnew\n" + markEnd + "\nafter\n"; got != want {
			t.Errorf("got %q", got)
		}
		page = got
	}
	if _, err := between("no marks", "x"); err == nil {
		t.Error("a page without marks was accepted")
	}
}

func TestThePagesHaveTheMarks(t *testing.T) {
	for _, page := range []string{"README.md", "docs/performance.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", page))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := between(string(text), ""); err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
}

func TestLaterResultsReplaceEarlierOnes(t *testing.T) {
	a := &result{Scenarios: []outcome{{Name: "x", Seconds: 1}, {Name: "y", Seconds: 1}}}
	a.merge(&result{Scenarios: []outcome{{Name: "z", Seconds: 2}, {Name: "x", Seconds: 2}}, Machine: machine{CPU: "B"}})
	if len(a.Scenarios) != 3 || a.outcome("x").Seconds != 2 || a.outcome("y").Seconds != 1 || a.Machine.CPU != "B" {
		t.Errorf("merged %+v", a)
	}
}

func TestParsers(t *testing.T) {
	stat := "12 (a) b (c) S 1 12 12 0 -1 4194560 1 0 0 0 7 5 0 0 20 0 9 0 5044 1234 99"
	if ticks, err := startTicks(stat); err != nil || ticks != 5044 {
		t.Errorf("started at %d: %v", ticks, err)
	}
	if _, err := startTicks("12 (a) S 1"); err == nil {
		t.Error("a short line was accepted")
	}
	if got := field("processor\t: 0\nmodel name\t: Some CPU: 2 GHz\n", "model name"); got != "Some CPU: 2 GHz" {
		t.Errorf("field %q", got)
	}
	if number("20.5 1 2") != 20.5 || number("") != 0 || number("x") != 0 {
		t.Error("numbers")
	}
	if got := lastLine("one\ntwo\n\n"); got != "two" {
		t.Errorf("last line %q", got)
	}
	began, err := startOf(os.Getpid())
	if age := time.Since(began); err != nil || age < -20*time.Millisecond || age > time.Hour {
		t.Errorf("this process started %v ago: %v", age, err)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   bool
		want string
	}{
		{"--only durable,produce-1k", true, "produce-1k durable"}, {"--only nothing", false, ""}, {"--pairs 0", false, ""}, {"extra", false, ""},
	} {
		f, err := parse(strings.Fields(c.args), io.Discard)
		var names []string
		if err == nil {
			var chosen []scenario
			chosen, err = f.chosen()
			for _, s := range chosen {
				names = append(names, s.name)
			}
		}
		if (err == nil) != c.ok || strings.Join(names, " ") != c.want {
			t.Errorf("%q: %v, %v", c.args, names, err)
		}
	}
	f, err := parse([]string{"--long", "--pairs", "9", "--recover-gb", "2"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s := f.size(); s.loadSpan != 10*time.Minute || s.pairs != 9 || s.few != 3 || s.recoverGB != 2 {
		t.Errorf("sizes %+v", s)
	}
}

func TestScenariosAreWellFormed(t *testing.T) {
	names := map[string]bool{}
	known := map[string]bool{}
	for _, s := range everySide {
		known[s.name] = true
	}
	for _, s := range scenarios() {
		if names[s.name] || s.run == nil || s.limit == 0 || s.title == "" || s.workload == "" {
			t.Errorf("scenario %q is a double or lacks something", s.name)
		}
		names[s.name] = true
		keys := map[string]bool{}
		for _, m := range s.metrics {
			if keys[m.key] {
				t.Errorf("%s: two metrics %q", s.name, m.key)
			}
			keys[m.key] = true
			for _, side := range m.against {
				if !known[side] {
					t.Errorf("%s: no side %q", s.name, side)
				}
			}
		}
	}
	if len(names) != 14 {
		t.Errorf("%d scenarios", len(names))
	}
}

// One whole scenario, with real processes: build nothing, measure Milena only.
func TestOneScenario(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "milena")
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, binary)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "new", "result.json")
	var out, log bytes.Buffer
	args := []string{"--quick", "--milena-only", "--pairs", "1", "--only", "start", "--milena", binary, "--dir", dir, "--out", path}
	if err := compare(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	r, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	o := r.outcome("start")
	if o == nil || o.Error != "" || o.Calibration == nil || len(o.Runs) != 1 {
		text, _ := json.Marshal(r)
		t.Fatalf("%s\n%s", text, &log)
	}
	if m := o.Runs[0].Metrics; o.Runs[0].Error != "" || m["empty"] <= 0 || m["partitions"] <= 0 {
		t.Errorf("%+v", o.Runs[0])
	}
	if !strings.Contains(out.String(), "empty directory, topic created, ms") {
		t.Errorf("printed\n%s", &out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// Again from the file, without measuring.
	var again bytes.Buffer
	if err := compare(t.Context(), []string{"--from", path}, &again, &log); err != nil || again.String() != out.String() {
		t.Errorf("%v, made from the file:\n%s\nbefore:\n%s", err, &again, &out)
	}
}

func TestEachRoundBeginsWithAnotherSide(t *testing.T) {
	sides := []side{{name: "a"}, {name: "b"}, {name: "c"}}
	var got []string
	for round := range 4 {
		for _, s := range turn(sides, round) {
			got = append(got, s.name)
		}
	}
	if all := strings.Join(got, ""); all != "abcbcacababc" {
		t.Errorf("got %s", all)
	}
	if turn(nil, 1) != nil {
		t.Error("no sides, and there was a turn")
	}
}
