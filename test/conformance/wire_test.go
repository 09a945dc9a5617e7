package conformance

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// patience is how long any answer may take; the longest waits asked for are
// far below it.
const patience = 15 * time.Second

// shortPatience is for requests that Kafka is known not to answer.
const shortPatience = 2 * time.Second

// clientID is sent with every request; Kafka puts it before generated member ids.
const clientID = "conf"

// link is one connection to a broker, used by one goroutine.
type link struct {
	addr string
	conn net.Conn
	hang bool // Kafka is known not to answer what comes next
}

var errClosed = errors.New("connection closed")

// send writes one request, connecting first if need be.
func (l *link) send(req kmsg.Request) error {
	return l.write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, req, 7))
}

func (l *link) write(frame []byte) error {
	if l.conn == nil {
		conn, err := net.DialTimeout("tcp", l.addr, patience)
		if err != nil {
			return err
		}
		l.conn = conn
	}
	limit := patience
	if l.hang {
		limit = shortPatience
	}
	_ = l.conn.SetDeadline(time.Now().Add(limit))
	_, err := l.conn.Write(frame)
	return err
}

// receive reads the answer to req.
func (l *link) receive(req kmsg.Request) (kmsg.Response, error) {
	body, err := l.frame()
	if err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if resp.IsFlexible() && req.Key() != int16(kmsg.ApiVersions) {
		if len(body) == 0 || body[0] != 0 {
			return nil, fmt.Errorf("tags in the response header")
		}
		body = body[1:]
	}
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("undecodable answer: %w", err)
	}
	if again := resp.AppendTo(nil); !bytes.Equal(again, body) {
		return resp, fmt.Errorf("the answer has %d bytes, encoded again %d", len(body), len(again))
	}
	return resp, nil
}

// frame reads one response frame and checks its correlation id.
func (l *link) frame() ([]byte, error) {
	if l.conn == nil {
		return nil, errClosed
	}
	var head [8]byte
	if _, err := io.ReadFull(l.conn, head[:]); err != nil {
		l.close()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, errors.New("no answer")
		}
		return nil, errClosed
	}
	if id := binary.BigEndian.Uint32(head[4:]); id != 7 {
		return nil, fmt.Errorf("correlation id %d", id)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	if _, err := io.ReadFull(l.conn, body); err != nil {
		l.close()
		return nil, errClosed
	}
	return body, nil
}

func (l *link) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}
