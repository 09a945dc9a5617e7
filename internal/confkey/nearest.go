package confkey

import "strings"

// Nearest is the known name of the scope that is closest to name, or "" when
// nothing is close enough to be a plausible misspelling. Case, underscores and
// hyphens count for nothing: people carry names over from environment
// variables and other systems.
func Nearest(scope Scope, name string) string {
	want := normal(name)
	best, bestDistance := "", len(want)/3+1
	for _, ix := range scopes(scope) {
		for _, k := range ix.sorted {
			if k.Internal {
				continue
			}
			if d := editDistance(want, normal(k.Name), bestDistance); d < bestDistance {
				best, bestDistance = k.Name, d
			}
		}
	}
	return best
}

func normal(name string) string {
	return strings.NewReplacer("_", ".", "-", ".").Replace(strings.ToLower(name))
}

// editDistance is the number of insertions, deletions, substitutions and
// swaps of neighbours between a and b, or limit once it cannot be less.
func editDistance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return min(prev[len(b)], limit)
}

func differ(x, y byte) int {
	if x == y {
		return 0
	}
	return 1
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
