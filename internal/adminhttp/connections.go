package adminhttp

import "github.com/prometheus/client_golang/prometheus"

// Connections counts connections of clients.
type Connections struct {
	open                       *prometheus.GaugeVec
	accepted, closed, rejected *prometheus.CounterVec
}

func (c *Connections) init(reg *prometheus.Registry) {
	c.open = prometheus.NewGaugeVec(gauge("connections", "Open connections."), []string{"listener"})
	c.accepted = prometheus.NewCounterVec(counter("connections_accepted_total", "Connections accepted."), []string{"listener"})
	c.closed = prometheus.NewCounterVec(counter("connections_closed_total", "Connections closed, by reason."), []string{"listener", "reason"})
	c.rejected = prometheus.NewCounterVec(counter("connections_rejected_total", "Connections closed at once, by reason."), []string{"listener", "reason"})
	reg.MustRegister(c.open, c.accepted, c.closed, c.rejected)
}

// Opened counts an accepted connection.
func (c *Connections) Opened(listener string) {
	c.open.WithLabelValues(listener).Inc()
	c.accepted.WithLabelValues(listener).Inc()
}

// Closed counts the end of an opened connection.
func (c *Connections) Closed(listener, reason string) {
	c.open.WithLabelValues(listener).Dec()
	c.closed.WithLabelValues(listener, reason).Inc()
}

// Rejected counts a connection that was not opened.
func (c *Connections) Rejected(listener, reason string) {
	c.rejected.WithLabelValues(listener, reason).Inc()
}
