//go:build !unix

package node

import "math"

// openFileLimit says that there is no limit worth counting.
func openFileLimit() uint64 { return math.MaxInt64 }
