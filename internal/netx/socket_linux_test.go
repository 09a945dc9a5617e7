package netx

import (
	"net"
	"testing"
	"time"
)

func TestRoundTripOfTheHandshake(t *testing.T) {
	l, err := TCP().Listen("127.0.0.1:0")
	must(t, err)
	defer func() { must(t, l.Close()) }()
	client, err := TCP().DialContext(t.Context(), l.Addr().String())
	must(t, err)
	server, err := l.Accept()
	must(t, err)
	if rtt, ok := RoundTrip(server.(*net.TCPConn)); !ok || rtt <= 0 || rtt > time.Minute {
		t.Errorf("%v, %v", rtt, ok)
	}
	must(t, client.Close())
	must(t, server.Close())
	if _, ok := RoundTrip(server.(*net.TCPConn)); ok {
		t.Error("a closed connection has a round trip")
	}
}

func TestSendBufferAllowed(t *testing.T) {
	if !SendBufferAllowed(4<<10) || SendBufferAllowed(1<<31-1) {
		t.Errorf("%d bytes are allowed", largestSendBuffer())
	}
}
