//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what a figure needs to be understood.
type machine struct {
	CPU        string  `json:"cpu"`
	Processors int     `json:"processors"`
	MemoryGB   float64 `json:"memoryGB"`
	Kernel     string  `json:"kernel"`
	FileSystem string  `json:"fileSystem"`
	OpenFiles  uint64  `json:"openFiles"`
	MapCount   int     `json:"maxMapCount"`
	Load       float64 `json:"loadAtStart"`
	// Pinning is "broker 0, client 1", or why there is none.
	Pinning string `json:"pinning"`
}

// look describes the machine; dir is where data will lie.
func look(dir string) machine {
	m := machine{
		CPU: field(readText("/proc/cpuinfo"), "model name"), Processors: runtime.NumCPU(),
		Kernel: strings.TrimSpace(readText("/proc/sys/kernel/osrelease")), FileSystem: fileSystem(dir),
		MapCount: int(number(readText("/proc/sys/vm/max_map_count"))), Load: number(readText("/proc/loadavg")),
		MemoryGB: number(field(readText("/proc/meminfo"), "MemTotal")) / 1e6,
	}
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		m.OpenFiles = files.Max
	}
	m.Pinning = pinning()
	return m
}

const pinned = "broker 0, client 1"

// pinning reports whether both processors may be used, and how.
func pinning() string {
	if _, err := exec.LookPath("taskset"); err != nil {
		return "none: there is no taskset"
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return "none: " + err.Error()
	}
	if !set.IsSet(0) || !set.IsSet(1) {
		return "none: processors 0 and 1 are not both available"
	}
	return pinned
}

func readText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// field is the value of the first line "name : value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// number is the first word of a text as a number, 0 if it is none.
func number(text string) float64 {
	words := strings.Fields(text)
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0
	}
	return n
}

// fileSystem is the type of the file system that holds a directory.
func fileSystem(dir string) string {
	kind, at := "", ""
	for line := range strings.Lines(readText("/proc/mounts")) {
		words := strings.Fields(line)
		if len(words) > 2 && len(words[1]) >= len(at) && (dir == words[1] || words[1] == "/" || strings.HasPrefix(dir, words[1]+"/")) {
			at, kind = words[1], words[2]
		}
	}
	return kind
}

// versions are those of what is compared and of what they run on.
func versions(ctx context.Context, milena string) map[string]string {
	out := map[string]string{"go": runtime.Version(), "kafka": kafkaVersion()}
	if text, err := exec.CommandContext(ctx, milena, "version").Output(); err == nil {
		out["milena"] = strings.TrimSpace(strings.SplitN(string(text), "\n", 2)[0])
	}
	if text, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		out["commit"] = strings.TrimSpace(string(text))
	}
	if text, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput(); err == nil {
		out["java"] = strings.TrimSpace(strings.SplitN(string(text), "\n", 2)[0])
	}
	return out
}

// kafkaVersion is what the peer's pom pins.
func kafkaVersion() string {
	_, after, _ := strings.Cut(readText("test/peer/broker.xml"), "<kafka.version>")
	version, _, _ := strings.Cut(after, "<")
	return version
}
