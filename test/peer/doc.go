// Package peer runs Apache Kafka next to Milena: the newest 4.x broker, started
// from its Maven artifacts, and Kafka's own command line tools against any
// broker. Tests, benchmarks and people use it to compare.
//
//	go run ./test/peer/cmd start                      # a broker, until interrupted
//	go run ./test/peer/cmd tool TopicCommand --bootstrap-server localhost:9092 --list
//
// It needs java and mvn, and nothing of Kafka's distribution: the versions are
// pinned in broker.xml and tools.xml. The class paths that Maven resolves are
// kept in the user's cache directory and made again when a pom changes or a jar
// is gone.
//
// The broker is one combined KRaft node on loopback with the heap and collector
// flags of Kafka's own start script, and Kafka's defaults but for the
// replication of its internal topics. The directory of a broker holds:
//
//	server.properties   what it was started with
//	data/               log.dirs: the logs, __cluster_metadata-0, meta.properties
//
// A Broker may be used by several goroutines; Stop and Kill may be called more
// than once.
package peer
