package wire

// Limits bounds what one request may make the broker do. A zero field means its
// default.
type Limits struct {
	// MaxFrameBytes is socket.request.max.bytes.
	MaxFrameBytes int
	// MaxElements bounds the array elements of one request, over all arrays and
	// depths. Kafka's own clients stay far below: a fetch of every partition of
	// a 200,000 partition cluster has 200,000.
	MaxElements int
	// MaxUnknownTags bounds tagged fields without a meaning for us.
	MaxUnknownTags int
}

// The defaults of Limits.
const (
	DefaultMaxFrameBytes  = 100 << 20
	DefaultMaxElements    = 1_000_000
	DefaultMaxUnknownTags = 10_000
)

// DefaultLimits is Limits with nothing left to be defaulted.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	if l.MaxFrameBytes == 0 {
		l.MaxFrameBytes = DefaultMaxFrameBytes
	}
	if l.MaxElements == 0 {
		l.MaxElements = DefaultMaxElements
	}
	if l.MaxUnknownTags == 0 {
		l.MaxUnknownTags = DefaultMaxUnknownTags
	}
	return l
}
