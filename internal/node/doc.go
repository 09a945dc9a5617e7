// Package node is the only place that knows every part of a broker: it builds
// them from the configuration, joins them, starts them in order and stops them
// in the opposite order.
//
// Start-up order, and why:
//
//  1. the data directory, locked: nothing else may touch the disk before;
//  2. the metadata quorum, replayed into the image;
//  3. the client listeners, bound but not yet accepting, so that the ports are
//     known and a port in use is found before anything is written;
//  4. bootstrap and registration of this broker, through the controller;
//  5. the replicas the image assigns here;
//  6. the group coordinator over them;
//  7. the request handlers; from here on connections are accepted;
//  8. metrics and health over HTTP.
//
// Concurrency: Start and Close are called once each, from any goroutine. Every
// goroutine of the parts is owned by the part that started it and ends before
// that part's Close returns.
package node
