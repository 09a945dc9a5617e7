package conformance

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	documentedKey     = regexp.MustCompile(`(?m)^\| (\d+) \| \w+ \| (\d+)–(\d+) \|.* (\S.*) \|$`)
	documentedFeature = regexp.MustCompile(`(?m)^\| ([a-z.]+\.version) \| (\d+)–(\d+) \| \d+ \| (\S+) \| (.*)\|$`)
)

// docs/protocol.md accounts for every key and feature that Kafka advertises.
func TestProtocolPageHasWhatKafkaServes(t *testing.T) {
	data, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, m := range documentedKey.FindAllStringSubmatch(string(data), -1) {
		said["key "+m[1]] = fmt.Sprintf("[%s %s]", m[2], m[3])
	}
	for _, m := range documentedFeature.FindAllStringSubmatch(string(data), -1) {
		said["feature "+m[1]] = m[2] + "-" + m[3]
		if m[4] == "–" && strings.TrimSpace(m[5]) == "" {
			t.Errorf("docs/protocol.md does not say why there is no %s", m[1])
		}
	}
	all, err := loadTranscript(recorded)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for p, answer := range all {
		step := p.step
		if p.scenario != "api versions" || p.version != served[18].Max {
			continue
		}
		if name, ok := strings.CutPrefix(step, "range of "); ok {
			step = keyOf(name)
		}
		if !strings.HasPrefix(step, "key ") && !strings.HasPrefix(step, "feature ") {
			continue
		}
		keys++
		if said[step] != answer {
			t.Errorf("%s: Kafka serves %s, docs/protocol.md has %q", p.step, answer, said[step])
		}
	}
	if keys < 70 {
		t.Errorf("only %d keys and features are recorded", keys)
	}
}

func keyOf(name string) string {
	for key := range served {
		if kmsg.NameForKey(key) == name {
			return fmt.Sprintf("key %d", key)
		}
	}
	return "key of " + name
}
