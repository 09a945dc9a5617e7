package peer

import (
	"context"
	"os/exec"
	"strings"
)

// toolPackages are where tools live that are not in org.apache.kafka.tools.
var toolPackages = map[string]string{
	"ConfigCommand":             "kafka.admin.ConfigCommand",
	"ConsoleConsumer":           "org.apache.kafka.tools.consumer.ConsoleConsumer",
	"ConsumerGroupCommand":      "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"ShareGroupCommand":         "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
	"StreamsGroupCommand":       "org.apache.kafka.tools.streams.StreamsGroupCommand",
	"ReassignPartitionsCommand": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
	"GetOffsetsCommand":         "org.apache.kafka.tools.GetOffsetShell",
	"StorageTool":               "kafka.tools.StorageTool",
}

// ToolClass is the full name of one of Kafka's tool classes.
func ToolClass(short string) string {
	if full, ok := toolPackages[short]; ok {
		return full
	}
	if strings.Contains(short, ".") {
		return short
	}
	return "org.apache.kafka.tools." + short
}

// Tool prepares a run of one of Kafka's command line tools: a short class name,
// such as TopicCommand, or a full one, and its arguments. The tools are those of
// the newest version that publishes them.
func Tool(ctx context.Context, class string, args ...string) (*exec.Cmd, error) {
	return ToolJVM(ctx, []string{"-Xmx512m"}, class, args...)
}

// ToolJVM is Tool with flags for the virtual machine.
func ToolJVM(ctx context.Context, flags []string, class string, args ...string) (*exec.Cmd, error) {
	classes, err := classPath(ctx, toolsPom)
	if err != nil {
		return nil, err
	}
	line := append([]string{}, flags...)
	line = append(line, "-cp", classes, ToolClass(class))
	return exec.CommandContext(ctx, "java", append(line, args...)...), nil
}
