// Package freeport finds addresses for servers that tests start as processes of
// their own, and start again at the same address.
//
// They are not ones that the kernel hands out. Between two lives of a server such
// a port may become the near end of anybody's connection, even of a client's that
// looks for the server and so finds itself, and the server can't have it back.
//
// Safe for concurrent use.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports below those that Linux (32768) and others (49152) give to clients.
const (
	lowest  = 12_000
	highest = 32_000
)

// tries is how many ports are looked at before giving up.
const tries = 1000

var (
	mu    sync.Mutex
	given = map[int]bool{}
)

// Address returns 127.0.0.1 and a port on which nobody listens. It is different
// each time in this process, and most likely in others.
func Address() (string, error) {
	mu.Lock()
	defer mu.Unlock()
	var last error
	for range tries {
		port := lowest + rand.IntN(highest-lowest)
		if given[port] {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", address)
		if err != nil {
			last = err
			continue
		}
		given[port] = true
		return address, l.Close()
	}
	return "", errors.Join(errors.New("no free port was found"), last)
}
