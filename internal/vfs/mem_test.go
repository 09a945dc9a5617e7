package vfs

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestCapacity(t *testing.T) {
	m := NewMem()
	m.SetCapacity(10)
	f, err := m.Create("f")
	must(t, err)
	n, err := f.WriteAt([]byte("0123456789ab"), 0)
	if n != 10 || !IsNoSpace(err) {
		t.Errorf("WriteAt = %d, %v, want the 10 bytes that fit and a full disk", n, err)
	}
	if _, err := f.WriteAt([]byte("xy"), 3); err != nil {
		t.Errorf("overwriting needs no space: %v", err)
	}
	if err := f.Truncate(11); !IsNoSpace(err) {
		t.Errorf("Truncate(11): %v", err)
	}
	if err := f.Allocate(0, 11); !IsNoSpace(err) {
		t.Errorf("Allocate: %v", err)
	}
	wantContent(t, m, "f", "012xy56789")
	must(t, f.Truncate(4))
	if u, _ := m.Usage("/"); u != (Usage{Free: 6, Total: 10}) {
		t.Errorf("usage %+v", u)
	}
	if n, err := f.WriteAt([]byte("x"), 100); n != 0 || !IsNoSpace(err) {
		t.Errorf("WriteAt far beyond = %d, %v", n, err)
	}
	write(t, m, "g", "123456")
	must(t, m.Rename("g", "f")) // drops the old f
	must(t, m.Remove("f"))
	if u, _ := m.Usage("/"); u.Free != 10 {
		t.Errorf("%d bytes free after all files went, want 10", u.Free)
	}
}

func TestIsNoSpaceKnowsOnlyFullDisks(t *testing.T) {
	for _, err := range []error{nil, syscall.EIO, fs.ErrNotExist} {
		if IsNoSpace(err) {
			t.Errorf("IsNoSpace(%v)", err)
		}
	}
}

