package adminhttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/netx"
)

func get(t *testing.T, h http.Handler, method, path, accept string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func TestHealthAndReadiness(t *testing.T) {
	var dir, start error
	s := New(Config{
		Health: []Check{{"log dirs", func(context.Context) error { return dir }}},
		Ready: []Check{
			{"listeners", func(context.Context) error { return nil }},
			{"metadata", func(context.Context) error { return start }},
		},
	})
	h := s.Handler()
	for _, c := range []struct {
		dir, start error
		path       string
		code       int
		text       string
	}{
		{nil, nil, "/healthz", 200, "healthy\n"},
		{nil, nil, "/readyz", 200, "ready\n"},
		{errors.New("/data is offline: input/output error"), nil, "/healthz", 503, "unhealthy\nlog dirs: /data is offline: input/output error\n"},
		{nil, errors.New("replaying, 3 of 9"), "/readyz", 503, "not ready\nmetadata: replaying, 3 of 9\n"},
		{nil, errors.New("replaying, 3 of 9"), "/healthz", 200, "healthy\n"},
	} {
		dir, start = c.dir, c.start
		code, _, text := get(t, h, "GET", c.path, "")
		if code != c.code || text != c.text {
			t.Errorf("%s: %d %q, want %d %q", c.path, code, text, c.code, c.text)
		}
	}
	start = errors.New("soon")
	code, head, text := get(t, h, "GET", "/readyz", "application/json")
	var body checksBody
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	if code != 503 || head.Get("Content-Type") != "application/json" || body.Status != "not ready" || len(body.Checks) != 2 ||
		!body.Checks[0].OK || body.Checks[1] != (checkState{"metadata", false, "soon"}) {
		t.Errorf("%d %+v", code, body)
	}
}

func TestPages(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	for _, pprofOn := range []bool{false, true} {
		h := New(Config{Metrics: m.Handler(), Pprof: pprofOn, Version: "<1.0>"}).Handler()
		code, _, text := get(t, h, "GET", "/", "")
		if code != 200 || !strings.Contains(text, "&lt;1.0&gt;") || strings.Contains(text, "pprof") != pprofOn || !strings.Contains(text, "/metrics") {
			t.Errorf("index: %d %s", code, text)
		}
		want := 404
		if pprofOn {
			want = 200
		}
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline"} {
			if code, _, _ := get(t, h, "GET", path, ""); code != want {
				t.Errorf("%s with pprof %v: %d", path, pprofOn, code)
			}
		}
		if code, _, text := get(t, h, "GET", "/metrics", ""); code != 200 || !strings.Contains(text, "milena_build_info") || !strings.Contains(text, "go_goroutines") {
			t.Errorf("/metrics: %d", code)
		}
		for _, path := range []string{"/nothing", "/metrics/x", "/debug/vars"} {
			if code, _, _ := get(t, h, "GET", path, ""); code != 404 {
				t.Errorf("%s: %d", path, code)
			}
		}
	}
	h := New(Config{}).Handler()
	if code, _, _ := get(t, h, "GET", "/metrics", ""); code != 404 {
		t.Errorf("/metrics without metrics: %d", code)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		if code, head, _ := get(t, h, method, "/healthz", ""); code != 405 || head.Get("Allow") == "" {
			t.Errorf("%s: %d", method, code)
		}
	}
	if code, _, _ := get(t, h, "HEAD", "/healthz", ""); code != 200 {
		t.Errorf("HEAD: %d", code)
	}
}

func TestServesOnANetwork(t *testing.T) {
	network := netx.NewMem()
	s := New(Config{Network: network, Addr: "admin:80"})
	if s.Addr() != nil || s.Shutdown(t.Context()) != nil {
		t.Error("a server that never started")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		return network.DialContext(ctx, addr)
	}}}
	resp, err := client.Get("http://" + s.Addr().String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != 200 || string(text) != "ready\n" {
		t.Errorf("%d %q %v", resp.StatusCode, text, err)
	}
	client.CloseIdleConnections()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := client.Get("http://admin:80/readyz"); err == nil {
		t.Error("still served after shutdown")
	}
}

// Whoever takes a profile for a minute, or has opened a connection and asks for
// nothing, does not hold the stop of the broker up.
func TestShutdownWaitsForNobodyForLong(t *testing.T) {
	for what, request := range map[string]string{"a long answer": "GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n", "no request": ""} {
		synctest.Test(t, func(t *testing.T) {
			network := netx.NewMem()
			slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			s := New(Config{Network: network, Addr: "admin:80", Metrics: slow})
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			c, err := network.DialContext(t.Context(), "admin:80")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte(request)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("%s: took %v", what, d)
			}
			_ = c.Close()
		})
	}
}

// A client that sends more header than anybody needs is cut off.
func TestHeadersAreBounded(t *testing.T) {
	s := New(Config{Addr: "127.0.0.1:0"})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Shutdown(t.Context()) }()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr().String()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return // cut off while still sending
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", resp.StatusCode)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := netx.NewMem()
		inner, err := network.Listen("admin:80")
		if err != nil {
			t.Fatal(err)
		}
		l := limitListener(inner, 1)
		accepted := make(chan net.Conn, 10)
		go func() {
			defer close(accepted)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- c
			}
		}()
		for range 2 {
			c, err := network.DialContext(t.Context(), "admin:80")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
		}
		synctest.Wait()
		if len(accepted) != 1 {
			t.Fatalf("%d connections accepted at once", len(accepted))
		}
		first := <-accepted
		_ = first.Close()
		_ = first.Close() // frees one place, not two
		synctest.Wait()
		if len(accepted) != 1 {
			t.Fatalf("%d connections accepted after one place became free", len(accepted))
		}
		_ = l.Close()
		_ = (<-accepted).Close()
		if _, open := <-accepted; open {
			t.Error("accepted after close")
		}
	})
}
