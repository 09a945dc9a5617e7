//go:build !unix

package main

import "os/exec"

// inGroup leaves it at killing the client's own process.
func inGroup(*exec.Cmd) {}
