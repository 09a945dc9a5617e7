//go:build linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/milena-io/milena/internal/bench"
)

// result is what one call of the program found out; a file of bench/results.
type result struct {
	Started   time.Time         `json:"started"`
	Seconds   float64           `json:"seconds"`
	Arguments []string          `json:"arguments"`
	Machine   machine           `json:"machine"`
	Versions  map[string]string `json:"versions"`
	Sides     map[string]config `json:"sides"`
	Scenarios []outcome         `json:"scenarios"`
}

// config is a side as the file shows it.
type config struct {
	Durability string            `json:"durability"`
	Reason     string            `json:"reason,omitempty"`
	Heap       string            `json:"heap,omitempty"`
	JVM        []string          `json:"jvm,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// outcome is what one scenario found out.
type outcome struct {
	Name        string             `json:"name"`
	Started     time.Time          `json:"started"`
	Seconds     float64            `json:"seconds"`
	Workload    string             `json:"workload"`
	Pinned      bool               `json:"pinned"`
	Error       string             `json:"error,omitempty"`
	Notes       []string           `json:"notes,omitempty"`
	Calibration *bench.Calibration `json:"calibration,omitempty"`
	Runs        []run              `json:"runs"`
}

// run is one measurement of one side.
type run struct {
	Side    string             `json:"side"`
	Round   int                `json:"round"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
	Error   string             `json:"error,omitempty"`
	Details []*bench.Result    `json:"details,omitempty"`
}

func newResult(args []string, m machine) *result {
	r := &result{Started: time.Now().UTC(), Arguments: args, Machine: m, Versions: map[string]string{}, Sides: map[string]config{}}
	for _, s := range everySide {
		r.Sides[s.name] = config{Durability: s.durability, Reason: s.reason, Heap: s.heap, JVM: s.jvm, Properties: s.properties}
	}
	return r
}

// save writes the file anew; it is called after each scenario, so that an
// interrupted run leaves what it had.
func (r *result) save(path string) error {
	r.Seconds = time.Since(r.Started).Seconds()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func load(path string) (*result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &result{}
	return r, json.Unmarshal(text, r)
}

// merge puts the scenarios of a later result over those of this one.
func (r *result) merge(later *result) {
	for _, o := range later.Scenarios {
		replaced := false
		for i := range r.Scenarios {
			if r.Scenarios[i].Name == o.Name {
				r.Scenarios[i], replaced = o, true
			}
		}
		if !replaced {
			r.Scenarios = append(r.Scenarios, o)
		}
	}
	r.Started, r.Machine, r.Versions, r.Sides = later.Started, later.Machine, later.Versions, later.Sides
}
