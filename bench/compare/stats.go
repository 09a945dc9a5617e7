//go:build linux

package main

import (
	"math"
	"slices"
)

// spread sums up the values of one metric on one side.
type spread struct {
	n                int
	median, min, max float64
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	s := slices.Sorted(slices.Values(values))
	mid := len(s) / 2
	median := s[mid]
	if len(s)%2 == 0 {
		median = (s[mid-1] + s[mid]) / 2
	}
	return spread{n: len(s), median: median, min: s[0], max: s[len(s)-1]}
}

// values are those of a metric on a side, by round.
func values(runs []run, sideName, metric string) map[int]float64 {
	out := map[int]float64{}
	for _, r := range runs {
		if v, ok := r.Metrics[metric]; ok && r.Side == sideName {
			out[r.Round] = v
		}
	}
	return out
}

func summarise(runs []run, sideName, metric string) spread {
	var all []float64
	for _, v := range values(runs, sideName, metric) {
		all = append(all, v)
	}
	return spreadOf(all)
}

// better is the side among those named with the better median; false if none
// has a figure.
func better(runs []run, sides []string, m metric) (name string, s spread, ok bool) {
	for _, candidate := range sides {
		c := summarise(runs, candidate, m.key)
		if c.n == 0 {
			continue
		}
		if !ok || (m.higher && c.median > s.median) || (!m.higher && c.median < s.median) {
			name, s, ok = candidate, c, true
		}
	}
	return name, s, ok
}

// ratioOf compares two sides: the ratio of the medians, and the smallest and
// largest one of a round in which both were measured. There is none to something
// that could not be told from nothing.
func ratioOf(runs []run, a, b, metric string) (r spread) {
	va, vb := values(runs, a, metric), values(runs, b, metric)
	r.min, r.max = math.Inf(1), math.Inf(-1)
	for round, x := range va {
		if y := vb[round]; y > 0 {
			r.n++
			r.min, r.max = min(r.min, x/y), max(r.max, x/y)
		}
	}
	below := summarise(runs, b, metric).median
	if below <= 0 {
		return spread{}
	}
	r.median = summarise(runs, a, metric).median / below
	if r.n == 0 {
		r.min, r.max = r.median, r.median
	}
	return r
}

// reached says whether a value is on the right side of a goal.
func (m metric) reached(v float64) bool {
	if m.higher {
		return v >= m.goal
	}
	return v <= m.goal
}
