package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// status is what a client says about a feature.
type status string

// missing is the runner's own word; clients can't say it.
const (
	ok      status = "ok"
	failed  status = "failed"
	none    status = "none"
	missing status = "missing"
)

// result is one cell of the table.
type result struct {
	status status
	note   string
}

// outcome is one column of the table.
type outcome struct {
	folder  string
	name    string // as the client calls itself; its folder until it does
	results map[string]result
	broken  []string // what is wrong beside the results
}

// parse reads a client's standard output. What is no result goes to rest.
func parse(folder string, r io.Reader, rest io.Writer) *outcome {
	o := &outcome{folder: folder, name: folder, results: map[string]result{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		switch fields[0] {
		case "CLIENT":
			o.setName(fields[1:])
		case "RESULT":
			o.add(fields[1:])
		default:
			fmt.Fprintln(rest, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		o.breaks("its output: %v", err)
		_, _ = io.Copy(rest, r) // the client must not block on a full pipe
	}
	return o
}

func (o *outcome) breaks(format string, args ...any) {
	o.broken = append(o.broken, fmt.Sprintf(format, args...))
}

func (o *outcome) setName(fields []string) {
	if len(fields) != 1 || strings.TrimSpace(fields[0]) == "" {
		o.breaks("a CLIENT line with %d fields", len(fields))
		return
	}
	o.name = strings.TrimSpace(fields[0])
}

// add takes the fields behind RESULT; the note may be left out.
func (o *outcome) add(fields []string) {
	if len(fields) < 2 {
		o.breaks("a RESULT line with %d fields", len(fields))
		return
	}
	id, got := fields[0], result{status: status(fields[1]), note: strings.TrimSpace(strings.Join(fields[2:], " "))}
	_, twice := o.results[id]
	switch {
	case !slices.ContainsFunc(features, func(f feature) bool { return f.id == id }):
		o.breaks("a result for %q, which is no feature", id)
		return
	case got.status != ok && got.status != failed && got.status != none:
		got = result{failed, fmt.Sprintf("it says %q, which is no result", got.status)}
	case twice:
		got = result{failed, "two results for one feature"}
	case got.status != ok && got.note == "":
		got = result{failed, fmt.Sprintf("it says %q without a reason", got.status)}
	}
	o.results[id] = got
}

// of is the client's result for a feature.
func (o *outcome) of(id string) result {
	if r, found := o.results[id]; found {
		return r
	}
	return result{missing, "the client printed no result"}
}

// end compares how the client ended with what it said.
func (o *outcome) end(err error) {
	switch {
	case err != nil && o.count(failed) == 0:
		o.breaks("%v, though no feature failed", err)
	case err == nil && o.count(failed) > 0:
		o.breaks("exit status 0, though %d features failed", o.count(failed))
	}
}

func (o *outcome) count(s status) (n int) {
	for _, f := range features {
		if o.of(f.id).status == s {
			n++
		}
	}
	return n
}

// good says whether nothing failed and nothing is missing.
func (o *outcome) good() bool {
	return len(o.broken) == 0 && o.count(failed)+o.count(missing) == 0
}

// complaints are a line for all that is wrong.
func (o *outcome) complaints() (lines []string) {
	if len(o.results) == 0 {
		lines = append(lines, o.folder+": missing: the client printed no results")
	}
	for _, f := range features {
		if r := o.of(f.id); r.status == failed || r.status == missing && len(o.results) > 0 {
			lines = append(lines, fmt.Sprintf("%s %s: %s: %s", o.folder, f.id, r.status, r.note))
		}
	}
	for _, b := range o.broken {
		lines = append(lines, o.folder+": "+b)
	}
	return lines
}
