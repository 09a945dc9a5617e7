package commitlog

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestLogQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q logQueue
		var model []*Log
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				l := &Log{}
				q.push(l)
				model = append(model, l)
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					return // nobody pops an empty queue
				}
				if got := q.pop(); got != model[0] {
					t.Fatal("not the first")
				}
				model = model[1:]
			},
			"take all": func(t *rapid.T) {
				all := q.takeAll()
				if !slices.Equal(all, model) {
					t.Fatalf("%d of %d taken", len(all), len(model))
				}
				q.giveBack(all)
				model = nil
			},
			"": func(t *rapid.T) {
				if q.len() != len(model) {
					t.Fatalf("%d queued, want %d", q.len(), len(model))
				}
			},
		})
	})
}
