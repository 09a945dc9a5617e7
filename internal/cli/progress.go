package cli

import (
	"os"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progressBar is a bar of 0 to 100 percent with a line of text behind it.
type progressBar struct {
	p    *mpb.Progress
	bar  *mpb.Bar
	text atomic.Pointer[string]
}

const progressSteps = 1000

func newProgressBar(f *os.File) *progressBar {
	b := &progressBar{p: mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))}
	b.bar = b.p.AddBar(progressSteps, mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			if s := b.text.Load(); s != nil {
				return *s
			}
			return ""
		})))
	return b
}

func (b *progressBar) set(fraction float64, text string) {
	b.text.Store(&text)
	b.bar.SetCurrent(min(int64(fraction*progressSteps), progressSteps-1))
}

// close takes the bar away and waits until the terminal is clean.
func (b *progressBar) close() {
	b.bar.Abort(true)
	b.p.Wait()
}
