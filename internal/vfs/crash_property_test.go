package vfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// model is the dumbest description of one file under power loss: the whole
// durable content beside the whole live content.
type model struct{ live, durable []byte }

func (m *model) write(p []byte, off int) {
	if end := off + len(p); end > len(m.live) {
		m.live = append(m.live, make([]byte, end-len(m.live))...)
	}
	copy(m.live[off:], p)
}

func (m *model) truncate(n int) {
	if n > len(m.live) {
		m.live = append(m.live, make([]byte, n-len(m.live))...)
	}
	m.live = m.live[:n:n]
}

func (m *model) sync() { m.durable = bytes.Clone(m.live) }

// TestCrashAgainstModel does random writes, truncations and syncs on a file and
// checks the live content, the strictest crash, the kindest crash, and that
// each sector of a random crash is the old or the new one.
func TestCrashAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, want := NewMem(), &model{}
		f, err := m.Create("f")
		if err == nil {
			err = m.SyncDir("/")
		}
		if err != nil {
			t.Fatal(err)
		}
		const reach = 3*sectorSize + chunkSize
		offset := rapid.OneOf(rapid.IntRange(0, 4*sectorSize), rapid.IntRange(chunkSize-sectorSize, reach))
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				off, n := offset.Draw(t, "off"), rapid.IntRange(1, 3*sectorSize).Draw(t, "n")
				p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, n)
				if _, err := f.WriteAt(p, int64(off)); err != nil {
					t.Fatal(err)
				}
				want.write(p, off)
			},
			"append": func(t *rapid.T) {
				p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, rapid.IntRange(1, 700).Draw(t, "n"))
				off := len(want.live)
				if _, err := f.WriteAt(p, int64(off)); err != nil {
					t.Fatal(err)
				}
				want.write(p, off)
			},
			"truncate": func(t *rapid.T) {
				n := offset.Draw(t, "size")
				if err := f.Truncate(int64(n)); err != nil {
					t.Fatal(err)
				}
				want.truncate(n)
			},
			"sync": func(t *rapid.T) {
				if err := f.Sync(); err != nil {
					t.Fatal(err)
				}
				want.sync()
			},
			"": func(t *rapid.T) {
				check(t, "live", m, want.live)
				check(t, "nothing kept", m.CrashClone(CrashOptions{}), want.durable)
				check(t, "all kept", m.CrashClone(CrashOptions{KeepUnsynced: 1}), want.live)
				rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				got, err := ReadFile(m.CrashClone(CrashOptions{Rand: rnd, KeepUnsynced: 0.5}), "f")
				if err != nil {
					t.Fatal(err)
				}
				if err := want.possible(got); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

func check(t *rapid.T, what string, m *Mem, want []byte) {
	got, err := ReadFile(m, "f")
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes differ from the expected %d (%v)", what, len(got), len(want), err)
	}
}

// possible checks one random outcome, sector by sector.
func (m *model) possible(got []byte) error {
	low, high := min(len(m.live), len(m.durable)), max(len(m.live), len(m.durable))
	if len(got) < low || len(got) > high {
		return fmt.Errorf("size %d outside [%d, %d]", len(got), low, high)
	}
	for off := 0; off < len(got); off += sectorSize {
		end := min(off+sectorSize, len(got))
		if s := got[off:end]; !bytes.Equal(s, padded(m.live, off, end)) && !bytes.Equal(s, padded(m.durable, off, end)) {
			return fmt.Errorf("sector at %d is neither the old nor the new one", off)
		}
	}
	return nil
}

// padded is data[off:end] with zeros beyond its end.
func padded(data []byte, off, end int) []byte {
	out := make([]byte, end-off)
	if off < len(data) {
		copy(out, data[off:])
	}
	return out
}
