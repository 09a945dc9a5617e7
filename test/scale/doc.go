// Package scale measures a real server process with many partitions and many
// connections, as a user of a small machine sees it: how long it takes to
// create the topics, to stop and to start again, and what it holds while it
// does nothing.
//
// What is no matter of speed is asserted: resident memory, goroutines, open
// files, the number of partitions that came back. Times are logged, and
// asserted only where a factor of ten would have to be lost first.
//
// The default is small. The sizes that docs/performance.md speaks of:
//
//	go test ./test/scale -v -topics 1000 -partitions 10 -connections 5000 -idle 30s -timeout 10m
//
// It reads /proc and therefore measures on Linux only; elsewhere there is
// nothing to run.
package scale
