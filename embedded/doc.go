// Package embedded runs real Milena brokers inside a Go process: the same code
// as the server, with its log, groups and protocol, not a fake.
//
//	b, err := embedded.Start(ctx, embedded.Options{})
//	if err != nil { … }
//	defer b.Close(context.Background())
//	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
//
// By default a broker keeps its data in memory and listens on a free port of
// the loopback interface. With Options.Dir it keeps it on disk, and a later
// Start of the same directory finds it again. With Options.InMemoryListener
// there is no socket at all; clients dial through Broker.Dial.
//
// In a test, ForTest starts a broker and stops it when the test ends:
//
//	b := embedded.ForTest(t, embedded.Options{})
//
// Brokers share nothing, so any number of them may run in one process. All
// methods may be called from any goroutine; Close may be called more than once.
package embedded
