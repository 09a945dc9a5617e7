//go:build unix

package readme

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runner carries out the examples in one directory, against one server.
type runner struct {
	t       *testing.T
	dir     string
	env     []string
	address string // of the server, for Kafka clients
	web     string // of its metrics
	banner  string
	output  string // of the last block that ran
}

func newRunner(t *testing.T) *runner {
	r := &runner{t: t, dir: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(r.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "milena")); err != nil {
		t.Fatal(err)
	}
	r.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return r
}

// patience bounds a single example.
const patience = 60 * time.Second

// startServer runs the command of the quick start, on free ports.
func (r *runner) startServer(b block) {
	command, ok := strings.CutPrefix(strings.TrimSpace(b.text), "go run ./cmd/")
	if !ok {
		r.t.Fatalf("README.md:%d: %q does not start the server", b.line, b.text)
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", strings.Fields(command)[0], "main.go")); err != nil {
		r.t.Fatal(err)
	}
	banner, err := os.Create(filepath.Join(r.dir, "banner"))
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "exec "+command+" --listen 127.0.0.1:0 --http 127.0.0.1:0")
	var log bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, r.env, banner, &log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-exited:
			if err != nil {
				r.t.Errorf("the server stopped with %v\n%s", err, log.String())
			}
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			r.t.Errorf("the server did not stop")
		}
	})
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(patience); !strings.Contains(r.banner, "Ctrl-C"); {
		select {
		case <-poll.C:
			data, _ := os.ReadFile(banner.Name())
			r.banner = string(data)
		case err := <-exited:
			exited <- err
			r.t.Fatalf("the server did not start: %v\n%s", err, log.String())
		case <-deadline:
			r.t.Fatal("the server did not start in time")
		}
	}
	r.address = regexp.MustCompile(`Kafka +(\S+)`).FindStringSubmatch(r.banner)[1]
	r.web = regexp.MustCompile(`HTTP +http://(\S+)`).FindStringSubmatch(r.banner)[1]
	r.env = append(r.env, "MILENA_BOOTSTRAP_SERVER="+r.address)
}

// shell runs a block and returns its standard output. It fails with any of its
// commands.
func (r *runner) shell(b block) string {
	return r.command(b, exec.Command("sh", "-e", "-c", b.text))
}

func (r *runner) command(b block, cmd *exec.Cmd) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	var out, errs bytes.Buffer
	if cmd.Dir == "" {
		cmd.Dir = r.dir
	}
	cmd.Env, cmd.Stdout, cmd.Stderr = r.env, &out, &errs
	if err := cmd.Run(); err != nil {
		r.t.Errorf("README.md:%d: %v\n%s%s", b.line, err, out.String(), errs.String())
	}
	return out.String()
}

// goProgram runs a file as it is printed, but for the server's address.
func (r *runner) goProgram(b block, file string) string {
	original, err := filepath.Abs(filepath.Join(root, file))
	if err != nil {
		r.t.Fatal(err)
	}
	changed := filepath.Join(r.dir, "main.go")
	overlay := filepath.Join(r.dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(changed, []byte(strings.ReplaceAll(b.text, "localhost:9092", r.address)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "-overlay", overlay, "./"+filepath.Dir(file))
	cmd.Dir = root
	return r.command(b, cmd)
}

var curl = regexp.MustCompile(`^curl -s localhost:9644(/\S+)(?: \| grep '\^(\w+)')?$`)

// http carries out curl lines, so that the test needs no curl.
func (r *runner) http(b block) string {
	var out strings.Builder
	for line := range strings.Lines(b.text) {
		m := curl.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			r.t.Errorf("README.md:%d: %q is not understood", b.line, line)
			continue
		}
		resp, err := http.Get("http://" + r.web + m[1])
		if err != nil {
			r.t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			r.t.Errorf("README.md:%d: %s: %s, %v", b.line, m[1], resp.Status, err)
		}
		for answer := range strings.Lines(string(body)) {
			if strings.HasPrefix(answer, m[2]) {
				out.WriteString(answer)
			}
		}
	}
	return out.String()
}
