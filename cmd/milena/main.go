// Command milena is a Kafka-compatible broker and its tools in one program.
package main

import (
	"os"

	"github.com/milena-io/milena/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:]))
}
