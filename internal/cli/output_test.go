package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// noRoom takes some bytes, and nothing from then on.
type noRoom struct{ room int }

func (d *noRoom) Write(b []byte) (int, error) {
	if len(b) > d.room {
		return 0, errors.New("no room left")
	}
	d.room -= len(b)
	return len(b), nil
}

// fakeAddress is one broker that this project did not write.
func fakeAddress(t *testing.T) (address string) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// A result that did not arrive is no success, whatever the command and format.
func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	address := fakeAddress(t)
	for _, line := range []string{
		"version", "version -o json", "version --help", "server --help", "config docs", "config docs --markdown",
		"topic list", "topic describe t", "topic create new", "topic create t new2", "topic list -o json",
		"group list", "group reset-offsets g --topic t --to-earliest --execute", "group describe g", "group describe g -o json",
		"config describe topic t --all", "config describe broker 0", "config alter topic t --set retention.ms=1000",
	} {
		var stderr bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &noRoom{}, err: &stderr, getenv: func(string) string { return address }}
		if code := a.run(t.Context(), strings.Fields(line)); code != exitFailed || strings.Count(stderr.String(), "the output cannot be written: no room left") != 1 {
			t.Errorf("milena %s: exit code %d\n%s", line, code, stderr.String())
		}
	}
}

func TestFirstErrorStays(t *testing.T) {
	w := &firstError{w: &noRoom{room: 3}}
	for _, c := range []struct {
		text string
		fits bool
	}{{"ab", true}, {"cd", false}, {"e", false}} {
		if _, err := w.Write([]byte(c.text)); (err == nil) != c.fits {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}
