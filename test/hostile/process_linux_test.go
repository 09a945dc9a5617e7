package hostile

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/milena-io/milena/test/build"
	"github.com/milena-io/milena/test/freeport"
)

func TestMain(m *testing.M) { build.Main(m) }

// victim is a running server whose memory is watched.
type victim struct {
	t           *testing.T
	kafka, http string
	cmd         *exec.Cmd
	log         bytes.Buffer
	peak        atomic.Int64 // of resident memory, since reset
}

func start(t *testing.T, args ...string) *victim {
	t.Helper()
	path, err := build.Server()
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{t: t, kafka: freeAddress(t), http: freeAddress(t)}
	args = append([]string{
		"server", "--data-dir", filepath.Join(t.TempDir(), "data"), "--listen", v.kafka, "--http", v.http,
		"--set", "milena.pprof.enable=true",
	}, args...)
	v.cmd = exec.Command(path, args...)
	v.cmd.Stderr = &v.log
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		_ = v.cmd.Process.Kill()
		_ = v.cmd.Wait()
		if t.Failed() {
			t.Logf("the server's log ends:\n%s", v.tail())
		}
	})
	if !eventually(30*time.Second, func() bool {
		c, err := net.Dial("tcp", v.kafka)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}) {
		t.Fatalf("the server did not come up:\n%s", v.tail())
	}
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				v.peak.Store(max(v.peak.Load(), v.resident()))
			case <-stop:
				return
			}
		}
	}()
	return v
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// eventually repeats f for a while until it is true.
func eventually(d time.Duration, f func() bool) bool {
	for deadline := time.Now().Add(d); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if f() {
			return true
		}
	}
	return false
}

func (v *victim) tail() string {
	text := v.log.String()
	return text[max(0, len(text)-8000):]
}

func (v *victim) proc(name string) string {
	return "/proc/" + strconv.Itoa(v.cmd.Process.Pid) + "/" + name
}

// resident is the memory that the server has now.
func (v *victim) resident() int64 {
	stat, err := os.ReadFile(v.proc("statm"))
	if err != nil {
		return 0
	}
	var total, pages int64
	_, _ = fmt.Sscan(string(stat), &total, &pages)
	return pages * int64(os.Getpagesize())
}

func (v *victim) files() int {
	fds, _ := os.ReadDir(v.proc("fd"))
	return len(fds)
}

func (v *victim) goroutines() int {
	v.t.Helper()
	// A connection of its own each time, so that none is left in the count.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Get("http://" + v.http + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(body), "\n")
	var n int
	if _, err := fmt.Sscanf(head, "goroutine profile: total %d", &n); err != nil {
		v.t.Fatalf("goroutine profile begins %q: %v", head, err)
	}
	return n
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
