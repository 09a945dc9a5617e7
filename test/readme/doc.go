// Package readme holds the README to its word: every fenced block in it is run,
// compared or looked up by a test of this package. What is done with a block is
// said by its info string:
//
//	sh server          the command that starts the server; the test starts it once
//	text banner        what the server prints
//	sh run             run by a shell, with the server's address in the environment
//	sh http            curl lines, carried out without curl
//	text output        what the block before it prints; "numbers" lets all numbers differ
//	sh ci              commands that CI, the Makefile or this test run elsewhere
//	go run=FILE        the same text as FILE, which is run against the server
//	LANG file=FILE     the same text as FILE, which other tests run
//	properties load    accepted as a configuration file
//
// A block of any other kind fails the test. Ids, times and addresses may differ
// from what is printed; nothing else may.
package readme
