package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/milena-io/milena/internal/confkey"
)

// examples lists the lines of the help texts' examples of a command and those
// below it.
func examples(cmd *cobra.Command) []string {
	lines := strings.Split(cmd.Example, "\n")
	for _, c := range cmd.Commands() {
		lines = append(lines, examples(c)...)
	}
	return lines
}

// What the help texts set on a running broker, a running broker accepts.
func TestExamplesSetWhatCanBeSet(t *testing.T) {
	a := &app{getenv: func(string) string { return "" }}
	seen := 0
	for _, line := range examples(a.root()) {
		_, rest, found := strings.Cut(line, "config alter broker ")
		if !found {
			continue
		}
		words := strings.Fields(rest)
		for i, word := range words {
			if word != "--set" {
				continue
			}
			seen++
			name, value, _ := strings.Cut(words[i+1], "=")
			k, known := confkey.Broker(name)
			if !known || k.Dynamic == confkey.ReadOnly || k.Dynamic == confkey.PerBroker && words[0] == clusterDefault || k.Check(value) != nil {
				t.Errorf("no broker accepts this while it runs: %s", line)
			}
		}
	}
	if seen == 0 {
		t.Error("no example was found")
	}
}
