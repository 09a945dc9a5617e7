// Package crash kills a real server process with SIGKILL, over and over, while
// clients write to it, and checks that nothing acknowledged is lost, repeated,
// reordered or changed, and that committed group offsets never go back (I1, I2,
// I14, I15, I23).
//
// By default it kills a handful of times; -kills sets the number:
//
//	go test ./test/crash -kills 2000 -timeout 2h
package crash
