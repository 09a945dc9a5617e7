package adminhttp

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sharedGauge is a gauge whose labels other gauges have too: with a thousand
// partitions, most of what a scrape costs would be the same labels built again
// for each series of a partition.
type sharedGauge struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name; never changed
	value  float64
}

// Desc implements prometheus.Metric.
func (g *sharedGauge) Desc() *prometheus.Desc { return g.desc }

// Write implements prometheus.Metric.
func (g *sharedGauge) Write(out *dto.Metric) error {
	out.Label, out.Gauge = g.labels, &dto.Gauge{Value: &g.value}
	return nil
}

// partitionLabels are the labels of one partition's series.
func partitionLabels(topic, partition string) []*dto.LabelPair {
	return []*dto.LabelPair{{Name: new("partition"), Value: &partition}, {Name: new("topic"), Value: &topic}}
}
