// Package metapb holds the metadata records: what the controller decides, the
// quorum stores and every node replays. metadata.proto is the source and its
// header has the rules for changing it; metadata.pb.go is generated and
// committed, so that building needs Go only.
//
// To regenerate, have a protoc (any 3.21 or newer; Debian calls the package
// protobuf-compiler) on the PATH and run `go generate` here. The Go plugin is
// built from the protobuf module that go.mod names.
//
// Messages carry no behaviour: what a record means is package metadata's Apply.
package metapb

//go:generate sh -c "go build -o ./protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go && protoc --plugin=protoc-gen-go=./protoc-gen-go --go_out=. --go_opt=paths=source_relative metadata.proto; s=$?; rm -f ./protoc-gen-go; exit $s"
