package crash

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// patient are the options of clients that outlive the server.
//
// AlwaysRetryEOF is needed because a server may die between taking a connection
// and its first answer. franz-go takes that for a missing password and gives up:
// a producer that meets it while it asks for its id fails every record from then
// on, though the server is back a moment later.
func patient(address string, more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(address), kgo.RetryBackoffFn(func(int) time.Duration { return 5 * time.Millisecond }),
		kgo.DialTimeout(time.Second), kgo.RequestTimeoutOverhead(5 * time.Second), kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.AlwaysRetryEOF(),
	}, more...)
}
