package vfs

import (
	"bytes"
	"errors"
	"strconv"
)

// parseUnwritten adds up what /proc/meminfo says of dirty pages and of those on
// their way to a disk.
func parseUnwritten(meminfo []byte) (int64, error) {
	var kib int64
	found := 0
	for line := range bytes.Lines(meminfo) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		if s := string(name); s != "Dirty" && s != "Writeback" {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))), 10, 64)
		if err != nil {
			return 0, err
		}
		kib += n
		found++
	}
	if found != 2 {
		return 0, errors.New("/proc/meminfo says nothing of dirty pages")
	}
	return kib << 10, nil
}
