package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

func TestOffsetsText(t *testing.T) {
	o := Offsets{{Topic: "orders", Partition: 10}: 7, {Topic: "orders", Partition: 2}: 1841, {Topic: "a.b_c", Partition: 0}: 0}
	const text = "0\n3\na.b_c 0 0\norders 2 1841\norders 10 7\n"
	if got := string(o.Encode()); got != text {
		t.Fatalf("encoded %q", got)
	}
	got, err := ParseOffsets([]byte(text))
	if err != nil || !maps.Equal(got, o) {
		t.Fatalf("parsed %v, %v", got, err)
	}
}

func TestOffsetsDamage(t *testing.T) {
	for _, bad := range []string{
		"", "0", "0\n", "0\n0", "1\n0\n", "00\n0\n", "+0\n0\n", "0\n-1\n", "0\n1\n", "0\n0\na 0 1\n", "0\n2\na 0 1\n",
		"0\n1\na 0 1", "0\n1\na 0 1\n\n", "0\n1\na 0\n", "0\n1\na 0 1 2\n", "0\n1\na  0 1\n", "0\n1\na 0 01\n",
		"0\n1\na 0 -1\n", "0\n1\na -1 1\n", "0\n1\na 2147483648 1\n", "0\n1\na 0 9223372036854775808\n",
		"0\n1\na/b 0 1\n", "0\n1\n 0 1\n", "0\n2\na 0 1\na 0 1\n", "0\n1\n" + strings.Repeat("x", 250) + " 0 1\n",
		"0\n1\n" + strings.Repeat("x", 600) + "\n", "0\r\n1\r\na 0 1\r\n", "0\n9999999999\n",
	} {
		var fe *FormatError
		if _, err := ParseOffsets([]byte(bad)); !errors.As(err, &fe) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestOffsetsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Offsets(rapid.MapOf(rapid.Custom(func(t *rapid.T) base.TopicPartition {
			return base.TopicPartition{
				Topic:     rapid.StringMatching(`[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,20}`).Draw(t, "topic"),
				Partition: rapid.Int32Min(0).Draw(t, "partition"),
			}
		}), rapid.Int64Min(0)).Draw(t, "offsets"))
		got, err := ParseOffsets(o.Encode())
		if err != nil || !maps.Equal(got, o) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}

// After a power loss at any moment of a replacement the name holds the old or
// the new content, and after it only the new.
func TestWriteOffsetsSurvivesPowerLoss(t *testing.T) {
	tp := base.TopicPartition{Topic: "t", Partition: 1}
	name := "d/" + RecoveryPointFile
	for seed := range uint64(40) {
		m := vfs.NewMem()
		if err := errors.Join(m.MkdirAll("d"), m.SyncDir("/"), WriteOffsets(m, name, Offsets{tp: 1})); err != nil {
			t.Fatal(err)
		}
		opts := vfs.CrashOptions{Rand: rand.New(rand.NewPCG(seed, 1)), KeepUnsynced: 0.5}
		var clones []*vfs.Mem
		m.OnSync(func(string, string) { clones = append(clones, m.CrashClone(opts)) })
		if err := WriteOffsets(m, name, Offsets{tp: 2}); err != nil {
			t.Fatal(err)
		}
		m.OnSync(nil)
		for i, c := range append(clones, m.CrashClone(vfs.CrashOptions{})) {
			got, err := ReadOffsets(c, name)
			if err != nil || got[tp] != 1 && got[tp] != 2 {
				t.Fatalf("seed %d, clone %d: %v, %v", seed, i, got, err)
			}
			if i == len(clones) && got[tp] != 2 {
				t.Fatalf("seed %d: the finished write was lost", seed)
			}
		}
		if len(clones) < 4 {
			t.Fatalf("only %d sync points seen", len(clones))
		}
	}
}

func TestReadMissing(t *testing.T) {
	m := vfs.NewMem()
	_, errO := ReadOffsets(m, "x")
	_, errP := ReadPartition(m, "x")
	_, errM := ReadMeta(m, "x")
	for _, err := range []error{errO, errP, errM} {
		var fe *FormatError
		if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &fe) {
			t.Errorf("a missing file must not look like damage: %v", err)
		}
	}
}

