package partition

import (
	"testing"

	"github.com/milena-io/milena/internal/invariant"
)

// An append that panics half way must not be followed by another one.
func TestAPanicInAnAppendIsAViolation(t *testing.T) {
	defer func() {
		if v, ok := recover().(*invariant.Violation); !ok {
			t.Errorf("panic value %v is no violation", v)
		}
	}()
	_, _ = new(Partition).write(nil, AppendRequest{}) // it has no log
	t.Error("no panic")
}
