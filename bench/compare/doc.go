//go:build linux

// Command compare measures Milena and Apache Kafka side by side: the same client
// binary, the same topics, the same machine, in one run.
//
//	go run ./bench/compare                 # everything, about half an hour on an idle machine
//	go run ./bench/compare --list
//	go run ./bench/compare --only produce-1k,latency-idle --pairs 5
//	go run ./bench/compare --from bench/results/x.json --write
//
// A scenario is one row group of the table of goals. It starts the brokers it
// compares, warms them up, and measures them in turns (A B C B C A C A B), so that
// what the machine does meanwhile falls on all. Where a row is about rates, brokers
// run on processor 0 and the client on processor 1. A side is one broker in one
// configuration: see sides.go for all of them and for why they are what they are.
//
// Everything goes into one JSON file: the machine, a calibration of it for each
// scenario, the versions, every single run with what the client reported. The
// table is made from that file and nothing else: medians, the ratio of the
// medians, and the smallest and largest ratio of a round. Kafka's figure is that
// of the better of its configurations.
//
// A scenario that fails or takes too long is a line of the table; the others go
// on. Whatever happens, processes are ended and directories removed.
//
// Concurrency: one goroutine measures. Others only hold load up while something
// else is measured, and have ended when a scenario returns.
package main
