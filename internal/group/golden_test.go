package group

import (
	"encoding/hex"
	"testing"

	"github.com/milena-io/milena/internal/shard"
)

// The bytes are what Kafka 4.4's own serializers make of the same values, so
// that either broker can take over the other's log.
func TestRecordsAreKafkas(t *testing.T) {
	const at = 1234567890123
	g := New(testConfig()).newGroup("g1")
	g.protocolType, g.protocol, g.generation, g.since = "consumer", "range", 5, at
	for _, mb := range []*member{
		{id: "m-1", instance: ref("inst"), protocols: []protocol{{"range", []byte{1, 2}}}},
		{id: "m-2", protocols: []protocol{{"range", nil}}},
	} {
		mb.clientID, mb.clientHost, mb.rebalanceTimeout, mb.sessionTimeout = "c", "/127.0.0.1", 300_000, 45_000
		g.add(mb)
	}
	const groupKey = "000200026731"
	const key = "00010002673100066f726465727300000007"
	for name, c := range map[string]struct {
		got        shard.Record
		key, value string
	}{
		"new group": {metadataRecord("g1", newGroupValue(at)), groupKey, "0003000000000000ffffffff0000011f71fb04cb00000000"},
		"group": {
			metadataRecord("g1", g.value(map[string][]byte{"m-1": {3}})), groupKey,
			"00030008636f6e73756d657200000005000572616e676500036d2d310000011f71fb04cb00000002" +
				"00036d2d310004696e7374000163000a2f3132372e302e302e31000493e00000afc800000002010200000001" + "03" +
				"00036d2d32ffff000163000a2f3132372e302e302e31000493e00000afc80000000000000000",
		},
		"no group": {metadataRecord("g1", nil), groupKey, ""},
		"offset": {
			offsetRecord("g1", "orders", 7, committed{offset: 42, leaderEpoch: 3, metadata: "note", committedAt: at, expiresAt: noExpiry, topicID: [16]byte{7: 1, 15: 2}}),
			key, "0004000000000000002a00000003056e6f74650000011f71fb04cb01001000000000000000010000000000000002",
		},
		"offset without topic id": {
			offsetRecord("g1", "orders", 7, committed{offset: 42, leaderEpoch: -1, committedAt: at, expiresAt: noExpiry}),
			key, "0004000000000000002affffffff010000011f71fb04cb00",
		},
		"offset with an expiry of its own": {
			offsetRecord("g1", "orders", 7, committed{offset: 42, metadata: "note", committedAt: at, expiresAt: 1234567890999}),
			key, "0001000000000000002a00046e6f74650000011f71fb04cb0000011f71fb0837",
		},
		"no offset": {offsetTombstone("g1", "orders", 7), key, ""},
	} {
		if got := hex.EncodeToString(c.got.Key); got != c.key {
			t.Errorf("%s: key\n%s, want\n%s", name, got, c.key)
		}
		if got := hex.EncodeToString(c.got.Value); got != c.value || (c.got.Value == nil) != (c.value == "") {
			t.Errorf("%s: value\n%s, want\n%s", name, got, c.value)
		}
	}
}
