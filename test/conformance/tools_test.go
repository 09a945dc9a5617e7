package conformance

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/test/peer"
)

// tools are invocations of Kafka's own command line tools; $ stands for the
// prefix of this run's names.
var tools = []struct {
	name string
	args []string
	all  bool // the output is about everything: only lines with our names count
}{
	{name: "topics list", args: []string{"TopicCommand", "--list"}, all: true},
	{name: "topics describe", args: []string{"TopicCommand", "--describe", "--topic", "$orders"}},
	{name: "topics describe, unknown", args: []string{"TopicCommand", "--describe", "--topic", "$nothing"}},
	{name: "topics create, exists", args: []string{"TopicCommand", "--create", "--topic", "$orders"}},
	{name: "topics alter, fewer", args: []string{"TopicCommand", "--alter", "--topic", "$orders", "--partitions", "1"}},
	{name: "groups list", args: []string{"ConsumerGroupCommand", "--list", "--state"}, all: true},
	{name: "groups describe", args: []string{"ConsumerGroupCommand", "--describe", "--group", "$billing"}},
	{name: "groups describe, state", args: []string{"ConsumerGroupCommand", "--describe", "--group", "$active", "--state"}},
	{name: "groups describe, members", args: []string{"ConsumerGroupCommand", "--describe", "--group", "$active", "--members", "--verbose"}},
	{name: "groups describe, unknown", args: []string{"ConsumerGroupCommand", "--describe", "--group", "$nobody"}},
	{name: "groups delete, not empty", args: []string{"ConsumerGroupCommand", "--delete", "--group", "$active"}},
	{name: "groups reset", args: []string{"ConsumerGroupCommand", "--reset-offsets", "--group", "$billing", "--topic", "$orders", "--to-earliest", "--dry-run"}},
	{name: "configs describe", args: []string{"ConfigCommand", "--describe", "--topic", "$orders"}},
	{name: "configs alter, bad", args: []string{"ConfigCommand", "--alter", "--topic", "$orders", "--add-config", "retention.ms=x"}},
	{name: "offsets", args: []string{"GetOffsetShell", "--topic", "$orders"}},
	{name: "offsets, earliest", args: []string{"GetOffsetShell", "--topic", "$orders", "--time", "earliest"}},
	{name: "log dirs", args: []string{"LogDirsCommand", "--describe", "--topic-list", "$orders"}},
}

// Kafka's tools print the same for both brokers.
func TestTools(t *testing.T) {
	kafka := kafkaAddress(t)
	if kafka == "" {
		t.Log("compares only with a running Kafka: -peer or -kafka")
		return
	}
	brokers := []toolTarget{{addr: kafka}, {addr: startMilena(t)}}
	for i := range brokers {
		brokers[i].prepare(t)
		defer brokers[i].s.main.close()
	}
	for _, tool := range tools {
		t.Run(tool.name, func(t *testing.T) {
			want, got := brokers[0].run(t, tool.args, tool.all), brokers[1].run(t, tool.args, tool.all)
			if want != got {
				t.Errorf("kafka:\n%s\nmilena:\n%s", want, got)
			}
		})
	}
}

// toolTarget is a broker with topics and groups to look at.
type toolTarget struct {
	addr string
	s    *script
}

func (b *toolTarget) prepare(t *testing.T) {
	t.Helper()
	if err := warmUp(b.addr); err != nil {
		t.Fatal(err)
	}
	prefix := fmt.Sprintf("tool%x.", time.Now().UnixMilli()&0xffffff)
	b.s = &script{scenario: scenario{key: -1}, addr: b.addr, main: link{addr: b.addr}, norm: newNormal(prefix, time.Now().Add(-time.Hour).UnixMilli()), heard: transcript{}}
	orders := b.s.topic("orders", 3, "retention.ms", "100000000", "cleanup.policy", "compact,delete")
	b.s.topic("empty", 1)
	b.s.fill(orders, 0, "a", "b", "c")
	b.s.fill(orders, 2, "d")
	b.s.quiet(simple(b.s.name("billing")).commit(1, orders))
	stays := subscribed(b.s.name("active"), orders.name)
	stays.SessionTimeoutMillis = 30 * 60_000 // the tools take their time
	m := b.s.enters(stays)
	assignment := kmsg.NewConsumerMemberAssignment()
	one := kmsg.NewConsumerMemberAssignmentTopic()
	one.Topic, one.Partitions = orders.name, []int32{0, 2}
	assignment.Topics = append(assignment.Topics, one)
	b.s.quiet(m.sync(assign(m, string(assignment.AppendTo(nil)))))
}

var (
	spaces   = regexp.MustCompile(`[ \t]+`)
	stack    = regexp.MustCompile(`(?m)^\s+at .*\n|^\s*\.\.\. \d+ more\n`)
	dates    = regexp.MustCompile(`\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+\]?`)
	topicIDs = regexp.MustCompile(`TopicId: \S+`)
	paths    = regexp.MustCompile(`"logDir":"[^"]*"`)
	elements = regexp.MustCompile(`[\[,](\{"partition":[^}]*\})`)
)

// run prints what a tool prints, without what every broker says differently.
func (b *toolTarget) run(t *testing.T, args []string, all bool) string {
	t.Helper()
	line := []string{"--bootstrap-server", b.addr}
	for _, a := range args[1:] {
		line = append(line, strings.Replace(a, "$", b.s.norm.prefix, 1))
	}
	cmd, err := peer.Tool(t.Context(), args[0], line...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		out = fmt.Appendf(out, "exit %d\n", exit.ExitCode())
	}
	text := stack.ReplaceAllString(string(out), "")
	text = dates.ReplaceAllString(topicIDs.ReplaceAllString(paths.ReplaceAllString(text, `"logDir":…`), "TopicId: …"), "")
	text = elements.ReplaceAllString(strings.ReplaceAll(text, b.addr, "<broker>"), "\n$1\n")
	var lines []string
	for l := range strings.Lines(text) {
		if !all || strings.Contains(l, b.s.norm.prefix) {
			lines = append(lines, spaces.ReplaceAllString(b.s.norm.text(strings.TrimSpace(l)), " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
