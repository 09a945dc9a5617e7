# The few verbs of this project. `make verify` is exactly what CI runs.
.PHONY: build test lint generate fuzz crash crash-slow interop peer conformance bench bench-compare verify

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/milena ./cmd/milena

test:
	go test ./...

lint:
	.ci/lint

generate:
	go generate ./...

# FUZZTIME is per target.
FUZZTIME ?= 60s
fuzz:
	.ci/fuzz $(FUZZTIME)

# KILLS is how often the server dies.
KILLS ?= 2000
crash:
	go test ./test/crash -count=1 -v -timeout 4h -kills $(KILLS)

# The same on a disk whose every flush takes 30 ms longer.
crash-slow:
	go test -c -o bin/crash.test ./test/crash
	cd test/crash && strace -f --seccomp-bpf -qq -o /dev/null -e trace=fsync,fdatasync,syncfs \
		-e inject=fsync,fdatasync,syncfs:delay_exit=30000 ../../bin/crash.test -test.v -kills 50

interop:
	test/interop/run

# An Apache Kafka to compare with, until interrupted. PEER are more arguments, such as --set key=value.
peer:
	go run ./test/peer/cmd start $(PEER)

conformance:
	go test ./test/conformance -count=1 -v -timeout 15m -peer

bench:
	go test -run '^$$' -bench . -benchmem ./...

# ARGS are flags: make bench-compare ARGS='--list'. Without any it takes about half an hour and wants an idle machine.
bench-compare:
	go run ./bench/compare $(ARGS)

verify:
	.ci/run
