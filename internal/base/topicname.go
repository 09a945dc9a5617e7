package base

import "fmt"

// MaxTopicNameLength leaves room for "-partition", ".<uuid>-delete" in a
// 255-byte directory name.
const MaxTopicNameLength = 249

// ValidateTopicName applies Kafka's rules: 1–249 characters of [a-zA-Z0-9._-],
// and neither "." nor "..". The error text is fit for a client.
func ValidateTopicName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("topic name is illegal, it can't be empty")
	case name == "." || name == "..":
		return fmt.Errorf("topic name is illegal, it cannot be %q", name)
	case len(name) > MaxTopicNameLength:
		return fmt.Errorf("topic name is illegal, it can't be longer than %d characters", MaxTopicNameLength)
	}
	for i := range len(name) {
		if !legalTopicByte(name[i]) {
			return fmt.Errorf("topic name %q is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'", name)
		}
	}
	return nil
}

func legalTopicByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// CollidingTopicName is name as metric names see it: '.' and '_' are the same.
// Kafka refuses a new topic that collides with another one in this form.
func CollidingTopicName(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c == '.' {
			b[i] = '_'
		}
	}
	return string(b)
}

// IsInternalTopic reports whether clients may not write or delete the topic.
func IsInternalTopic(name string) bool {
	return name == GroupMetadataTopic || name == TransactionStateTopic || name == ShareGroupStateTopic
}

// JavaHash is java.lang.String.hashCode over UTF-16 code units; Kafka places
// groups and transactional ids on partitions with it.
func JavaHash(s string) int32 {
	var h int32
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			h = 31*h + (0xd800 + r>>10)
			h = 31*h + (0xdc00 + r&0x3ff)
			continue
		}
		h = 31*h + r
	}
	return h
}

// CoordinatorPartition is the partition of an internal topic with n partitions
// that owns key (a group id or transactional id).
func CoordinatorPartition(key string, n int32) int32 {
	return int32(uint32(JavaHash(key))&0x7fffffff) % n
}
