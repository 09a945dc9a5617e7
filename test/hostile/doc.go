// Package hostile mistreats the real server: garbage, half frames, huge declared
// lengths, hundreds of slow senders, tagged fields by the million, array counts
// without end, decompression bombs in every codec, thousands of connections, and
// random but valid requests of every kind. All the while an honest client must
// be served; memory stays bounded; and when it is over, files and goroutines are
// what they were (I31, I32).
//
//	go test ./test/hostile -v
//	go test ./test/hostile -v -rounds 50 -timeout 2h
//
// The measurements come from /proc, so the test runs on Linux only.
package hostile
