package embed_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/milena-io/milena/embedded"
)

func TestWithARealBroker(t *testing.T) {
	broker := embedded.ForTest(t, embedded.Options{}) // in memory, on a free port, gone after the test

	client, err := kgo.NewClient(
		kgo.SeedBrokers(broker.Addr()),
		kgo.AllowAutoTopicCreation(),
		kgo.ConsumeTopics("orders"),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("one")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetches := client.PollFetches(t.Context())
	if err := fetches.Err(); err != nil || string(fetches.Records()[0].Value) != "one" {
		t.Fatalf("read %v, %v", fetches.Records(), err)
	}
}
