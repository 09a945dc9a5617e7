package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Conn is one connection to a broker on which requests are sent as they are: no
// retries, no metadata, nothing in between. It is for load that a client
// library would dominate. One goroutine may write while another one reads.
type Conn struct {
	net.Conn
	in      *bufio.Reader
	answer  []byte // reused
	request []byte // reused
	next    int32
}

// answerMax bounds what a broker may announce.
const answerMax = 1 << 30

// Dial connects to host:port.
func Dial(ctx context.Context, address string) (*Conn, error) {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

var formatter = kmsg.NewRequestFormatter(kmsg.FormatterClientID("milena-bench"))

// Ask sends a request and reads its answer. What the answer refers to is valid
// until the next one is read.
func (c *Conn) Ask(req kmsg.Request) (kmsg.Response, error) {
	c.next++
	c.request = formatter.AppendRequest(c.request[:0], req, c.next)
	if _, err := c.Write(c.request); err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	body, err := c.read(resp.IsFlexible() && resp.Key() != 18)
	if err != nil {
		return nil, err
	}
	return resp, resp.ReadFrom(body)
}

// read returns the body of the next answer.
func (c *Conn) read(flexible bool) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.in, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(size[:]))
	if n < 4 || n > answerMax {
		return nil, fmt.Errorf("a broker announced an answer of %d bytes", n)
	}
	if cap(c.answer) < n {
		c.answer = make([]byte, n+n/4)
	}
	body := c.answer[:n]
	if _, err := io.ReadFull(c.in, body); err != nil {
		return nil, err
	}
	skip := 4 // the correlation id: answers come in the order of requests
	if flexible {
		skip++ // no tagged fields
	}
	if n < skip {
		return nil, errors.New("a broker's answer is too short")
	}
	return body[skip:], nil
}
