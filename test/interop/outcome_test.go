package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// complete is the output of a client for which everything works, with the given
// lines in place of what it would say of those features.
func complete(instead map[string]string) string {
	var b strings.Builder
	b.WriteString("CLIENT\tthat client 1.2\n")
	for _, f := range features {
		if l, other := instead[f.id]; other {
			b.WriteString(l)
			continue
		}
		fmt.Fprintf(&b, "RESULT\t%s\tok\t\n", f.id)
	}
	return b.String()
}

func TestParseTakesResultsAndPassesTheRestOn(t *testing.T) {
	var rest strings.Builder
	o := parse("it", strings.NewReader("hello\n"+complete(map[string]string{
		"acks-0": "RESULT\tacks-0\tnone\tno acks=0\n",
		"acks-1": "RESULT\tacks-1\tok\n",
	})+"RESULTS\tx\n"), &rest)
	o.end(nil)
	if !o.good() || o.name != "that client 1.2" || len(o.complaints()) > 0 {
		t.Errorf("name %q, complaints %q", o.name, o.complaints())
	}
	if got, want := rest.String(), "hello\nRESULTS\tx\n"; got != want {
		t.Errorf("passed on %q, want %q", got, want)
	}
	if got, want := o.of("acks-0"), (result{none, "no acks=0"}); got != want {
		t.Errorf("acks-0 is %v, want %v", got, want)
	}
	if o.count(ok) != len(features)-1 || o.count(none) != 1 {
		t.Errorf("%d ok, %d none", o.count(ok), o.count(none))
	}
}

func TestNothingWrongStaysUnsaid(t *testing.T) {
	status1 := errors.New("exit status 1")
	for _, c := range []struct {
		name, output string
		end          error
		want         string
	}{
		{"a failed feature", complete(map[string]string{"acks-0": "RESULT\tacks-0\tfailed\tread nothing\n"}), status1, "it acks-0: failed: read nothing"},
		{"no result", complete(map[string]string{"acks-0": ""}), nil, "it acks-0: missing: the client printed no result"},
		{"an unknown word", complete(map[string]string{"acks-0": "RESULT\tacks-0\tOK\t\n"}), status1, `it acks-0: failed: it says "OK", which is no result`},
		{"the runner's word", complete(map[string]string{"acks-0": "RESULT\tacks-0\tmissing\tx\n"}), status1, `it acks-0: failed: it says "missing", which is no result`},
		{"none without a reason", complete(map[string]string{"acks-0": "RESULT\tacks-0\tnone\t \n"}), status1, `it acks-0: failed: it says "none" without a reason`},
		{"two results", complete(nil) + "RESULT\tacks-0\tok\t\n", status1, "it acks-0: failed: two results for one feature"},
		{"a feature nobody knows", complete(nil) + "RESULT\tacks-2\tok\t\n", nil, `it: a result for "acks-2", which is no feature`},
		{"too few fields", complete(nil) + "RESULT\tacks-0\n", nil, "it: a RESULT line with 1 fields"},
		{"an empty name", complete(nil) + "CLIENT\t\n", nil, "it: a CLIENT line with 1 fields"},
		{"a bad end", complete(nil), status1, "it: exit status 1, though no feature failed"},
		{"a good end", complete(map[string]string{"acks-0": "RESULT\tacks-0\tfailed\tx\n"}), nil, "it: exit status 0, though 1 features failed"},
		{"an endless line", complete(nil) + strings.Repeat("x", 2<<20), nil, "it: its output: bufio.Scanner: token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := parse("it", strings.NewReader(c.output), &tail{})
			o.end(c.end)
			got := o.complaints()
			if o.good() || !strings.Contains(strings.Join(got, "\n")+"\n", c.want+"\n") {
				t.Errorf("complaints are %q, want among them %q", got, c.want)
			}
			var report strings.Builder
			if err := sum([]*outcome{o}, &report); err == nil || !strings.Contains(report.String(), "FAILED: "+c.want) {
				t.Errorf("the run ends with %v and says %q", err, report.String())
			}
		})
	}
}

func TestAClientThatSaysNothingFails(t *testing.T) {
	o := parse("it", strings.NewReader("hello\n"), &tail{})
	o.end(errors.New("exit status 3"))
	want := []string{"it: missing: the client printed no results", "it: exit status 3, though no feature failed"}
	if got := o.complaints(); o.good() || !slices.Equal(got, want) || o.count(missing) != len(features) {
		t.Errorf("complaints are %q, want %q", got, want)
	}
}
