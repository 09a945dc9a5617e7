//go:build unix

package readme

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/cli"
	"github.com/milena-io/milena/internal/config"
)

// root is the project's directory.
const root = "../.."

// TestMain lets the test binary be the milena that the examples call: linked to
// that name, it is the command line. Nothing has to be built for that.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "milena" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func TestEveryExampleOfTheREADME(t *testing.T) {
	blocks := parseBlocks(t, filepath.Join(root, "README.md"))
	r := newRunner(t)
	for i, b := range blocks {
		kind, file, _ := strings.Cut(b.kind, "=")
		switch kind {
		case "server":
			r.startServer(b)
		case "banner":
			compare(t, b, r.banner, false)
		case "run":
			if file == "" {
				r.output = r.shell(b)
			} else {
				sameText(t, b, file)
				r.output = r.goProgram(b, file)
			}
		case "http":
			r.output = r.http(b)
		case "output":
			compare(t, b, r.output, b.arg == "numbers")
		case "ci":
			knownToCI(t, b)
		case "file":
			sameText(t, b, file)
		case "load":
			loads(t, b)
		default:
			t.Errorf("README.md:%d: the block %q is of a kind that no test runs", b.line, b.info)
		}
		if i == 0 && kind != "server" {
			t.Fatal("the README does not begin with how to start the server")
		}
	}
	if len(blocks) < 15 {
		t.Errorf("only %d blocks found", len(blocks))
	}
}

// sameText compares a block with the file that other tests run.
func sameText(t *testing.T, b block, file string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Errorf("README.md:%d: %v", b.line, err)
		return
	}
	if strings.TrimSpace(string(data)) != strings.TrimSpace(b.text) {
		t.Errorf("README.md:%d: the example is not the text of %s", b.line, file)
	}
	if run, err := os.ReadFile(filepath.Join(root, interopRun(file))); err == nil {
		name := strings.TrimSuffix(filepath.Base(file), ".java")
		if !strings.Contains(string(run), name) {
			t.Errorf("%s does not run %s", interopRun(file), file)
		}
	}
}

// interopRun is the script that runs a client's example, if it is one.
func interopRun(file string) string {
	parts := strings.Split(file, "/")
	if len(parts) < 4 || parts[1] != "interop" {
		return "none"
	}
	return filepath.Join("test", "interop", parts[2], "run")
}

// elsewhere are commands that this test can't run within itself, and what does.
var elsewhere = map[string]string{
	"go test ./...":           ".ci/run",
	"go install ./cmd/milena": "cmd/milena/main.go", // go test ./... builds it
	"make build":              "Makefile",
	"make test":               "Makefile",
	"make verify":             "Makefile",
}

func knownToCI(t *testing.T, b block) {
	t.Helper()
	for line := range strings.Lines(b.text) {
		command := strings.TrimSpace(line)
		file, known := elsewhere[command]
		if !known {
			t.Errorf("README.md:%d: nothing runs %q", b.line, command)
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
		}
		want := command
		switch filepath.Base(file) {
		case "Makefile":
			want = "\n" + strings.TrimPrefix(command, "make ") + ":"
		case "main.go":
			want = "package main"
		}
		if !strings.Contains(string(data), want) {
			t.Errorf("README.md:%d: %s has no %q", b.line, file, want)
		}
	}
}

// loads has the configuration loader read a properties file.
func loads(t *testing.T, b block) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.properties")
	if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Sources{File: path})
	if err != nil {
		t.Errorf("README.md:%d: %v", b.line, err)
	}
	if len(cfg.Inert) > 0 {
		t.Errorf("README.md:%d: settings without effect: %v", b.line, cfg.Inert)
	}
}
