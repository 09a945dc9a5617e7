package peer

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPropertiesOfASecondStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "server.properties")
	first, err := writeProperties(file, dir, map[string]string{"node.id": "7", "num.io.threads": "3"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"node.id=7\n", "num.io.threads=3\n", "controller.quorum.voters=7@127.0.0.1:", "listeners=PLAINTEXT://" + first + ",CONTROLLER://", "log.dirs=" + filepath.Join(dir, "data") + "\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	second, err := writeProperties(file, dir, nil)
	if err != nil || second != first {
		t.Errorf("the second start is at %s (%v), the first was at %s", second, err, first)
	}
	taken, err := net.Listen("tcp", first)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if third, err := writeProperties(file, dir, nil); err != nil || third == first {
		t.Errorf("a start beside another one is at %s (%v)", third, err)
	}
}

func TestToolClass(t *testing.T) {
	for short, want := range map[string]string{
		"TopicCommand":                 "org.apache.kafka.tools.TopicCommand",
		"ConfigCommand":                "kafka.admin.ConfigCommand",
		"ConsumerGroupCommand":         "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
		"GetOffsetsCommand":            "org.apache.kafka.tools.GetOffsetShell",
		"org.apache.kafka.tools.Other": "org.apache.kafka.tools.Other",
	} {
		if got := ToolClass(short); got != want {
			t.Errorf("%s is %s, want %s", short, got, want)
		}
	}
}

func TestAClassPathWithAMissingJarIsNotUsed(t *testing.T) {
	jar := filepath.Join(t.TempDir(), "a.jar")
	if err := os.WriteFile(jar, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !allThere(jar+"\n") || allThere(jar+string(os.PathListSeparator)+jar+".gone") || allThere("") {
		t.Error("allThere is wrong about a class path")
	}
}

func TestTheEndOfTheLogIsKept(t *testing.T) {
	var log tail
	for range 1000 {
		_, _ = log.Write([]byte(strings.Repeat("x", 99) + "\n"))
	}
	_, _ = log.Write([]byte("the last line\n"))
	if got := log.text(); len(got) > tailMax || !strings.HasSuffix(got, "the last line\n") {
		t.Errorf("%d bytes are kept, ending in %q", len(got), got[max(0, len(got)-20):])
	}
}
