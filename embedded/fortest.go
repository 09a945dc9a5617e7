package embedded

import "context"

// TB is the part of testing.TB that ForTest uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// ForTest starts a broker for one test and stops it when the test ends. A broker
// that does not start, or not stop cleanly, fails the test.
func ForTest(t TB, o Options) *Broker {
	t.Helper()
	b, err := Start(t.Context(), o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("embedded: %v", err)
		}
	})
	return b
}
