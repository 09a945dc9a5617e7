package base

import (
	"strings"
	"testing"
)

func TestUUIDTextRoundTrip(t *testing.T) {
	for range 1000 {
		u := NewUUID()
		got, err := ParseUUID(u.String())
		if err != nil || got != u || len(u.String()) != 22 || u.String()[0] == '-' {
			t.Fatalf("%v -> %q -> %v, %v", u[:], u, got, err)
		}
	}
	if _, err := ParseUUID("short"); err == nil {
		t.Error("a short id was accepted")
	}
	if !metadataTopicID.IsReserved() || metadataTopicID.String() != "AAAAAAAAAAAAAAAAAAAAAQ" {
		t.Errorf("metadata topic id prints as %s", metadataTopicID)
	}
}

func TestTopicNames(t *testing.T) {
	for _, ok := range []string{"a", "orders.v1", "A_b-c.9", "...", strings.Repeat("x", 249)} {
		if err := ValidateTopicName(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "a b", "ä", "a/b", "a\x00", strings.Repeat("x", 250)} {
		if ValidateTopicName(bad) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if CollidingTopicName("a.b_c") != CollidingTopicName("a_b.c") {
		t.Error("a.b_c and a_b.c must collide")
	}
}

// The expected values are what Java prints for the same strings.
func TestJavaHash(t *testing.T) {
	for s, want := range map[string]int32{
		"": 0, "a": 97, "my-group": -1906497762, "polygenelubricants": -2147483648, "\U0001F600": 1772899,
	} {
		if got := JavaHash(s); got != want {
			t.Errorf("JavaHash(%q) = %d, want %d", s, got, want)
		}
	}
	if got := CoordinatorPartition("polygenelubricants", 50); got != 0 {
		t.Errorf("the minimum hash must map to partition 0, got %d", got)
	}
}

func TestNotifierKeepsOneWakeUp(t *testing.T) {
	n := NewNotifier()
	n.Notify()
	n.Notify()
	<-n.C()
	select {
	case <-n.C():
		t.Error("two notifications before a wait must collapse into one")
	default:
	}
}
