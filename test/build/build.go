// Package build makes the milena binary for tests that run the server as a
// process of its own, to kill it or to watch what it uses.
//
// It is built once for each test binary, when first asked for, and removed when
// the tests end. Safe for concurrent use.
package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// dir is where the binary is; empty as long as nobody asked for one.
var dir string

// Server builds the server and returns its path.
var Server = sync.OnceValues(func() (string, error) {
	var err error
	if dir, err = os.MkdirTemp("", "milena-test"); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "milena")
	out, err := exec.Command("go", "build", "-o", path, "github.com/milena-io/milena/cmd/milena").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// Main is the TestMain of a package whose tests call Server, with its *testing.M.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}
