package adminhttp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// checkTimeout bounds all probes of one request together.
const checkTimeout = 5 * time.Second

// Check is one condition of health or readiness. Probe returns the reason why it
// is not met, in words for an operator; it must give up when ctx ends.
type Check struct {
	Name  string
	Probe func(ctx context.Context) error
}

// checks answers one of /healthz and /readyz: 200 when all conditions are met,
// else 503 and the reasons, as text or, if the client asks for it, as JSON.
type checks struct {
	list      []Check
	good, bad string
}

type checksBody struct {
	Status string       `json:"status"`
	Checks []checkState `json:"checks"`
}

type checkState struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

func (c checks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	body, code := checksBody{Status: c.good, Checks: []checkState{}}, http.StatusOK
	for _, check := range c.list {
		state := checkState{Name: check.Name, OK: true}
		if err := check.Probe(ctx); err != nil {
			state.OK, state.Reason = false, err.Error()
			body.Status, code = c.bad, http.StatusServiceUnavailable
		}
		body.Checks = append(body.Checks, state)
	}
	w.Header().Set("Cache-Control", "no-store")
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(body)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, body.Status)
	for _, s := range body.Checks {
		if !s.OK {
			_, _ = fmt.Fprintf(w, "%s: %s\n", s.Name, s.Reason)
		}
	}
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}
