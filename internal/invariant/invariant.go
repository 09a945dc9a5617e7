// Package invariant holds the assertions that stay on in production.
//
// A broken invariant means that the program's own state can't be trusted any
// more, so the only safe answer is to stop: Check and Fail panic with a
// [Violation], which whoever supervises the failing part (a partition, a
// connection, the process) may recover and recognise. Assertions too dear for
// production go through Expensive, which runs only under the build tag
// "invariants".
//
// Concurrency: every function is safe for concurrent use and keeps no state.
package invariant

import (
	"fmt"
	"runtime/debug"
)

// Violation is the panic value of a broken invariant.
type Violation struct{ Message string }

// Error makes a recovered Violation usable as an error.
func (v *Violation) Error() string { return "invariant violated: " + v.Message }

// Check panics unless ok. Its arguments are boxed by the caller even when ok
// holds; where that shows up in a profile, write
//
//	if !ok {
//		invariant.Fail(…)
//	}
func Check(ok bool, format string, args ...any) {
	if !ok {
		Fail(format, args...)
	}
}

// Fail panics with a Violation.
func Fail(format string, args ...any) {
	panic(&Violation{Message: fmt.Sprintf(format, args...)})
}

// Intact is deferred around a change that must not be left half made: whatever
// panics in it, the state is not to be trusted, and so becomes a Violation.
func Intact(what string) {
	switch v := recover().(type) {
	case nil:
	case *Violation:
		panic(v)
	default:
		panic(&Violation{Message: fmt.Sprintf("%s panicked: %v\n%s", what, v, debug.Stack())})
	}
}

// Expensive runs f only when Enabled; f calls Check.
func Expensive(f func()) {
	if Enabled {
		f()
	}
}
