package api

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const protocolDocument = "../../docs/protocol.md"

// TestProtocolDocument keeps docs/protocol.md equal to the table. With -rewrite
// (go generate ./internal/api) it writes the file instead.
func TestProtocolDocument(t *testing.T) {
	want := protocolText()
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(protocolDocument), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(protocolDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(protocolDocument)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/protocol.md is stale: run go generate ./internal/api")
	}
}

func protocolText() string {
	var b strings.Builder
	b.WriteString(`# The Kafka protocol in Milena

<!-- Generated from internal/api/table.go by "go generate ./internal/api". Do not edit. -->

Milena speaks the protocol of Apache Kafka 4.4. This page lists every API key that a Kafka 4.4 broker
(KRaft, combined mode, default settings) advertises, with its version range there and here. Where a key is
served, the ranges are the same; a test holds that. "Permission" is what the handler asks the authorizer for;
without access control everything is allowed to everybody. What each key does, version by version, stands at
the head of its file in ` + "`internal/api`" + ` (` + "`00_produce.go`, `01_fetch.go`" + ` …).

A request of an unknown key or an unsupported version closes the connection, and so does a malformed one. The
exception is ApiVersions, which answers clients from the future in the form of version 0 (KIP-511).

## Served

| Key | Name | Kafka | Milena | Permission | Differences |
|---:|---|---|---|---|---|
`)
	for _, k := range kafkaVersions {
		e := lookup(k.key)
		if e == nil {
			continue
		}
		var perms []string
		for _, p := range e.ACL {
			perms = append(perms, p.String())
		}
		fmt.Fprintf(&b, "| %d | %s | %d–%d | %d–%d | %s | %s |\n", k.key, k.name, k.min, k.max, e.Min, e.Max, strings.Join(perms, ", "), e.Notes)
	}
	b.WriteString(`
Only Produce requests of one connection overlap: the next one is appended while the previous one waits for its
acknowledgement. Every other request is answered before the next one is looked at, and answers always keep the
order of the requests.

Fetch sessions (KIP-227) are kept for as many clients as ` + "`max.incremental.fetch.session.cache.slots`" + ` says,
with at most ` + fmt.Sprint(maxCachedPartitions) + ` partitions in all; beyond that clients get full fetches.

## Features

| Feature | Kafka | finalized | Milena | Why not |
|---|---|---|---|---|
`)
	for _, f := range kafkaFeatures {
		here := "–"
		for _, own := range supportedFeatures {
			if own.name == f.name {
				here = fmt.Sprintf("%d–%d", own.min, own.max)
			}
		}
		fmt.Fprintf(&b, "| %s | %d–%d | %d | %s | %s |\n", f.name, f.min, f.max, f.finalized, here, f.why)
	}
	b.WriteString(`
Clients fall back from a feature that is not there as they do on an older broker.

## Left out

| Key | Name | Kafka | Why |
|---:|---|---|---|
`)
	for _, k := range kafkaVersions {
		if why, ok := absent[k.key]; ok {
			fmt.Fprintf(&b, "| %d | %s | %d–%d | %s |\n", k.key, k.name, k.min, k.max, why)
		}
	}
	b.WriteString(`
Keys that brokers and controllers use among themselves (LeaderAndIsr, AlterPartition, Vote …) are not served to
clients by Kafka either. Client telemetry (71, 72) is advertised by Kafka only with a telemetry plug-in.
`)
	return b.String()
}
