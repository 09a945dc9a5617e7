// Package crash kills a real server process with SIGKILL, over and over, also
// during start-up, while clients write to it and while logs roll, are compacted
// and topics come and go. It checks that nothing acknowledged is lost, repeated,
// reordered or changed, that committed group offsets never go back, that a real
// consumer group misses nothing, that compacted topics end in the right values,
// and that topics stay created or deleted (I1, I2, I13, I14, I15, I23, I25).
//
// By default it kills a handful of times; -kills sets the number:
//
//	go test ./test/crash -kills 2000 -timeout 2h
package crash
