// Package powerloss cuts the power of a whole broker at its sync points, while
// clients produce, commit, create and delete topics and delete records, while
// logs roll, are shortened by retention and compacted, during a clean stop and
// during start-up itself. A new broker is started on what each cut left, and
// everything promised before that moment must be there, once, in order, at its
// offset (I1, I2, I10, I12, I13, I14, I23, I25, I28).
//
// By default it examines some hundred cuts; -clones sets the number, -every takes
// every sync point instead of a random sample:
//
//	go test ./test/powerloss -clones 50000 -timeout 4h
package powerloss
