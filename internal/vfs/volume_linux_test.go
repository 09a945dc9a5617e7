package vfs

import "testing"

func TestParseUnwritten(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"MemTotal:  100 kB\nDirty:               12 kB\nWriteback:             3 kB\nWritebackTmp:          9 kB\n", 15 << 10, true},
		{"Dirty: 12 kB\n", 0, false},
		{"Dirty: x kB\nWriteback: 3 kB\n", 0, false},
		{"", 0, false},
	} {
		if got, err := parseUnwritten([]byte(tt.text)); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q gives %d, %v", tt.text, got, err)
		}
	}
}

func TestReleaseAtLeast(t *testing.T) {
	for release, want := range map[string]bool{
		"5.8.0": true, "5.8-rc1": true, "5.7.19-generic": false, "6.1.0-13-amd64": true, "4.19": false, "10.0": true, "x": false, "": false,
	} {
		if got := releaseAtLeast(release, 5, 8); got != want {
			t.Errorf("%q: %v", release, got)
		}
	}
}