// Each case leaves the disk in a state from which a crash may lead to exactly
// the listed outcomes.
func TestCrashOutcomes(t *testing.T) {
	create := func(t *testing.T, m *Mem, name, data string, sync bool) {
		f, err := m.Create(name)
		must(t, err)
		_, err = f.WriteAt([]byte(data), 0)
		must(t, err)
		if sync {
			must(t, f.Sync())
		}
		must(t, f.Close())
	}
	tests := []struct {
		name string
		do   func(t *testing.T, m *Mem)
		want []string // every outcome that must be seen, and no other
	}{
		{
			"nothing synced", func(t *testing.T, m *Mem) { create(t, m, "a", "x", false) },
			[]string{"", "a=", "a=x", "a=\x00"},
		},
		{
			"file synced, directory not", func(t *testing.T, m *Mem) { create(t, m, "a", "x", true) },
			[]string{"", "a=x"},
		},
		{"both synced", func(t *testing.T, m *Mem) {
			create(t, m, "a", "x", true)
			must(t, m.SyncDir("/"))
		}, []string{"a=x"}},
		{"unsynced rename over a durable file", func(t *testing.T, m *Mem) {
			create(t, m, "a", "old", true)
			must(t, m.SyncDir("/"))
			create(t, m, "a.tmp", "new", true)
			must(t, m.Rename("a.tmp", "a"))
		}, []string{"a=old", "a.tmp=new a=old", "a=new"}},
		{"unsynced removal", func(t *testing.T, m *Mem) {
			create(t, m, "a", "x", true)
			must(t, m.SyncDir("/"))
			must(t, m.Remove("a"))
		}, []string{"", "a=x"}},
		{"rename between directories is one change", func(t *testing.T, m *Mem) {
			must(t, m.MkdirAll("d"))
			create(t, m, "a", "x", true)
			must(t, m.SyncDir("/"))
			must(t, m.Rename("a", "d/b"))
		}, []string{"a=x d/", "d/ d/b=x"}},
		{"syncing one end of a rename syncs both", func(t *testing.T, m *Mem) {
			must(t, m.MkdirAll("d"))
			must(t, m.SyncDir("/"))
			create(t, m, "a", "x", true)
			must(t, m.Rename("a", "d/b"))
			must(t, m.SyncDir("d"))
		}, []string{"d/ d/b=x"}},
		{"two renames never leave two names", func(t *testing.T, m *Mem) {
			create(t, m, "a", "x", true)
			must(t, m.SyncDir("/"))
			must(t, m.Rename("a", "b"))
			must(t, m.Rename("b", "c"))
		}, []string{"a=x", "b=x", "c=x"}},
		{"lost directory takes its files along", func(t *testing.T, m *Mem) {
			must(t, m.MkdirAll("d"))
			create(t, m, "d/a", "x", true)
			must(t, m.SyncDir("d"))
		}, []string{"", "d/ d/a=x"}},
		{"lost directory kept by a later rename", func(t *testing.T, m *Mem) {
			must(t, m.MkdirAll("d"))
			create(t, m, "d/a", "x", true)
			must(t, m.SyncDir("d"))
			must(t, m.Rename("d", "e"))
		}, []string{"", "d/ d/a=x", "e/ e/a=x"}},
		{"truncation", func(t *testing.T, m *Mem) {
			create(t, m, "a", "long", true)
			must(t, m.SyncDir("/"))
			f, err := m.Open("a")
			must(t, err)
			must(t, f.Truncate(1))
		}, []string{"a=long", "a=l", "a=l\x00\x00\x00"}},
		{"overwrite", func(t *testing.T, m *Mem) {
			create(t, m, "a", "old", true)
			must(t, m.SyncDir("/"))
			f, err := m.Open("a")
			must(t, err)
			_, err = f.WriteAt([]byte("n"), 0)
			must(t, err)
		}, []string{"a=old", "a=nld"}},
		{"append keeps what was durable", func(t *testing.T, m *Mem) {
			create(t, m, "a", "ab", true)
			must(t, m.SyncDir("/"))
			f, err := m.Open("a")
			must(t, err)
			_, err = f.WriteAt([]byte("c"), 2)
			must(t, err)
		}, []string{"a=ab", "a=abc", "a=ab\x00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := NewMem()
			tt.do(t, m)
			seen := map[string]bool{}
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				seen[outcome(t, m.CrashClone(CrashOptions{Rand: rnd, KeepUnsynced: 0.5}))] = true
			}
			for _, w := range tt.want {
				if !seen[w] {
					t.Errorf("outcome %q never seen", w)
				}
				delete(seen, w)
			}
			for s := range seen {
				t.Errorf("impossible outcome %q", s)
			}
		})
	}
}

