package base

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// UUID is a Kafka id: 16 bytes, printed as 22 characters of unpadded URL-safe
// base64 (KIP-516).
type UUID [16]byte

// ZeroUUID means "no id" on the wire.
var ZeroUUID UUID

// metadataTopicID is reserved by Kafka for __cluster_metadata.
var metadataTopicID = UUID{15: 1}

// NewUUID returns a random version-4 UUID whose text does not start with a
// dash, so that it survives as a command-line argument.
func NewUUID() UUID {
	for {
		var u UUID
		_, _ = rand.Read(u[:]) // never fails since Go 1.24
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		if u.String()[0] != '-' {
			return u
		}
	}
}

// IsZero reports whether u is ZeroUUID.
func (u UUID) IsZero() bool { return u == ZeroUUID }

// IsReserved reports whether Kafka keeps u for itself.
func (u UUID) IsReserved() bool { return u == ZeroUUID || u == metadataTopicID }

func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// ParseUUID reads the text form made by String; padding is accepted.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	for len(s) > 22 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != len(u) {
		return u, fmt.Errorf("base: %q is not a Kafka id (22 characters of URL-safe base64)", s)
	}
	copy(u[:], b)
	return u, nil
}
