// Package testbank is the Linxo Test Bank: a simulated bank, reached only over HTTP,
// with its own state, its own clock and its own login pages. It reads a text file that
// describes a customer (see ParseFile and docs/test-bank.md) and serves it as banks serve
// PSD2: an OAuth2 redirect with strong authentication, then the STET account-information
// API, versions 1.4 and 1.5; and those of the Berlin Group and Open Banking UK. The same customers find all
// their accounts on three web sites.
//
// It must never import anything of the platform, never reach a private network address
// for a visitor unless an option allows it, and never hold real data: every page tells
// its visitors that the bank is a simulation.
//
// Start reading at bank.go (the HTTP handler), then file.go (the description of a
// customer), ledger.go (how a file becomes rows that change from day to day), reading.go
// (what the interfaces for aggregators share; stet.go, berlingroup.go and openbanking.go are the three)
// and web.go (shared by the web sites).
package testbank
