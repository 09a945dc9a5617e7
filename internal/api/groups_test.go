package api

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestFindCoordinator(t *testing.T) {
	const group, txn, share = 0, 1, 2
	for _, c := range []struct {
		version int16
		kind    int8
		key     string
		want    string
	}{
		{0, group, "g", "ok 1 one:9092"},
		{3, group, "g", "ok 1 one:9092"},
		{6, group, "g", "ok 1 one:9092"},
		{6, group, "", "ok 1 one:9092"},
		{6, group, "elsewhere", "COORDINATOR_NOT_AVAILABLE -1 :-1"},
		{2, group, "loading", "COORDINATOR_LOAD_IN_PROGRESS -1 :-1"},
		{6, group, "secret", "GROUP_AUTHORIZATION_FAILED -1 :-1"},
		{1, txn, "x", "INVALID_REQUEST -1 :-1"},
		{6, txn, "x", "INVALID_REQUEST -1 :-1"},
		{6, txn, "secret", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED -1 :-1"},
		{6, share, "g:AAAAAAAAAAAAAAAAAAAAAQ:0", "INVALID_REQUEST -1 :-1"},
		{6, 7, "g", "INVALID_REQUEST -1 :-1"},
	} {
		b := newBroker(t)
		b.deny["DESCRIBE GROUP secret"], b.deny["DESCRIBE TRANSACTIONAL_ID secret"] = true, true
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = c.kind, c.key, []string{c.key}
		resp := ask[*kmsg.FindCoordinatorResponse](t, b, c.version, req)
		got := fmt.Sprintf("%s %d %s:%d", name(resp.ErrorCode), resp.NodeID, resp.Host, resp.Port)
		message := resp.ErrorMessage
		if c.version >= 4 {
			r := resp.Coordinators[0]
			got = fmt.Sprintf("%s %d %s:%d", name(r.ErrorCode), r.NodeID, r.Host, r.Port)
			message = r.ErrorMessage
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		if c.kind == txn && c.key == "x" && (message == nil || *message != "this broker has no transaction coordinator") {
			t.Errorf("%+v: message %v", c, message)
		}
	}
}

// What a group keeps must not share memory with the frame, which is reused as
// soon as the connection is gone.
func TestGroupRequestsOwnTheirBytes(t *testing.T) {
	b := newBroker(t)
	for _, c := range []struct {
		req  kmsg.Request
		sent string
		kept func() []byte
	}{
		{sample(11), string(sample(11).(*kmsg.JoinGroupRequest).Protocols[0].Metadata), func() []byte { return b.groups.last.(*kmsg.JoinGroupRequest).Protocols[0].Metadata }},
		{sample(14), string(sample(14).(*kmsg.SyncGroupRequest).GroupAssignment[0].MemberAssignment), func() []byte { return b.groups.last.(*kmsg.SyncGroupRequest).GroupAssignment[0].MemberAssignment }},
	} {
		r := b.request(4, c.req)
		reply := b.api.Handle(t.Context(), r)
		if !reply.Detached {
			t.Errorf("%T keeps the frame while it waits", c.req)
		}
		for i := range r.Body {
			r.Body[i] = 0xff
		}
		r.Body = nil
		settle(t, reply)
		want := c.sent
		if got := string(c.kept()); got != want || got == "" {
			t.Errorf("%T: %q became %q", c.req, want, got)
		}
	}
	if b.groups.client.ID != "test" || b.groups.client.Host != "/127.0.0.1" {
		t.Errorf("client %+v", b.groups.client)
	}
}

func TestDescribeAndListAndDeleteGroups(t *testing.T) {
	b := newBroker(t)
	b.deny["DESCRIBE GROUP secret"], b.deny["DELETE GROUP secret"] = true, true
	for v, want := range map[int16]string{
		0: "[secret:GROUP_AUTHORIZATION_FAILED: g:ok:Stable none:ok:Dead]",
		5: "[secret:GROUP_AUTHORIZATION_FAILED: g:ok:Stable none:ok:Dead]",
		6: "[secret:GROUP_AUTHORIZATION_FAILED: g:ok:Stable none:GROUP_ID_NOT_FOUND:Dead]",
	} {
		var got []string
		for _, g := range ask[*kmsg.DescribeGroupsResponse](t, b, v, &kmsg.DescribeGroupsRequest{Groups: []string{"g", "secret", "none"}}).Groups {
			got = append(got, g.Group+":"+name(g.ErrorCode)+":"+g.State)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("v%d: %v, want %s", v, got, want)
		}
	}
	if n := len(ask[*kmsg.ListGroupsResponse](t, b, 5, kmsg.NewPtrListGroupsRequest()).Groups); n != 2 {
		t.Errorf("who may describe the cluster sees %d groups", n)
	}
	b.deny["DESCRIBE CLUSTER"] = true
	if gs := ask[*kmsg.ListGroupsResponse](t, b, 5, kmsg.NewPtrListGroupsRequest()).Groups; len(gs) != 1 || gs[0].Group != "g" {
		t.Errorf("others see %v", gs)
	}
	var got []string
	for _, g := range ask[*kmsg.DeleteGroupsResponse](t, b, 3, &kmsg.DeleteGroupsRequest{Groups: []string{"g", "secret"}}).Groups {
		got = append(got, g.Group+":"+name(g.ErrorCode))
	}
	if fmt.Sprint(got) != "[secret:GROUP_AUTHORIZATION_FAILED g:ok]" {
		t.Errorf("%v", got)
	}
}

func TestInitProducerID(t *testing.T) {
	b := newBroker(t)
	seen := map[int64]bool{}
	for range 2 * producerIDBlock {
		resp := ask[*kmsg.InitProducerIDResponse](t, b, 5, kmsg.NewPtrInitProducerIDRequest())
		if resp.ErrorCode != 0 || resp.ProducerEpoch != 0 || seen[resp.ProducerID] {
			t.Fatalf("%+v", resp)
		}
		seen[resp.ProducerID] = true
	}
	if b.nextID != 2*producerIDBlock {
		t.Errorf("%d ids were taken", b.nextID)
	}
	b.createErr = kerr.NotController
	if resp := ask[*kmsg.InitProducerIDResponse](t, b, 0, kmsg.NewPtrInitProducerIDRequest()); name(resp.ErrorCode) != "COORDINATOR_LOAD_IN_PROGRESS" || resp.ProducerID != -1 {
		t.Errorf("%+v", resp)
	}
	b.createErr = nil
	b.deny["WRITE TRANSACTIONAL_ID secret"], b.deny["IDEMPOTENT_WRITE CLUSTER"] = true, true
	for id, want := range map[string]string{"tx": "NOT_COORDINATOR", "": "INVALID_REQUEST", "secret": "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"} {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis = &id, 1000
		if resp := ask[*kmsg.InitProducerIDResponse](t, b, 5, req); name(resp.ErrorCode) != want {
			t.Errorf("%q: %s, want %s", id, name(resp.ErrorCode), want)
		}
	}
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = kmsg.StringPtr("tx")
	if resp := ask[*kmsg.InitProducerIDResponse](t, b, 5, req); name(resp.ErrorCode) != "INVALID_TRANSACTION_TIMEOUT" {
		t.Errorf("%s", name(resp.ErrorCode))
	}
	if resp := ask[*kmsg.InitProducerIDResponse](t, b, 5, kmsg.NewPtrInitProducerIDRequest()); resp.ErrorCode != 0 {
		t.Errorf("Write on some topic is enough: %s", name(resp.ErrorCode))
	}
}
