package commitlog

import (
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// TestANameIsUsedAgain deletes a log and creates another one under its name. A
// power loss before any checkpoint must not hold the new log to what the old one
// had: Kafka's checkpoint files know logs by name only.
func TestANameIsUsedAgain(t *testing.T) {
	for name, reopen := range map[string]bool{"at once": false, "after a power loss": true} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewMem()
			d := mustOpen(t, testOptions(mem))
			old := mustLog(t, d, testConfig())
			mustAppend(t, old, makeBatch(10, 10, 1))
			awaitDurable(t, old, 10)
			if err := old.SetStartOffset(7); err != nil {
				t.Fatal(err)
			}
			d.checkpoint()
			if err := d.DeleteLog(testTP, testID); err != nil {
				t.Fatal(err)
			}
			if reopen {
				mem = mem.CrashClone(vfs.CrashOptions{})
				d = mustOpen(t, testOptions(mem))
			}
			young, err := d.OpenLog(testTP, base.UUID{9}, testConfig())
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, young, makeBatch(2, 10, 1))
			awaitDurable(t, young, 2)

			d = mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{})))
			got, err := d.OpenLog(testTP, base.UUID{9}, testConfig())
			if err != nil {
				t.Fatal(err)
			}
			if got.StartOffset() != 0 || got.EndOffset() != 2 {
				t.Errorf("the new log is [%d, %d), want [0, 2)", got.StartOffset(), got.EndOffset())
			}
			mustClose(t, d)
		})
	}
}
