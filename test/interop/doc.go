// Command interop runs other people's clients against one broker and makes the
// table of client × feature in docs/compatibility.md. The script run beside it
// builds and starts it.
//
// Each client is a folder with an executable run, which gets the broker's
// address, does everything in the list of features, compares what it reads with
// what it sent, and prints lines of tab-separated fields:
//
//	CLIENT  name and version
//	RESULT  feature  ok|failed|none  note
//
// none means that the client's library has no such thing; the note says so.
// Anything else on stdout or stderr is shown when the client fails.
//
// Invariants: silence is never success. A feature without a result, a result
// that nobody asked for, two results for one feature, and an exit status that
// contradicts the results are all failures of the client.
//
// Concurrency: clients run beside each other, each with topics and groups of its
// own; outcomes are collected in the order in which the clients were named.
package main
