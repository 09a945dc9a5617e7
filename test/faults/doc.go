// Package faults fails storage calls of a whole broker under load, one per run,
// with an I/O error, a full disk or a write cut short, and shows what comes of
// it: nothing is acknowledged that was not flushed (the disk is read back by
// another broker afterwards), the directory goes offline with one line in the
// log and a metric, clients are told to retry, everything that needs no disk
// goes on, and the broker can be closed (I27). A disk that fills up refuses
// records before anything is written, and nothing else. So does a want of file
// descriptors, for as long as it lasts.
//
// By default some dozens of calls fail; -faults sets the number:
//
//	go test ./test/faults -faults 10000 -timeout 4h
package faults
