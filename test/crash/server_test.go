package crash

import (
	"bytes"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/milena-io/milena/test/build"
	"github.com/milena-io/milena/test/freeport"
)

func TestMain(m *testing.M) { build.Main(m) }

// process is one server on a fixed address and data directory, started and
// killed many times.
type process struct {
	t       *testing.T
	address string
	data    string
	args    []string
	cmd     *exec.Cmd
	log     bytes.Buffer
}

func newProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, address: freeAddress(t), data: filepath.Join(t.TempDir(), "data"), args: args}
	t.Cleanup(p.kill)
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// start returns when the server accepts connections, and says how long that took.
func (p *process) start() time.Duration {
	p.t.Helper()
	path, err := build.Server()
	if err != nil {
		p.t.Fatal(err)
	}
	begin := time.Now()
	p.cmd = exec.Command(path, p.arguments()...)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for time.Since(begin) < 30*time.Second {
		if c, err := net.DialTimeout("tcp", p.address, time.Second); err == nil {
			_ = c.Close()
			return time.Since(begin)
		}
		time.Sleep(2 * time.Millisecond)
	}
	p.t.Fatalf("the server did not come up:\n%s", p.tail())
	return 0
}

// dieYoung starts the server and kills it after so long, ready or not: recovery
// is cut short, too.
func (p *process) dieYoung(after time.Duration) {
	p.t.Helper()
	path, err := build.Server()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(path, p.arguments()...)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(after)
	p.kill()
}

func (p *process) arguments() []string {
	return append([]string{"server", "--data-dir", p.data, "--listen", p.address, "--http", "127.0.0.1:0"}, p.args...)
}

// kill is SIGKILL: no handler runs, nothing is flushed.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// tail is the end of the server's log.
func (p *process) tail() string {
	lines := strings.Split(p.log.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
