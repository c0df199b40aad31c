// Package web is the frame around every handler that speaks HTTP: it gives each
// request an id, recovers from panics, and writes one log line per request. It also
// holds the rules that all rooms need about a request: its client's address behind a
// proxy, and whether it comes from a person's browser.
//
// It must never log an address, a query, a body or a header that a client wrote, apart
// from a harmless request id: they may hold sessions and secrets. It knows no room.
// Start reading at Frame.
package web
