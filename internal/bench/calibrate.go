package bench

import (
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"time"

	"github.com/milena-io/milena/internal/vfs"
)

// Calibration says what the machine can do, so that results from different
// machines can be compared.
type Calibration struct {
	CPUs          int     `json:"cpus"`
	CopyGBPerSec  float64 `json:"copyGBPerSec"`
	CRC32CPerSec  float64 `json:"crc32cGBPerSec"`
	LoopbackMBps  float64 `json:"loopbackMBPerSec"`
	LoopbackRTTUs float64 `json:"loopbackRoundTripUs"`
	SyncMs        float64 `json:"fdatasyncMs"`
	SyncDir       string  `json:"fdatasyncDir,omitempty"`
}

// calibrationSpan is how long each measurement takes.
const calibrationSpan = 100 * time.Millisecond

// Calibrate measures the machine; flushes go to a file in dir.
func Calibrate(fs vfs.FS, dir string) (*Calibration, error) {
	c := &Calibration{CPUs: runtime.GOMAXPROCS(0), SyncDir: dir}
	buf, other := make([]byte, 4<<20), make([]byte, 4<<20)
	c.CopyGBPerSec = gbPerSec(len(buf), func() { copy(other, buf) })
	table, sum := crc32.MakeTable(crc32.Castagnoli), uint32(0)
	c.CRC32CPerSec = gbPerSec(1<<20, func() { sum = crc32.Update(sum, table, buf[:1<<20]) })
	if err := c.loopback(buf[:64<<10]); err != nil {
		return nil, fmt.Errorf("calibrating the loopback: %w", err)
	}
	if err := c.flush(fs, dir); err != nil {
		return nil, fmt.Errorf("calibrating the disk: %w", err)
	}
	return c, nil
}

// repeat calls f for the span and returns how often and how long.
func repeat(f func()) (times int, took time.Duration) {
	start := time.Now()
	for times = 0; took < calibrationSpan; times++ {
		f()
		took = time.Since(start)
	}
	return times, took
}

func gbPerSec(size int, f func()) float64 {
	times, took := repeat(f)
	return float64(times) * float64(size) / took.Seconds() / 1e9
}

// loopback measures one TCP connection to ourselves: round trips of 64 bytes,
// then a stream in one direction with an answer at its end.
func (c *Calibration) loopback(chunk []byte) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	echoed := make(chan error, 1)
	go func() { echoed <- echo(ln) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	small := make([]byte, 64)
	trips, took := repeat(func() {
		if _, err = conn.Write(small); err == nil {
			_, err = io.ReadFull(conn, small)
		}
	})
	if err != nil {
		return err
	}
	c.LoopbackRTTUs = float64(took.Microseconds()) / float64(trips)
	back := make([]byte, len(chunk))
	times, took := repeat(func() {
		if _, err = conn.Write(chunk); err == nil {
			_, err = io.ReadFull(conn, back)
		}
	})
	if err != nil {
		return err
	}
	c.LoopbackMBps = float64(times) * 2 * float64(len(chunk)) / took.Seconds() / 1e6
	_ = conn.Close()
	return <-echoed
}

// echo sends back what the first connection sends, until it closes.
func echo(ln net.Listener) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	return err
}

// flush measures appending 4 KiB and making it durable.
func (c *Calibration) flush(fs vfs.FS, dir string) error {
	name := filepath.Join(dir, ".milena-calibration")
	f, err := fs.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		_ = fs.Remove(name)
	}()
	page, at := make([]byte, 4096), int64(0)
	times, took := repeat(func() {
		if _, err = f.WriteAt(page, at); err == nil {
			err = f.Sync()
		}
		at += int64(len(page))
	})
	c.SyncMs = float64(took.Microseconds()) / 1000 / float64(times)
	return err
}
