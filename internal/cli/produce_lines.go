package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// inputLines are the lines of standard input. Of a line of more than keptMax
// bytes only the start is kept: input without line breaks would fill the memory.
type inputLines struct {
	in      io.Reader
	keptMax int
	read    atomic.Int64 // lines read, whether or not each was asked for
}

// inputLine is a line without its line break. It is not shared: records keep it.
type inputLine struct {
	number int64 // from 1
	text   []byte
	cut    int64 // bytes that follow the text and were not kept
}

// each calls f with every line until the input ends or f fails.
func (l *inputLines) each(ctx context.Context, f func(inputLine) error) error {
	lines := make(chan inputLine, 64)
	var readErr error
	go func() { // a read of a terminal cannot be cancelled; the process ends first
		defer close(lines)
		readErr = l.send(ctx, lines)
	}()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return readErr
			}
			if err := f(line); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *inputLines) send(ctx context.Context, lines chan<- inputLine) error {
	br := bufio.NewReaderSize(l.in, 1<<20)
	for {
		line, some, err := l.next(br)
		if some {
			line.number = l.read.Add(1)
			select {
			case lines <- line:
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

// next reads a line. Before an end or an error there may be some of one, or none.
func (l *inputLines) next(br *bufio.Reader) (line inputLine, some bool, err error) {
	for {
		part, err := br.ReadSlice('\n')
		some = some || len(part) > 0
		keep := min(len(part), l.keptMax-len(line.text))
		line.text = append(line.text, part[:keep]...)
		line.cut += int64(len(part) - keep)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		switch {
		case line.cut == 0:
			line.text = trimLine(line.text)
		case err == nil:
			line.cut-- // the line break
		}
		return line, some, err
	}
}
