// Package enabletest plays Enable Banking for tests: an HTTP server that answers as the
// interface's documentation says, with its login page, sessions, accounts and list of banks.
//
// It verifies each request's JWT, knows no token of a user, and gives new account ids with
// each session. It must serve tests only, and share no code with the connector. Start
// reading at Server.
package enabletest
