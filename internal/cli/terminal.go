package cli

import (
	"os"

	"github.com/vbauerster/mpb/v8/cwriter"
)

// isTerminal reports whether a stream is a person's terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}
