package cli

import "fmt"

// outcome is what happened to one of the things that a command was given.
type outcome struct {
	Name       string `json:"name"`
	ID         string `json:"id,omitempty"`
	Partitions int32  `json:"partitions,omitempty"`
	Replicas   int16  `json:"replicationFactor,omitempty"`
	Done       bool   `json:"done"`
	Error      string `json:"error,omitempty"`

	err error
}

// report prints outcomes: one sentence per success, the failures as errors.
// The command fails when one did.
func (a *app) report(outcomes []outcome, sentence func(outcome) string) error {
	failed := false
	for i, o := range outcomes {
		if o.err != nil {
			failed = true
			outcomes[i].Error = o.err.Error()
		}
	}
	if a.json() {
		if err := a.printJSON(outcomes); err != nil {
			return err
		}
	}
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			fmt.Fprintf(a.err, "milena: %v\n", o.err)
		case !a.json():
			fmt.Fprintln(a.out, sentence(o))
		}
	}
	if failed {
		return errAlreadyReported
	}
	return nil
}
