package conformance

import (
	"testing"

	"github.com/milena-io/milena/test/peer"
)

// startKafka runs an Apache Kafka with the settings of both brokers and returns
// it; its data is in dir, or in a temporary directory that goes with it. It stops
// with the test, if it still runs then.
func startKafka(t *testing.T, dir string) *peer.Broker {
	t.Helper()
	b, err := peer.Start(t.Context(), peer.Options{
		Dir:        dir,
		Heap:       "512m",
		Properties: settings(t),
		Format:     []string{"--feature", "eligible.leader.replicas.version=0"}, // it would set min.insync.replicas for the cluster
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}
