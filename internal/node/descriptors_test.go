package node

import (
	"math"
	"testing"
)

func TestConnectionsLeaveDescriptorsForFiles(t *testing.T) {
	for _, tc := range []struct {
		limit uint64
		files int
		want  int
	}{
		{math.MaxUint64, 4096, math.MaxInt32 - 5120 - 128},
		{1_048_576, 4096, 1_048_576 - 5120 - 128},
		{20_000, 4096, 14_752},
		{4096, 4096, 1568},
		{1024, 4096, 416},
		{64, 64, 16},
	} {
		if got := connectionRoom(tc.limit, tc.files); got != tc.want {
			t.Errorf("limit %d, %d log files: %d connections, want %d", tc.limit, tc.files, got, tc.want)
		}
	}
}
