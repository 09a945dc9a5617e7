package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/test/peer"
)

// Kafka's command line tools print the same for both brokers, and end with the
// same exit code. They run in the order of the table, and what one writes the
// next ones read.
func TestTools(t *testing.T) {
	kafka := kafkaAddress(t)
	if kafka == "" {
		t.Log("compares only with a running Kafka: -peer or -kafka")
		return
	}
	brokers := []*toolTarget{{addr: kafka}, {addr: startMilena(t)}}
	for _, b := range brokers {
		b.prepare(t)
		defer b.s.main.close()
	}
	printed := [2]transcript{{}, {}}
	for _, c := range toolCalls {
		var both sync.WaitGroup
		for i, b := range brokers {
			both.Go(func() { printed[i][pair{toolScenario, c.name, 0}] = b.run(t, c) })
		}
		both.Wait()
	}
	judge(t, printed[0], printed[1], func(d *difference) bool { return d.scenario() == toolScenario })
}

// toolScenario stands before the tools' names in differences.txt.
const toolScenario = "tool"

// toolTarget is a broker with topics and groups to look at.
type toolTarget struct {
	addr string
	s    *script
	dir  string
}

func (b *toolTarget) prepare(t *testing.T) {
	t.Helper()
	if err := warmUp(b.addr); err != nil {
		t.Fatal(err)
	}
	prefix := fmt.Sprintf("tool%06x.", time.Now().UnixMilli()&0xffffff)
	b.s = &script{scenario: scenario{key: -1}, addr: b.addr, main: link{addr: b.addr}, norm: newNormal(prefix, time.Now().Add(-time.Hour).UnixMilli()), heard: transcript{}}
	orders := b.s.topic("orders", 3, "retention.ms", "100000000", "cleanup.policy", "compact,delete")
	b.s.topic("empty", 1)
	b.s.fill(orders, 0, "a", "b", "c")
	b.s.fill(orders, 2, "d")
	b.s.quiet(simple(b.s.name("billing")).commit(1, orders))
	b.s.quiet(simple(b.s.name("idle")).commit(0, orders))
	stays := subscribed(b.s.name("active"), orders.name)
	stays.SessionTimeoutMillis = 30 * 60_000 // the tools take their time
	m := b.s.enters(stays)
	assignment := kmsg.NewConsumerMemberAssignment()
	one := kmsg.NewConsumerMemberAssignmentTopic()
	one.Topic, one.Partitions = orders.name, []int32{0, 2}
	assignment.Topics = append(assignment.Topics, one)
	b.s.quiet(m.sync(assign(m, string(assignment.AppendTo(nil)))))
	b.dir = t.TempDir()
	records := fmt.Sprintf(`{"version":1,"partitions":[{"topic":%q,"partition":0,"offset":2}]}`, orders.name)
	plan := fmt.Sprintf("%s,0,1\n%s,2,0\n", orders.name, orders.name)
	for name, text := range map[string]string{"records.json": records, "plan.csv": plan} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What tools print and no two brokers, or runs, have in common.
var toolNoise = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`(?m)^\s+at .*\n|^\s*\.\.\. \d+ more\n`), ""}, // stack traces
	{regexp.MustCompile(`\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.:]\d+\]?`), "<date>"},
	{regexp.MustCompile(`TopicId: \S+`), "TopicId: …"},
	{regexp.MustCompile(`"logDir":"[^"]*"`), `"logDir":…`},
	{regexp.MustCompile(`"timestamp":\d+`), `"timestamp":…`},
	{regexp.MustCompile(`CreateTime:\d{13}`), "CreateTime:…"},
	{regexp.MustCompile(`cluster ID: .*|Cluster ID: .*`), "cluster ID …"},
	{regexp.MustCompile(`[\[,](\{"partition":[^}]*\})`), "\n$1\n"}, // one line each, to be sorted
	{regexp.MustCompile(`Epoch: \d+`), "Epoch: …"},
	{regexp.MustCompile(`(?m)^ *durability\.mode=.*\n`), ""}, // a setting that Kafka does not have
	{regexp.MustCompile(`[ \t]+`), " "},
}

// measured are the numbers of the tools that measure.
var measured = regexp.MustCompile(`-?\d+([.,:]\d+)*(E-?\d+)?|NaN`)

// toolFlags make short runs short; with them a tool takes half the time.
var toolFlags = []string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"}

// run is what a tool prints, without what every broker says differently.
func (b *toolTarget) run(t *testing.T, c toolCall) string {
	line := []string{"--bootstrap-server", b.addr}
	for _, a := range c.args {
		line = append(line, strings.NewReplacer("$", b.s.norm.prefix, "<dir>", b.dir, "<broker>", b.addr).Replace(a))
	}
	cmd, err := peer.ToolJVM(t.Context(), toolFlags, c.class, line...)
	if err != nil {
		t.Error(err)
		return ""
	}
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.input), &out, &out
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		fmt.Fprintf(&out, "exit %d\n", exit.ExitCode())
	} else if err != nil {
		t.Error(err)
	}
	return b.normal(out.String(), c)
}

func (b *toolTarget) normal(text string, c toolCall) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, b.addr, "<broker>"), b.dir, "<dir>")
	if host, port, ok := strings.Cut(b.addr, ":"); ok {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "localhost:"+port, "<broker>"), host, "<host>")
		text = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(text, "<port>")
	}
	for _, n := range toolNoise {
		text = n.find.ReplaceAllString(text, n.put)
	}
	var lines []string
	for l := range strings.Lines(text) {
		if c.all && !strings.Contains(l, b.s.norm.prefix) || c.only != "" && !strings.Contains(l, c.only) {
			continue
		}
		l = b.s.norm.text(strings.TrimSpace(l))
		if c.numbers {
			l = measured.ReplaceAllString(l, "N")
		}
		lines = append(lines, l)
	}
	slices.Sort(lines)
	if c.numbers {
		lines = slices.Compact(lines)
	}
	return strings.Join(lines, "\n")
}
