package freeport

import (
	"net"
	"strconv"
	"testing"
)

func TestAddress(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		address, err := Address()
		if err != nil {
			t.Fatal(err)
		}
		if seen[address] {
			t.Errorf("%s was given before", address)
		}
		seen[address] = true
		_, text, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if port, err := strconv.Atoi(text); err != nil || port < lowest || port >= highest {
			t.Errorf("port %s is not between %d and %d", text, lowest, highest)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s is not free: %v", address, err)
			continue
		}
		_ = l.Close()
	}
}
