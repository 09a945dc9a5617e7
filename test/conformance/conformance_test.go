package conformance

import (
	"flag"
	"path"
	"slices"
	"testing"
)

var (
	kafkaFlag  = flag.String("kafka", "", "compare with the Kafka at this address, not with recorded answers")
	peerFlag   = flag.Bool("peer", false, "start a Kafka from Maven to compare with; needs java and mvn")
	recordFlag = flag.Bool("record", false, "write down what Kafka answers")
	onlyFlag   = flag.String("only", "*", "glob of the scenarios to play")
)

const (
	recorded    = "testdata/kafka.txt"
	differences = "differences.txt"
)

// every scenario, by the file it is in.
func scenarios() []scenario {
	all := slices.Concat(groupScenarios, memberScenarios, commitScenarios, groupAdminScenarios, produceScenarios, producerScenarios,
		fetchScenarios, offsetScenarios, topicScenarios, metadataScenarios, configScenarios, clusterScenarios, frameScenarios, fieldScenarios(), mentionScenarios(), []scenario{sessionMentions}, lifeScenarios())
	return slices.DeleteFunc(all, func(sc scenario) bool {
		match, err := path.Match(*onlyFlag, sc.name)
		return err != nil || !match
	})
}

// kafkaAddress is that of the Kafka to compare with, "" for the recorded answers.
func kafkaAddress(t *testing.T) string {
	t.Helper()
	if *peerFlag && *kafkaFlag == "" {
		*kafkaFlag = startKafka(t, "").Address()
		t.Cleanup(func() { *kafkaFlag = "" })
	}
	return *kafkaFlag
}

func TestMilenaAnswersLikeKafka(t *testing.T) {
	kafka := answersOfKafka(t)
	milena, err := playAll(startMilena(t), scenarios())
	if err != nil {
		t.Fatal(err)
	}
	judge(t, kafka, milena, func(d *difference) bool { return *onlyFlag == "*" && !liveScenarios[d.scenario()] })
}

// liveScenarios are those of the tests that need a running Kafka, by the first
// part of their lines in differences.txt.
var liveScenarios = map[string]bool{toolScenario: true, diskScenario: true}

// judge compares what two brokers said. needed says which entries of the list
// of differences this comparison must find.
func judge(t *testing.T, kafka, milena transcript, needed func(*difference) bool) {
	t.Helper()
	known, err := loadDifferences(differences)
	if err != nil {
		t.Fatal(err)
	}
	v := compare(kafka, milena, known)
	for _, text := range v.unexpected {
		t.Error(text)
	}
	for _, d := range known {
		if d.used == 0 && needed(d) {
			t.Errorf("%s: line %d is no longer needed: %s", differences, d.line, d.reason)
		}
	}
	t.Logf("%d answers compared: %d the same, %d differ with a reason, %d differ", v.compared, v.same, v.expected, len(v.unexpected))
}

func answersOfKafka(t *testing.T) transcript {
	t.Helper()
	addr := kafkaAddress(t)
	if addr == "" {
		all, err := loadTranscript(recorded)
		if err != nil {
			t.Fatal(err)
		}
		return ofScenarios(all)
	}
	all, err := playAll(addr, scenarios())
	if err != nil {
		t.Fatal(err)
	}
	if *recordFlag {
		record := transcript{}
		if *onlyFlag != "*" {
			if record, err = loadTranscript(recorded); err != nil {
				t.Fatal(err)
			}
			for p := range ofScenarios(record) {
				delete(record, p)
			}
		}
		record.merge(all)
		if err := record.save(recorded, "What Apache Kafka 4.4.0 answers to the scenarios, normalised. Recorded with -record; see doc.go."); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// ofScenarios is the part of a transcript that -only leaves.
func ofScenarios(all transcript) transcript {
	names := map[string]bool{}
	for _, sc := range scenarios() {
		names[sc.name] = true
	}
	out := transcript{}
	for p, answer := range all {
		if names[p.scenario] || *onlyFlag == "*" {
			out[p] = answer
		}
	}
	return out
}
