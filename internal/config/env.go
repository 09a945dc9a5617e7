package config

import (
	"slices"
	"strings"
)

const envPrefix = "KAFKA_"

// otherEnv are variables with our prefix that do not name a setting: those of
// Kafka's start scripts and image, and those that client programs like to use.
var otherEnv = []string{
	"KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_DEBUG", "KAFKA_HOME", "KAFKA_VERSION", "KAFKA_MODE",
	"KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_GC_LOG_OPTS", "KAFKA_CLASSPATH", "KAFKA_JDK",
	"KAFKA_URL", "KAFKA_BROKER", "KAFKA_BROKERS", "KAFKA_HOST", "KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS",
}

// otherEnvPrefixes are families of such variables: Java's tooling, and what
// Kubernetes sets in every pod beside a service that is called kafka.
var otherEnvPrefixes = []string{"KAFKA_JMX_", "KAFKA_LOG4J_", "KAFKA_PORT_", "KAFKA_SERVICE_", "KAFKA_TOOL_"}

// fromEnv picks the settings out of an environment.
func fromEnv(env []string) []setting {
	var out []setting
	for _, pair := range env {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) || foreignEnv(name, value) {
			continue
		}
		out = append(out, setting{keyOfEnv(name), strings.TrimSpace(value), "environment " + name})
	}
	slices.SortFunc(out, func(a, b setting) int { return strings.Compare(a.origin, b.origin) })
	return out
}

func foreignEnv(name, value string) bool {
	if name == "KAFKA_PORT" && strings.HasPrefix(value, "tcp://") {
		return true
	}
	return slices.Contains(otherEnv, name) ||
		slices.ContainsFunc(otherEnvPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// keyOfEnv translates a variable's name. The longest run of underscores is
// translated first, so that three never read as two and one.
func keyOfEnv(name string) string {
	rest := strings.ToLower(strings.TrimPrefix(name, envPrefix))
	return strings.NewReplacer("___", "-", "__", "_", "_", ".").Replace(rest)
}
