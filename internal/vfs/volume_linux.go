package vfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// volume is a mounted file system, held by one of its files.
type volume struct{ osFile }

// volumeKinds are the file systems whose syncfs, followed by an fdatasync that
// reaches the disk's cache, is known to leave nothing behind. On others, such as
// network and stacked ones, files are synced one by one.
var volumeKinds = map[int64]bool{unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true}

// openVolume refuses kernels before 5.8, whose syncfs keeps failures to itself.
func openVolume(name string) (Volume, error) {
	unsupported := &os.PathError{Op: "volume", Path: name, Err: errors.ErrUnsupported}
	var st unix.Statfs_t
	if err := unix.Statfs(name, &st); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: name, Err: err}
	}
	if !volumeKinds[int64(st.Type)] || !kernelAtLeast(5, 8) { //nolint:unconvert // 32 bits on some systems
		return nil, unsupported
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &volume{osFile{f: f, raw: raw}}, nil
}

func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	return releaseAtLeast(unix.ByteSliceToString(u.Release[:]), major, minor)
}

func releaseAtLeast(release string, major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(release, "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

// Sync is syncfs, which fails if any write-back on the file system has failed
// since the last call for this descriptor. It may end with writes that went to
// the disk behind its cache flush (ext4 without a journal), or without one (XFS
// with nothing to log). The fdatasync of a file with nothing to write flushes
// the cache on both.
func (v *volume) Sync() error {
	var err error
	ctl := v.raw.Control(func(fd uintptr) {
		for err = unix.EINTR; errors.Is(err, unix.EINTR); {
			err = unix.Syncfs(int(fd))
		}
	})
	if err := v.pathError("syncfs", errors.Join(ctl, err)); err != nil {
		return err
	}
	return v.osFile.Sync()
}

// Unwritten is the kernel's count for all file systems together; there is none
// for each that an ordinary user may read.
func (v *volume) Unwritten() (int64, error) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	return parseUnwritten(data)
}
