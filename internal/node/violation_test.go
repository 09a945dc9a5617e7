package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/milena-io/milena/internal/invariant"
)

// A panic of a handler costs its client the connection; a violated invariant
// means that the broker's state is not sound any more.
func TestAViolatedInvariantEndsTheProcess(t *testing.T) {
	n, _ := newRig(t).start(nil)
	var deaths []string
	n.die = func(v *invariant.Violation) { deaths = append(deaths, v.Message) }
	report := n.observer().Panicked
	report("just a string", nil)
	report(errors.New("just an error"), nil)
	report(&invariant.Violation{Message: "offset 3 after 7"}, nil)
	report(fmt.Errorf("wrapped: %w", &invariant.Violation{Message: "again"}), nil)
	if got := strings.Join(deaths, ", "); got != "offset 3 after 7, again" {
		t.Errorf("died of %q", got)
	}
}

func TestAnsweredErrorsAreCounted(t *testing.T) {
	r := newRig(t)
	r.start(map[string]string{"auto.create.topics.enable": "false"})
	cl := r.client()
	defer cl.Close()
	if _, err := kadm.NewClient(cl).ListTopics(t.Context(), "missing"); err != nil {
		t.Fatal(err)
	}
	_, metrics := r.get("/metrics")
	if want := `milena_request_errors_total{api="Metadata",error="UNKNOWN_TOPIC_OR_PARTITION"}`; !strings.Contains(metrics, want) {
		t.Errorf("/metrics lacks %s", want)
	}
}
