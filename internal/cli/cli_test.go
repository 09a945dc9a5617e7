package cli

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/*.txtar")

// The scripts run this test binary under the name milena, as a process of its
// own: exit codes, streams and signals are the real ones.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"milena": func() { os.Exit(Main(os.Args[1:])) }})
}

// TestRemote runs the transcripts that need a cluster, each against a fresh
// one that this project did not write.
func TestRemote(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/remote",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(2),
				kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
			if err != nil {
				return err
			}
			env.Defer(c.Close)
			env.Setenv(bootstrapEnv, c.ListenAddrs()[0])
			return nil
		},
	})
}

// TestLocal runs the transcripts that need nobody else.
func TestLocal(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/local", UpdateScripts: *update})
}