// outcome renders a tree as "name=content dir/ dir/name=content".
func outcome(t testing.TB, fsys FS) string {
	t.Helper()
	var parts []string
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := fsys.List(dir)
		must(t, err)
		for _, e := range entries {
			name := strings.TrimPrefix(dir+"/"+e.Name, "/")
			if e.IsDir {
				parts = append(parts, name+"/")
				walk(name)
				continue
			}
			data, err := ReadFile(fsys, name)
			must(t, err)
			parts = append(parts, name+"="+string(data))
		}
	}
	walk("")
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func TestOrderedCrashKeepsAPrefix(t *testing.T) {
	m := NewMem()
	names := []string{"a", "b", "c", "d"}
	for _, n := range names {
		write(t, m, n, "")
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	lengths := map[int]bool{}
	for range 200 {
		entries, err := m.CrashClone(CrashOptions{Rand: rnd, KeepUnsynced: 0.6, Ordered: true}).List("/")
		must(t, err)
		for i, e := range entries {
			if e.Name != names[i] {
				t.Fatalf("%v is no prefix of %v", entries, names)
			}
		}
		lengths[len(entries)] = true
	}
	if len(lengths) != len(names)+1 {
		t.Errorf("prefix lengths seen: %v", lengths)
	}
}

func TestTornWrites(t *testing.T) {
	m := NewMem()
	f, err := m.Create("f")
	must(t, err)
	must(t, m.SyncDir("/"))
	_, err = f.WriteAt(slices.Repeat([]byte{'x'}, 4*sectorSize), 0)
	must(t, err)
	rnd := rand.New(rand.NewPCG(5, 6))
	patterns := map[string]bool{}
	for range 500 {
		data, err := ReadFile(m.CrashClone(CrashOptions{Rand: rnd, KeepUnsynced: 0.5}), "f")
		must(t, err)
		if len(data) != 4*sectorSize {
			continue
		}
		var p strings.Builder
		for s := range 4 {
			got := data[s*sectorSize : (s+1)*sectorSize]
			if n := strings.Count(string(got), "x"); n != 0 && n != sectorSize {
				t.Fatalf("sector %d is torn inside: %d of %d bytes", s, n, sectorSize)
			}
			p.WriteByte('0' + got[0]/'x')
		}
		patterns[p.String()] = true
	}
	if len(patterns) != 16 {
		t.Errorf("%d of 16 patterns of lost sectors seen", len(patterns))
	}
}

func TestOnSyncIsCalledAroundEachSyncPoint(t *testing.T) {
	m := NewMem()
	var log []string
	m.OnSync(func(op, name string) {
		log = append(log, op+" "+name+": "+outcome(t, m.CrashClone(CrashOptions{})))
	})
	must(t, WriteFileAtomic(m, "/f", []byte("x")))
	want := []string{
		"before sync /f.tmp: ", "after sync /f.tmp: ",
		"before syncdir /: ", "after syncdir /: f=x",
	}
	if !slices.Equal(log, want) {
		t.Errorf("log %q, want %q", log, want)
	}
	m.OnSync(nil)
	must(t, m.SyncDir("/"))
	if len(log) != len(want) {
		t.Error("hook called after it was taken off")
	}
}

func TestWriteFileAtomicSurvivesEveryCrash(t *testing.T) {
	m := NewMem()
	must(t, WriteFileAtomic(m, "f", []byte("old")))
	rnd := rand.New(rand.NewPCG(7, 8))
	crash := func(op, _ string) {
		for range 50 {
			got, err := ReadFile(m.CrashClone(CrashOptions{Rand: rnd, KeepUnsynced: 0.5}), "f")
			if err != nil || string(got) != "old" && string(got) != "new" {
				t.Errorf("%s: %q, %v", op, got, err)
			}
		}
	}
	m.OnSync(crash)
	must(t, WriteFileAtomic(m, "f", []byte("new")))
	m.OnSync(nil)
	wantContent(t, m.CrashClone(CrashOptions{}), "f", "new")
}

func TestRemovedTreesAreForgottenOnceTheirParentIsSynced(t *testing.T) {
	m := NewMem()
	for range 3 {
		must(t, m.MkdirAll("d/e"))
		write(t, m, "d/e/f", "x")
		must(t, m.SyncDir("d/e"))
		must(t, m.SyncDir("d"))
		write(t, m, "d/e/g", "y")
		must(t, m.RemoveAll("d"))
		must(t, m.SyncDir("/"))
	}
	if n := len(m.pending); n != 0 {
		t.Errorf("%d changes kept for directories that are gone", n)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	m := NewMem()
	must(t, WriteFileAtomic(m, "f", []byte("one")))
	held, err := m.Lock(".lock")
	must(t, err)
	defer held.Close()
	clone := m.CrashClone(CrashOptions{KeepUnsynced: 1})
	must(t, WriteFileAtomic(m, "f", []byte("two")))
	wantContent(t, clone, "f", "one")
	if _, err := clone.Lock(".lock"); err != nil {
		t.Errorf("locks must not survive a crash: %v", err)
	}
	if _, err := m.Lock(".lock"); err == nil {
		t.Error("the original lost its lock")
	}
}
