package invariant

import (
	"errors"
	"strings"
	"testing"
)

// caught returns what f panicked with, nil if it didn't.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestCheck(t *testing.T) {
	if v := caught(func() { Check(true, "fine") }); v != nil {
		t.Fatalf("a held invariant panicked with %v", v)
	}
	v := caught(func() { Check(false, "offset %d after %d", 3, 7) })
	err, ok := v.(error)
	if !ok {
		t.Fatalf("panic value %v (%T) is no error", v, v)
	}
	violation, ok := errors.AsType[*Violation](err)
	if !ok {
		t.Fatalf("panic value %T is no *Violation", v)
	}
	if want := "offset 3 after 7"; violation.Message != want {
		t.Errorf("message %q, want %q", violation.Message, want)
	}
	if want := "invariant violated: offset 3 after 7"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestExpensiveRunsOnlyUnderTheTag(t *testing.T) {
	ran := false
	Expensive(func() { ran = true })
	if ran != Enabled {
		t.Errorf("ran = %v with Enabled = %v", ran, Enabled)
	}
}

func TestIntactMakesViolations(t *testing.T) {
	if v := caught(func() { defer Intact("nothing") }); v != nil {
		t.Errorf("no panic became %v", v)
	}
	own := caught(func() { defer Intact("the append"); Fail("kept") })
	if v, ok := own.(*Violation); !ok || v.Message != "kept" {
		t.Errorf("a violation became %v", own)
	}
	other := caught(func() {
		defer Intact("the append")
		var m map[string]int
		m["x"] = 1 //nolint:staticcheck // SA5000: the panic is what is tested
	})
	v, ok := other.(*Violation)
	if !ok || !strings.HasPrefix(v.Message, "the append panicked: assignment to entry in nil map") || !strings.Contains(v.Message, "invariant_test.go") {
		t.Errorf("a panic became %v", other)
	}
}
