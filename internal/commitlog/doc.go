// Package commitlog stores partitions: append-only logs of record batches in
// segment files that Apache Kafka's tools can read.
//
// A [Dir] is one log directory. It owns the logs in it and what they share: the
// flusher (group commit), the open files, the tail cache, the frontier journal,
// the cleaner and one background goroutine, the keeper. A [Log] is one
// partition. An idle log has no goroutine, timer, open file or index in memory,
// about 1 KB in all.
//
// # What is promised
//
//	C1  A batch below DurableOffset survives a power loss: its bytes, the names of
//	    its file and directory, and the epoch, topic id and producer state that go
//	    with it were fsynced before DurableOffset passed it.
//	C2  After a failed write or fsync the directory is offline for good. Nothing
//	    that was not durable then is ever called durable; fsync is not retried.
//	C3  Recovery cuts only a torn tail above the durable frontier. Damage below it
//	    quarantines the log: it is not served, and its files are not touched. An
//	    I/O error is neither; it takes the directory offline.
//	C4  Bytes are checked before they leave the disk: checksum, and place (offsets
//	    contiguous or rising, leader epoch, segment bounds), which the checksum
//	    does not cover. What fails is never served.
//	C5  Derived files (indexes, snapshots, epochs, checkpoints) may vanish or rot:
//	    they are checked against the data when used, and rebuilt.
//	C6  Only DeleteLog with the right topic id removes a log, and only SetStartOffset
//	    or retention its beginning. Unknown files and directories are left alone.
//	C7  Want of disk space or of file descriptors is no failure of the disk: what
//	    meets it before its records are written is refused, changes nothing, and can
//	    be tried again. See below.
//
// # Writing
//
// Append holds the log's mutex: check producer, assign offsets, copy into the
// tail cache, one write, publish. A durable log then joins the flusher's
// queue, once. A worker takes it as soon as one is free and fdatasyncs its files;
// what is appended meanwhile puts it into the queue again. Where many logs wait,
// all are made durable with one sync of the file system. A log's durable offset
// moves, and OnDurable is called, when its own files are done, whatever others
// wait for. No timer is involved, and workers exist only while there is work.
//
// # What is final, and what can be tried again
//
// ENOSPC, EDQUOT, EMFILE and ENFILE say "not now", ErrDiskFull or ErrTooManyFiles.
// They are taken at their word where the failed call leaves nothing behind that
// counts, and nothing acknowledged depends on it:
//
//	refused to the caller    creating or loading a log; opening the segment; rolling,
//	                         with its indexes, snapshot and file; leader-epoch-checkpoint
//	                         and transaction index before the records that need them;
//	                         moving the log start; opening a file to read
//	put off by the directory index entries of an open segment; the epoch that a new leader
//	                         begins, until its first append; checkpoints, that of the
//	                         cleaner when a log is deleted; producer snapshots between
//	                         rolls; the frontier journal, which may be late; retention
//	                         and compaction; a flush that can't open what it has to
//	                         sync; at the close, both and derived files (the next start
//	                         verifies such a log)
//	final, as any other error  a write of records, since some of the bytes may be there;
//	                         every fsync of a file with data, because the next one would
//	                         claim success; a truncation or a swap that has begun
//
// What is put off is told to the log once, until a checkpoint has made up for all.
//
// # Reading
//
// Readers take no lock. They load the published end, then the tail cache's view
// or the immutable set of segments. Truncation makes Log.changes odd while it
// works and even when done; a reader that saw it move looks again. A segment that
// is replaced or removed is marked dead before its names change, so a reader
// never opens a successor's file with a predecessor's sizes. Cold reads search
// the index on disk, read once, and check every batch.
//
// # Locks, outer first
//
//	Log.flushMu  one flush, truncation, swap or deletion of a log at a time
//	Log.mu       appends, rolls, everything that changes a log
//	Dir.mu       the map of logs; no log's lock is taken inside it
//	leaves       Log.epochMu, flusher.mu, frontier.mu (then Dir.mu for reading),
//	             startKeeper.writing, startKeeper.mu (same), cleaner.mu, keeper.mu, fileCache.mu, tailCache.mu
//
// No fsync happens under Log.mu but in truncation, recovery and first use.
//
// # Files
//
// As in Kafka, big-endian:
//
//	<dir>/meta.properties                       cluster, node and directory id
//	<dir>/recovery-point-offset-checkpoint      durable offsets, once a minute
//	<dir>/milena.starts                         starts of logs that do not start at 0
//	<dir>/log-start-offset-checkpoint           the same without a checksum, for Kafka
//	<dir>/cleaner-offset-checkpoint             up to where logs were compacted
//	<dir>/<topic>-<p>/partition.metadata        topic id
//	<dir>/<topic>-<p>/leader-epoch-checkpoint   see package epoch
//	<dir>/<topic>-<p>/<base>.log                batches, see package record
//	<dir>/<topic>-<p>/<base>.txnindex           see package txnindex
//	<dir>/<topic>-<p>/<offset>.snapshot         see package producer
//	<dir>/<topic>-<p>.<uuid>-delete             deleted, to be removed
//	*.deleted *.cleaned *.swap *.tmp            on their way out or in
//
//	<base>.index, one entry per index.interval.bytes:
//	0                    4                    8
//	+--------------------+--------------------+
//	| last offset of the | its position in    |
//	| batch minus base   | the .log file      |
//	+--------------------+--------------------+
//
//	<base>.timeindex, with each of those if the time has risen, and at the end:
//	0                                        8                    12
//	+----------------------------------------+--------------------+
//	| largest timestamp so far               | last offset of the |
//	|                                        | batch minus base   |
//	+----------------------------------------+--------------------+
//
// Index files are not preallocated; the last few entries of the active segment
// may be in memory only.
//
// Milena's own:
//
//	<dir>/milena.frontier: journal of durable offsets, appended after flushes,
//	fsynced about once a second, rewritten at start and when large. The last
//	record of a log counts; it says at most what was durable.
//	0           8                   24       28       32
//	+-----------+-------------------+--------+--------+
//	| milenaF1  | directory id      | 0      | CRC-32C|    header
//	+-----------+---------+---------+--------+--------+
//	| topic id            | part.   | offset | CRC-32C|    records of 32 bytes
//	+---------------------+---------+--------+--------+
//	0                     16        20       28       32
//
//	<dir>/milena.manifest: there only after a clean stop, removed durably before
//	the directory is used. milenaM1, directory id, number of logs, the logs,
//	CRC-32C of all before. A log, in varints where no size is given:
//	  topic length, topic, partition, topic id (16 bytes), flags (1 byte, bit 0:
//	  gaps, bit 1: transactions may be undecided), start, end, snapshot offset, epochs as count and (epoch, start),
//	  segments as count and (base, size, largest timestamp, its offset)
//
//	<dir>/<topic>-<p>/milena.sparse: offsets may have gaps. Empty: anywhere, as in
//	a copy of a compacted log. Else only below the offset in it, up to where the
//	log was compacted here: decimal offset, space, CRC-32C of its digits in hex,
//	line end.
package commitlog
