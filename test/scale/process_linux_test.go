package scale

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/test/build"
	"github.com/milena-io/milena/test/freeport"
)

func TestMain(m *testing.M) { build.Main(m) }

// process is one server on fixed addresses and a data directory.
type process struct {
	t           *testing.T
	kafka, http string
	data        string
	cmd         *exec.Cmd
	log         bytes.Buffer
}

func newProcess(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, kafka: freeAddress(t), http: freeAddress(t), data: filepath.Join(t.TempDir(), "data")}
	t.Cleanup(func() { p.kill() })
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

// start returns how long it took from the creation of the process to the first
// answer it gave. It asks all the time, so nothing is added by waiting.
func (p *process) start() time.Duration {
	p.t.Helper()
	path, err := build.Server()
	if err != nil {
		p.t.Fatal(err)
	}
	p.log.Reset()
	p.cmd = exec.Command(path, "server", "--data-dir", p.data, "--listen", p.kafka, "--http", p.http, "--set", "milena.pprof.enable=true")
	p.cmd.Stderr = &p.log
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for time.Since(begin) < time.Minute {
		c, err := net.Dial("tcp", p.kafka)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		defer c.Close()
		if err := askVersions(c); err != nil {
			p.t.Fatalf("the first request: %v\n%s", err, p.tail())
		}
		return time.Since(begin)
	}
	p.t.Fatalf("the server did not come up:\n%s", p.tail())
	return 0
}

// askVersions sends one request and reads the answer: the least that shows that
// requests are served.
func askVersions(c net.Conn) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.SetVersion(3)
	req.ClientSoftwareName, req.ClientSoftwareVersion = "scale", "1"
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)
	if _, err := c.Write(frame); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	n := int(size[0])<<24 | int(size[1])<<16 | int(size[2])<<8 | int(size[3])
	_, err := io.CopyN(io.Discard, c, int64(n))
	return err
}

// stop is SIGTERM and returns how long the clean shutdown took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("clean stop: %v\n%s", err, p.tail())
	}
	p.cmd = nil
	return time.Since(begin)
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

func (p *process) tail() string {
	lines := strings.Split(p.log.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// usage is what the process takes at one moment.
type usage struct {
	rss        int64 // bytes
	cpu        time.Duration
	files      int
	threads    int
	goroutines int
}

func (p *process) usage() usage {
	p.t.Helper()
	dir := "/proc/" + strconv.Itoa(p.cmd.Process.Pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		p.t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	number := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		return n
	}
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		p.t.Fatal(err)
	}
	const tick = 10 * time.Millisecond // the unit of CPU times in /proc
	return usage{
		cpu: time.Duration(number(11)+number(12)) * tick, threads: int(number(17)),
		rss: number(21) * int64(os.Getpagesize()), files: len(fds), goroutines: p.goroutines(),
	}
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MiB resident, %d goroutines, %d threads, %d open files", float64(u.rss)/(1<<20), u.goroutines, u.threads, u.files)
}

func (p *process) goroutines() int {
	head, _, _ := strings.Cut(string(p.get("/debug/pprof/goroutine?debug=1")), "\n")
	var n int
	if _, err := fmt.Sscanf(head, "goroutine profile: total %d", &n); err != nil {
		p.t.Fatalf("goroutine profile begins %q: %v", head, err)
	}
	return n
}

// get reads a page of the server's HTTP listener.
func (p *process) get(path string) []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.tail())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %s, %v", path, resp.Status, err)
	}
	return body
}
