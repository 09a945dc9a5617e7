package adminhttp

import (
	"html/template"
	"net/http"
	"net/http/pprof"
	"time"
)

// profileTime is the longest profile or trace one may ask for, with the time to
// send it; the server's ordinary write timeout would cut those off.
const profileTime = 10 * time.Minute

var indexPage = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Milena</title></head><body>
<h1>Milena {{.Version}}</h1>
<ul>
{{range .Links}}<li><a href="{{.Path}}">{{.Path}}</a> {{.Text}}</li>
{{end}}</ul>
</body></html>
`))

type link struct{ Path, Text string }

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	links := []link{{"/healthz", "is the process working and every log directory online"}, {"/readyz", "has the broker started"}}
	if s.cfg.Metrics != nil {
		links = append(links, link{"/metrics", "for Prometheus"})
	}
	if s.cfg.Pprof {
		links = append(links, link{"/debug/pprof/", "Go profiles"})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = indexPage.Execute(w, struct {
		Version string
		Links   []link
	}{s.cfg.Version, links})
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
