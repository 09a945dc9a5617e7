package adminhttp

import (
	"fmt"
	"html"
	"net/http"
	"net/http/pprof"
	"time"
)

// profileTime is the longest profile or trace one may ask for, with the time to
// send it; the server's ordinary write timeout would cut those off.
const profileTime = 10 * time.Minute

// index lists what there is. It is printed and not a template: a template finds
// methods by name, for which the linker keeps all methods of all types, and a
// third of the program would be there for this page only.
func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	links := [][2]string{{"/healthz", "is the process working and every log directory online"}, {"/readyz", "has the broker started"}}
	if s.cfg.Metrics != nil {
		links = append(links, [2]string{"/metrics", "for Prometheus"})
	}
	if s.cfg.Pprof {
		links = append(links, [2]string{"/debug/pprof/", "Go profiles"})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Milena</title></head><body>
<h1>Milena %s</h1>
<ul>
`, html.EscapeString(s.cfg.Version))
	for _, l := range links {
		fmt.Fprintf(w, "<li><a href=%q>%[1]s</a> %s</li>\n", l[0], l[1])
	}
	fmt.Fprint(w, "</ul>\n</body></html>\n")
}

// addPprof uses a mux of its own: importing net/http/pprof also adds to the
// default one, which this server never serves.
func addPprof(mux *http.ServeMux) {
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(profileTime))
			h(w, r)
		})
	}
}
