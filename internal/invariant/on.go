//go:build invariants

package invariant

// Enabled tells whether the binary was built with the tag "invariants".
const Enabled = true
