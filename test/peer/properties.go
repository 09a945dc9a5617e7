package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/test/freeport"
)

// defaults are what one node cannot do without, and the thread counts of the
// settings file in Kafka's distribution.
func defaults() map[string]string {
	return map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          "1",
		"controller.listener.names":                        "CONTROLLER",
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
	}
}

// writeProperties writes the broker's settings and returns where it will
// listen: the ports of an earlier start in the same directory, if they are free.
func writeProperties(file, dir string, over map[string]string) (address string, err error) {
	all := defaults()
	maps.Copy(all, over)
	if all["listeners"] == "" {
		client, controller, err := ports(file)
		if err != nil {
			return "", err
		}
		all["listeners"] = "PLAINTEXT://" + client + ",CONTROLLER://" + controller
	}
	for l := range strings.SplitSeq(all["listeners"], ",") {
		name, at, _ := strings.Cut(strings.TrimSpace(l), "://")
		switch name {
		case "CONTROLLER":
			if all["controller.quorum.voters"] == "" {
				all["controller.quorum.voters"] = all["node.id"] + "@" + at
			}
		case "PLAINTEXT":
			address = at
		}
	}
	if all["log.dirs"] == "" {
		all["log.dirs"] = filepath.Join(dir, "data")
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", key, all[key])
	}
	return address, os.WriteFile(file, []byte(text.String()), 0o600)
}

// ports finds two free addresses, those in an older settings file if possible.
func ports(file string) (client, controller string, err error) {
	if text, err := os.ReadFile(file); err == nil {
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "listeners=PLAINTEXT://"); ok {
				client, controller, _ = strings.Cut(v, ",CONTROLLER://")
			}
		}
	}
	if client != "" && free(client) && free(controller) {
		return client, controller, nil
	}
	if client, err = freeport.Address(); err != nil {
		return "", "", err
	}
	controller, err = freeport.Address()
	return client, controller, err
}

func free(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// answers asks a broker which APIs it has and reports whether it says so.
func answers(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(5*time.Second)) != nil {
		return false
	}
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "peer", "1"
	if _, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("peer")).AppendRequest(nil, req, 1)); err != nil {
		return false
	}
	in := bufio.NewReader(conn)
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return false
	}
	body := make([]byte, min(binary.BigEndian.Uint32(head[:])-4, 1<<20))
	if _, err := io.ReadFull(in, body); err != nil {
		return false
	}
	resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	return resp.ReadFrom(body) == nil && resp.ErrorCode == 0
}
