package api

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A message that repeats the longest value that a request holds must not make
// the answer unreadable.
func TestMessagesFitIntoAnswers(t *testing.T) {
	value := strings.Repeat("é", 16383)
	err := withMessage(kerr.InvalidConfig, "Invalid value %s for configuration retention.ms", value)
	for version := range int16(2) {
		sent := kmsg.NewPtrIncrementalAlterConfigsResponse()
		sent.Version = version
		one := kmsg.NewIncrementalAlterConfigsResponseResource()
		one.ErrorCode, one.ErrorMessage, one.ResourceName = kerr.InvalidConfig.Code, explain(err), "orders"
		sent.Resources = append(sent.Resources, one)
		got := kmsg.NewPtrIncrementalAlterConfigsResponse()
		got.Version = version
		if err := got.ReadFrom(sent.AppendTo(nil)); err != nil {
			t.Fatalf("v%d: %v", version, err)
		}
		r := got.Resources[0]
		if r.ResourceName != "orders" || r.ErrorMessage == nil || !utf8.ValidString(*r.ErrorMessage) || !strings.HasPrefix(*r.ErrorMessage, "Invalid value é") {
			t.Errorf("v%d: name of %d bytes, message %v", version, len(r.ResourceName), r.ErrorMessage != nil)
		}
	}
}
