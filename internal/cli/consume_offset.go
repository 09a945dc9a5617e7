package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// position is a parsed --offset: a place in any partition.
type position struct {
	anchor byte  // '^' start, '$' end, '=' the offset itself, '@' a time
	n      int64 // distance from the anchor, the offset, or milliseconds
}

// parsePosition reads start, end, N, +N, -N or @time.
func parsePosition(word string, now time.Time) (position, error) {
	switch {
	case word == "start", word == "beginning", word == "earliest":
		return position{'^', 0}, nil
	case word == "end", word == "latest":
		return position{'$', 0}, nil
	case strings.HasPrefix(word, "@"):
		t, err := parseMoment(word[1:], now)
		if err != nil {
			return position{}, &usageError{"--offset: " + err.Error()}
		}
		return position{'@', t.UnixMilli()}, nil
	}
	n, err := strconv.ParseInt(word, 10, 64)
	switch {
	case err != nil:
		return position{}, usagef("--offset must be start, end, a number, +N, -N or @time, not %q", word)
	case word[0] == '+':
		return position{'^', n}, nil
	case word[0] == '-':
		return position{'$', n}, nil
	}
	return position{'=', n}, nil
}

// client is the position as the client library takes it.
func (p position) client() kgo.Offset {
	switch p.anchor {
	case '^':
		return kgo.NewOffset().AtStart().Relative(p.n)
	case '$':
		return kgo.NewOffset().AtEnd().Relative(p.n)
	case '@':
		return kgo.NewOffset().AfterMilli(p.n)
	}
	return kgo.NewOffset().At(p.n)
}

// resolver returns the offset that the position means in each partition.
func (p position) resolver(ctx context.Context, adm *kadm.Client, topics []string) (func(topic string, partition int32, end int64) int64, error) {
	var listed kadm.ListedOffsets
	var err error
	switch p.anchor {
	case '@':
		listed, err = adm.ListOffsetsAfterMilli(ctx, p.n, topics...)
	case '^', '$':
		listed, err = adm.ListStartOffsets(ctx, topics...)
	}
	if err != nil {
		return nil, explain(err, "", "offsets")
	}
	return func(topic string, partition int32, end int64) int64 {
		at, _ := listed.Lookup(topic, partition)
		switch p.anchor {
		case '^':
			return at.Offset + p.n
		case '$':
			return max(at.Offset, end+p.n)
		case '@':
			return at.Offset // the end, where nothing is newer
		}
		return p.n
	}, nil
}
