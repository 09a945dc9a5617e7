package cli

import (
	"cmp"
	"fmt"
	"slices"
)

// outcome is what happened to one of the things that a command was given.
type outcome struct {
	Name       string `json:"name"`
	ID         string `json:"id,omitempty"`
	Partitions int32  `json:"partitions,omitempty"`
	Replicas   int16  `json:"replicationFactor,omitempty"`
	Done       bool   `json:"done"`
	Reason     string `json:"reason,omitempty"` // why nothing was done where that is no error
	Error      string `json:"error,omitempty"`

	err error
}

// dryRunReason is why a change that would succeed is not done.
func dryRunReason(dryRun bool, err error) string {
	if dryRun && err == nil {
		return "dry run"
	}
	return ""
}

// inOrder sorts answers like the questions. What was not asked for comes last.
func inOrder[Q, A any](asked []Q, answers []A, question func(Q) string, answer func(A) string) []A {
	rank := map[string]int{}
	for i, q := range slices.Backward(asked) {
		rank[question(q)] = i - len(asked)
	}
	slices.SortStableFunc(answers, func(x, y A) int {
		return cmp.Or(cmp.Compare(rank[answer(x)], rank[answer(y)]), cmp.Compare(answer(x), answer(y)))
	})
	return answers
}

// outcomesInOrder sorts outcomes as the command line names the things.
func outcomesInOrder(names []string, outcomes []outcome) []outcome {
	return inOrder(names, outcomes, func(name string) string { return name }, func(o outcome) string { return o.Name })
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
