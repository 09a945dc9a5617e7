package cli

import (
	"bytes"
	"strings"
	"testing"
)

// runLocal runs one command line in this process.
func runLocal(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &stdout, err: &stderr, getenv: func(string) string { return "" }}
	code = a.run(t.Context(), args)
	return code, stdout.String(), stderr.String()
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		line string
		want int
	}{
		{"version", exitOK},
		{"topic --help", exitOK},
		{"topc", exitUsage},
		{"topic create", exitUsage},
		{"topic list --no-such-flag", exitUsage},
		{"version -o yaml", exitUsage},
		{"topic list --match (", exitUsage},
		{"config docs --scope cluster", exitUsage},
		{"group list --state bogus", exitUsage},
		{"group reset-offsets g", exitUsage},
		{"group reset-offsets g --all-topics --to-earliest --to-latest", exitUsage},
		{"group reset-offsets g --all-topics --by-duration -5m", exitUsage},
		{"server --set nonsense=1", exitFailed},
		{"topic list -b 127.0.0.1:1 --timeout 2s", exitUnreachable},
	} {
		if code, _, errs := runLocal(t, strings.Fields(c.line)...); code != c.want {
			t.Errorf("milena %s: exit code %d, want %d\n%s", c.line, code, c.want, errs)
		}
	}
}