func TestPartition(t *testing.T) {
	const id = "0nB6M1sUSgmW5R5qnYVaOQ"
	want, err := base.ParseUUID(id)
	if err != nil {
		t.Fatal(err)
	}
	for _, ok := range []string{
		"version: 0\ntopic_id: " + id, "version: 0\ntopic_id: " + id + "\n", "version: 3\ntopic_id: " + id + "\nnew: 1\n",
	} {
		if got, err := ParsePartition([]byte(ok)); err != nil || got != want {
			t.Errorf("%q: %v, %v", ok, got, err)
		}
	}
	if got := string(EncodePartition(want)); got != "version: 0\ntopic_id: "+id {
		t.Errorf("encoded %q", got)
	}
	for _, bad := range []string{
		"", "version: 0", "version: 0\n", "version: 0\ntopic_id: ", "version: x\ntopic_id: " + id, "topic_id: " + id + "\nversion: 0",
		"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", "version: 0\ntopic_id: " + id[1:], "version: 0\ntopic_id: " + id + "\nx",
		"version: -1\ntopic_id: " + id,
	} {
		var fe *FormatError
		if _, err := ParsePartition([]byte(bad)); !errors.As(err, &fe) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMeta(t *testing.T) {
	dir, err := base.ParseUUID("5vJmSL9cRruGGiYbFpk0Hw")
	if err != nil {
		t.Fatal(err)
	}
	want := Meta{ClusterID: "4L6g3nShT-eMCtK--X86sw", NodeID: 17, DirectoryID: dir}
	// The first is the file as kafka-storage writes it.
	for _, ok := range []string{
		"#\n#Sat Nov 21 01:00:00 UTC 2026\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id=5vJmSL9cRruGGiYbFpk0Hw\nnode.id=17\nversion=1\n",
		string(want.Encode()),
		"! c\r\n\r\n node.id : 17 \r\nversion = 1\r\ncluster.id:4L6g3nShT-eMCtK--X86sw\r\ndirectory.id=5vJmSL9cRruGGiYbFpk0Hw\r\nother=x\\=y",
	} {
		if got, err := ParseMeta([]byte(ok)); err != nil || got != want {
			t.Errorf("%q: %+v, %v", ok, got, err)
		}
	}
	odd := Meta{ClusterID: `a=b:c\d#e!`, NodeID: 0}
	if got, err := ParseMeta(odd.Encode()); err != nil || got != odd {
		t.Errorf("%q: %+v, %v", odd.Encode(), got, err)
	}
	for _, bad := range []string{
		"", "version=1\n", "version=0\ncluster.id=x\nnode.id=1\n", "version=1\ncluster.id=x\n", "version=1\ncluster.id=x\nnode.id=-1\n",
		"version=1\ncluster.id=\nnode.id=1\n", "version=1\ncluster.id=x\nnode.id=1\nnode.id=1\n", "version=1\ncluster.id=x\nnode.id=1\nnonsense\n",
		"version=1\ncluster.id=x\nnode.id=1\ndirectory.id=y\n", "version=1\ncluster.id=\\u0041\nnode.id=1\n", "=1\n", "version=1\\",
		"version=1\ncluster.id=x\nnode.id=1\nk=" + strings.Repeat("v", 2000),
	} {
		var fe *FormatError
		if _, err := ParseMeta([]byte(bad)); !errors.As(err, &fe) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFilesRoundTrip(t *testing.T) {
	m := vfs.NewMem()
	id, meta := base.NewUUID(), Meta{ClusterID: "c", NodeID: 3, DirectoryID: base.NewUUID()}
	if err := errors.Join(WritePartition(m, "p", id), WriteMeta(m, "m", meta)); err != nil {
		t.Fatal(err)
	}
	gotID, err1 := ReadPartition(m, "p")
	gotMeta, err2 := ReadMeta(m, "m")
	if err1 != nil || err2 != nil || gotID != id || gotMeta != meta {
		t.Fatal(gotID, err1, gotMeta, err2)
	}
}

func FuzzParseOffsets(f *testing.F) {
	f.Add([]byte("0\n2\norders 0 1841\norders 1 77\n"))
	f.Add([]byte("0\n999999999\na 0 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ParseOffsets(data)
		if err != nil {
			return
		}
		again, err := ParseOffsets(o.Encode())
		if err != nil || !maps.Equal(again, o) || len(o.Encode()) != len(data) {
			t.Fatalf("%q is not the only form of %v (%v)", data, o, err)
		}
	})
}

func FuzzParseMeta(f *testing.F) {
	f.Add([]byte("#x\ncluster.id=4L6g\ndirectory.id=5vJmSL9cRruGGiYbFpk0Hw\nnode.id=1\nversion=1\n"))
	f.Add([]byte("version: 1\ncluster.id\\:=a\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMeta(data)
		if err != nil {
			return
		}
		// White space round a value is not part of it, so compare what survives.
		if strings.TrimSpace(m.ClusterID) != m.ClusterID || strings.ContainsAny(m.ClusterID, "\r\n\f") {
			return
		}
		if again, err := ParseMeta(m.Encode()); err != nil || again != m {
			t.Fatalf("%+v is written as %q and read as %+v, %v", m, m.Encode(), again, err)
		}
	})
}

func FuzzParsePartition(f *testing.F) {
	f.Add([]byte("version: 0\ntopic_id: 0nB6M1sUSgmW5R5qnYVaOQ"))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := ParsePartition(data)
		if err != nil {
			return
		}
		if again, err := ParsePartition(EncodePartition(id)); err != nil || again != id {
			t.Fatal(again, err)
		}
	})
}

func BenchmarkParseOffsets(b *testing.B) {
	o := Offsets{}
	for i := range 10_000 {
		o[base.TopicPartition{Topic: fmt.Sprintf("topic-%d", i%100), Partition: int32(i / 100)}] = int64(i) * 1e6
	}
	data := o.Encode()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParseOffsets(data); err != nil {
			b.Fatal(err)
		}
	}
}
