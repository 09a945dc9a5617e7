// Package corruption damages one file of a stopped or killed broker at a time
// (a bit, the end, the whole file) and starts a broker on what is left. It must
// never serve wrong bytes nor cut off what was durable; what is derived it must
// rebuild; what it can't serve it must name in its log, and serve the rest; and
// if it refuses to start, it must say which file is at fault (I13, I28, I29, I30).
//
// One case has no right answer: a leader epoch with a single batch, which its file
// contradicts. Then not serving the batch, and saying so, is right.
//
// By default a hundred or so faults are tried; -damages sets the number:
//
//	go test ./test/corruption -damages 100000 -timeout 8h
package corruption
