package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Usage is what the broker's process used during a run.
type Usage struct {
	PID          int     `json:"pid"`
	CPUSeconds   float64 `json:"cpuSeconds"`
	CPUPerGB     float64 `json:"cpuSecondsPerGB"` // per 10^9 bytes of keys and values
	RSSBytes     int64   `json:"rssBytes"`
	PeakRSSBytes int64   `json:"peakRssBytes"` // since the process started
	Error        string  `json:"error,omitempty"`
}

// procStat is a process's counters at one moment.
type procStat struct {
	cpuSeconds float64
	rss, peak  int64
}

// ticksPerSecond is the unit of CPU times in /proc, the same on every Linux
// architecture that Go runs on.
const ticksPerSecond = 100

// readProc reads a process's counters from /proc.
func readProc(pid int) (procStat, error) {
	var s procStat
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	// The second field, the name, is in parentheses and may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return s, errors.New("/proc: unexpected format")
	}
	for _, f := range fields[11:13] { // user and system time
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return s, fmt.Errorf("/proc: %w", err)
		}
		s.cpuSeconds += float64(n) / ticksPerSecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "VmRSS":
			s.rss = kilobytes(value)
		case "VmHWM":
			s.peak = kilobytes(value)
		}
	}
	return s, nil
}

func kilobytes(value string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
	return n * 1024
}

// ProcessUsage is what a process has used since it started.
func ProcessUsage(pid int) (Usage, error) {
	s, err := readProc(pid)
	return Usage{PID: pid, CPUSeconds: s.cpuSeconds, RSSBytes: s.rss, PeakRSSBytes: s.peak}, err
}

// probe remembers the counters from the moment when counting starts.
type probe struct {
	pid   int
	timer *time.Timer

	mu           sync.Mutex
	broker, self procStat
	err, selfErr error
}

// startProbe reads the counters now, and once more when the warm-up is over.
func startProbe(pid int, warmup time.Duration) *probe {
	p := &probe{pid: pid}
	p.read()
	if warmup > 0 {
		p.timer = time.AfterFunc(warmup, p.read)
	}
	return p
}

func (p *probe) read() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid > 0 {
		p.broker, p.err = readProc(p.pid)
	}
	p.self, p.selfErr = readProc(os.Getpid())
}

// usage adds what was used since then.
func (r *Result) usage(p *probe, bytes int64) {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, err := readProc(os.Getpid()); err == nil && p.selfErr == nil {
		r.ClientCPU = now.cpuSeconds - p.self.cpuSeconds
	}
	if p.pid <= 0 {
		return
	}
	r.Broker = &Usage{PID: p.pid}
	now, err := readProc(p.pid)
	if err = errors.Join(p.err, err); err != nil {
		r.Broker.Error = err.Error()
		return
	}
	r.Broker.CPUSeconds = now.cpuSeconds - p.broker.cpuSeconds
	r.Broker.RSSBytes, r.Broker.PeakRSSBytes = now.rss, now.peak
	if bytes > 0 {
		r.Broker.CPUPerGB = r.Broker.CPUSeconds / (float64(bytes) / 1e9)
	}
}
