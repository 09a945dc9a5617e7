// Package archtest holds the project to its own shape: which layer a package
// belongs to, who may import whom, that every package says what it is for, and
// how large files and functions may grow. It contains tests only.
package archtest
