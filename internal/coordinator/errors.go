package coordinator

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/shard"
)

// codeOf is what clients of the group APIs are told about a failure. They
// expect codes of coordinators, not of the log underneath:
//
//	NOT_COORDINATOR             look for the coordinator again
//	COORDINATOR_NOT_AVAILABLE   likewise, it may be the same; the outcome of a
//	                            commit that timed out is not known
//	COORDINATOR_LOAD_IN_PROGRESS  ask again here
func codeOf(err error) *kerr.Error {
	var tooLarge *shard.TooLargeError
	var code *kerr.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, shard.ErrNotLeading), errors.Is(err, shard.ErrClosed):
		return kerr.NotCoordinator
	case errors.Is(err, shard.ErrLoading):
		return kerr.CoordinatorLoadInProgress
	case errors.Is(err, shard.ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return kerr.CoordinatorNotAvailable
	case errors.As(err, &tooLarge):
		return kerr.UnknownServerError // what Kafka makes of MESSAGE_TOO_LARGE here
	case errors.As(err, &code):
		return translate(code)
	}
	return kerr.UnknownServerError
}

// translate turns the code of a refused append into one of a coordinator.
func translate(code *kerr.Error) *kerr.Error {
	switch code {
	case kerr.UnknownTopicOrPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut:
		return kerr.CoordinatorNotAvailable
	case kerr.NotLeaderForPartition, kerr.KafkaStorageError, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch:
		return kerr.NotCoordinator
	case kerr.MessageTooLarge, kerr.RecordListTooLarge:
		return kerr.UnknownServerError
	}
	return code
}
