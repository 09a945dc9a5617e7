// Package cli is the command line of milena: the server and the tools that
// talk to any Kafka cluster.
//
// Each command is a constructor that returns a *cobra.Command; a command's
// state is the local variables of its constructor. What commands share (the
// streams, the address of the cluster, the output format) is in app.
//
// Conventions, so that the commands read alike and scripts can rely on them:
//
//   - results go to standard output; progress and remarks to standard error;
//   - --output json prints the same facts as the table, as one JSON document,
//     or as one document per line where results stream;
//   - an error says what to do next; the exit code is 0 for success, 1 when
//     the request failed, 2 for wrong usage, 3 when no server answered;
//   - everything remote goes through franz-go, so the tools work against any
//     Kafka-compatible cluster.
//
// Concurrency: one command runs per process, on the goroutine of Main. A first
// SIGINT or SIGTERM cancels its context, a second one ends the process at once.
package cli
