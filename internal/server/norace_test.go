//go:build !race

package server

// raceStack is what the race detector adds to the stack of a goroutine.
const raceStack = 0
