// Package conformance asks Milena and Apache Kafka the same questions and
// compares the answers: error codes and bodies, for every API and every version
// that Milena serves.
//
// A scenario is a short conversation with one broker, run once per version of
// one API key. Its answers are normalised (generated ids, addresses and times
// become symbols, the text of error messages becomes "…") and written to a
// transcript. Kafka's transcript is recorded in testdata/kafka.txt, so that the
// ordinary test run needs no Java; it starts a node in this process and plays
// all scenarios against it.
//
//	go test ./test/conformance                      # against the recorded answers
//	go test ./test/conformance -kafka 127.0.0.1:9092  # against a running Kafka
//	go test ./test/conformance -peer                # starts a Kafka 4.4 from Maven
//	go test ./test/conformance -peer -record        # and writes its answers down
//	go test ./test/conformance -peer -run TestTools # Kafka's own command line tools
//
// Besides scenarios written by hand there is a table for every API (fields_test.go)
// that asks one good request with each field at the bounds of its type. With
// -peer two more tests run: Kafka's tools against both brokers, and the files of
// both after the same requests, read by Kafka's DumpLogSegments.
//
// A running Kafka must have the settings of testdata/broker.properties.
//
// Every difference is in differences.txt, with its reason; a difference that is
// not there fails the test, and so does an entry that is no longer needed.
package conformance
