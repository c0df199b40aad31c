// Package testbank is the Linxo Test Bank: a simulated bank, reached only over
// HTTP, with its own state, its own clock and its own login pages. It reads a
// text file that describes a customer (see ParseFile and docs/test-bank.md) and
// serves it as a French bank serves PSD2: an OAuth2 redirect with strong
// authentication, then the STET account-information API, versions 1.4 and 1.5.
// The same customers find all their accounts on three web sites.
//
// It must never import anything of the platform, never reach a private network
// address on behalf of a visitor unless told so, and never hold real data:
// every page says that it is a simulation.
//
// Start reading at bank.go (the door), then file.go (what a customer is),
// ledger.go (how a file becomes rows that move with time), stet.go (what an
// aggregator sees) and web.go (what the web sites share).
package testbank
