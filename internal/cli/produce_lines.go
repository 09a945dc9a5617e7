package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// inputLines are the lines of standard input.
type inputLines struct {
	in   io.Reader
	read atomic.Int64 // lines read, whether or not each was asked for
}

// each calls f with every line and its number, from 1, without its line break,
// until the input ends or f fails. A line is not shared: records keep it.
func (l *inputLines) each(ctx context.Context, f func(number int64, line []byte) error) error {
	lines := make(chan []byte, 64)
	var readErr error
	go func() { // a read of a terminal cannot be cancelled; the process ends first
		defer close(lines)
		readErr = l.send(ctx, lines)
	}()
	for number := int64(1); ; number++ {
		select {
		case line, more := <-lines:
			if !more {
				return readErr
			}
			if err := f(number, line); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *inputLines) send(ctx context.Context, lines chan<- []byte) error {
	br := bufio.NewReaderSize(l.in, 1<<20)
	for {
		line, err := br.ReadBytes('\n')
		if len(line) > 0 {
			l.read.Add(1)
			select {
			case lines <- trimLine(line):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
	}
}
