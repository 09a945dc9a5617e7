package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// unreachableError says that nothing answered at the given addresses.
type unreachableError struct {
	addresses []string
	cause     error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("cannot reach %s: is the server running? start one with: milena server\n(%v)", strings.Join(e.addresses, ","), e.cause)
}

func (e *unreachableError) Unwrap() error { return e.cause }

// connect opens a client and makes sure that somebody answers.
func (a *app) connect(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(a.bootstrap...),
		kgo.ClientID("milena-cli"),
		kgo.SoftwareNameAndVersion("milena", versionText()),
		kgo.DialTimeout(min(a.timeout, 5*time.Second)),
		kgo.RetryTimeout(a.timeout),
		kgo.RequestTimeoutOverhead(a.timeout),
	}, opts...)
	if a.verbose {
		opts = append(opts, kgo.WithLogger(kgo.BasicLogger(a.err, kgo.LogLevelDebug, nil)))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	if err := a.ping(ctx, cl); err != nil {
		cl.Close()
		return nil, err
	}
	return cl, nil
}

func (a *app) ping(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	err := cl.Ping(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &unreachableError{a.bootstrap, err}
}

// admin runs f with an admin client under the command's timeout.
func (a *app) admin(ctx context.Context, f func(ctx context.Context, adm *kadm.Client, cl *kgo.Client) error) error {
	cl, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	adm := kadm.NewClient(cl)
	adm.SetTimeoutMillis(int32(a.timeout.Milliseconds()))
	return f(ctx, adm, cl)
}

// explainedError is an error of the protocol in words for people.
type explainedError struct {
	text  string
	cause error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.cause }

// explain turns an error of the protocol into a sentence for people. message
// is what the broker said beside the code, what is the thing it is about:
// "topic orders".
func explain(err error, message, what string) error {
	if err == nil {
		return nil
	}
	var ke *kerr.Error
	var text string
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		text = what + " does not exist; see: milena topic list"
	case errors.Is(err, kerr.TopicAlreadyExists):
		text = what + " already exists"
	case errors.Is(err, kerr.GroupIDNotFound):
		text = what + " does not exist; see: milena group list"
	case errors.Is(err, kerr.NonEmptyGroup):
		text = what + " has active members; stop them first"
	case errors.Is(err, context.DeadlineExceeded):
		text = what + ": no answer in time; try a longer --timeout"
	case errors.As(err, &ke) && message != "":
		text = fmt.Sprintf("%s: %s (%s)", what, message, ke.Message)
	case errors.As(err, &ke):
		text = fmt.Sprintf("%s: %s (%s)", what, strings.TrimSuffix(ke.Description, "."), ke.Message)
	default:
		text = fmt.Sprintf("%s: %v", what, err)
	}
	return &explainedError{text, err}
}

// request issues one kmsg request and narrows the type of its answer.
func request[R kmsg.Response](ctx context.Context, cl *kgo.Client, req kmsg.Request) (R, error) {
	resp, err := cl.Request(ctx, req)
	if err != nil {
		var none R
		return none, err
	}
	return resp.(R), nil
}

// deref is the text behind an optional string of the protocol.
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
