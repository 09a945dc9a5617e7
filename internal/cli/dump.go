package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const dumpText = `Decode files of a data directory: segments, indexes, producer snapshots,
aborted transactions, checkpoints, log starts, identities, the durable frontier,
the shutdown manifest, where gaps may be, and the metadata log's segments and
snapshots with the metadata records in them. A directory stands for the files in
it, and a data directory, one that holds meta.properties, for those in its
partitions and the metadata log, too.

With --verify nothing but problems is printed: checksums, the order of offsets
and counts, and index entries are checked, and the exit code is 1 if anything
is wrong. For the directory milena.quorum this includes that its files fit
together: what a broker would refuse to start with is found. Files may be read
while a broker runs; the newest batch or block may then be incomplete.`

// dumpOptions say how much to show.
type dumpOptions struct {
	deep, printData, verify bool
	from                    int64
	limit                   int
}

func (a *app) dumpLogCommand() *cobra.Command {
	var o dumpOptions
	cmd := &cobra.Command{
		Use: "dump-log FILE|DIRECTORY...", Short: "Decode or verify files of a data directory, offline", Long: dumpText, Args: cobra.MinimumNArgs(1),
		Example: "  milena dump-log milena-data --verify\n" +
			"  milena dump-log milena-data/orders-0\n" +
			"  milena dump-log milena-data/orders-0/00000000000000000000.log --print-data\n" +
			"  milena dump-log milena-data/milena.quorum --from 1000 -o json",
		RunE: func(_ *cobra.Command, args []string) error {
			o.deep = o.deep || o.printData
			return a.dump(args, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.deep, "deep", false, "show the records in each batch")
	f.BoolVar(&o.printData, "print-data", false, "show keys, values and headers of records")
	f.BoolVar(&o.verify, "verify", false, "check instead of show")
	f.Int64Var(&o.from, "from", 0, "show batches of a segment from this offset on, or the metadata log from this index on")
	f.IntVarP(&o.limit, "num", "n", 0, "show at most this many batches or entries per file")
	return cmd
}

// dumper decodes one file after another. What it finds goes to show, one value
// per batch, entry or line; problems go to problem.
type dumper struct {
	dumpOptions
	app      *app
	path     string
	shown    int
	checked  int
	problems int
	damaged  []string // files that problems were reported of
}

// errEnough ends a file early when the limit is reached.
var errEnough = errors.New("enough")

func (a *app) dump(args []string, o dumpOptions) error {
	d := &dumper{dumpOptions: o, app: a}
	found := d.find(args)
	for _, path := range found.files {
		d.file(path)
	}
	if o.verify {
		d.quorumTogether(found)
	}
	if d.checked+d.problems == 0 {
		return fmt.Errorf("no file of a known kind among %s", strings.Join(args, ", "))
	}
	if o.verify {
		fmt.Fprintf(a.err, "%s checked, %s found.\n", count(d.checked, "file"), count(d.problems, "problem"))
	}
	if d.problems > 0 {
		return errAlreadyReported
	}
	return nil
}

// file decodes one file, if it is of a known kind.
func (d *dumper) file(path string) {
	decode := decoderOf(path)
	if decode == nil {
		return
	}
	d.path, d.shown = path, 0
	if !d.verify && !d.app.json() {
		fmt.Fprintf(d.app.out, "Dumping %s\n", path)
	}
	switch err := decode(d); {
	case errors.Is(err, fs.ErrNotExist) && gone(path):
		return // a broker deleted it since it was listed
	case err != nil && !errors.Is(err, errEnough):
		d.problem("%v", err)
	}
	d.checked++
}

// decoderOf finds the decoder for a file's name, nil for an unknown kind.
func decoderOf(path string) func(*dumper) error {
	for _, k := range []struct {
		suffix string
		decode func(*dumper) error
	}{
		{".log", (*dumper).segment},
		{".index", (*dumper).offsetIndex},
		{".timeindex", (*dumper).timeIndex},
		{".txnindex", (*dumper).txnIndex},
		{".snapshot", (*dumper).producerSnapshot},
		{"leader-epoch-checkpoint", (*dumper).leaderEpochs},
		{"-offset-checkpoint", (*dumper).offsetCheckpoint},
		{"partition.metadata", (*dumper).partitionMetadata},
		{"meta.properties", (*dumper).directoryMetadata},
		{"milena.frontier", (*dumper).frontier},
		{"milena.manifest", (*dumper).manifest},
		{"milena.starts", (*dumper).starts},
		{"milena.sparse", (*dumper).sparse},
		{".wal", (*dumper).quorumSegment},
		{".snap", (*dumper).quorumSnapshot},
	} {
		if strings.HasSuffix(filepath.Base(path), k.suffix) {
			return k.decode
		}
	}
	return nil
}

// show prints one decoded thing unless this is a check: as a document of one
// line, or as the text.
func (d *dumper) show(v any, text func(w io.Writer)) error {
	if d.limit > 0 && d.shown >= d.limit {
		return errEnough
	}
	d.shown++
	switch {
	case d.verify:
	case d.app.json():
		return d.app.printLine(map[string]any{"file": d.path, "entry": v})
	default:
		text(d.app.out)
	}
	return nil
}

// problem reports damage and goes on.
func (d *dumper) problem(format string, args ...any) {
	d.problems++
	if len(d.damaged) == 0 || d.damaged[len(d.damaged)-1] != d.path {
		d.damaged = append(d.damaged, d.path)
	}
	fmt.Fprintf(d.app.err, "%s: %s\n", d.path, fmt.Sprintf(format, args...))
}
