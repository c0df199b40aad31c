// Package bank says what a bank is to the platform: a Connector that gives pages
// of accounts and transactions as the bank tells them, small optional
// capabilities beside it, and a typed vocabulary of failures.
//
// What goes in is a Call; what comes out is what the bank said, normalised but
// not interpreted: exact amounts, calendar dates, the raw record kept. A
// connector has no state between two calls and never sees our ids, the database
// or the clock of the machine.
//
// Start reading at connector.go, and at login.go for banks that are reached with
// the user's credentials; stet is the connector for banks that speak
// STET PSD2, catalogue says which bank speaks what, and banktest is the suite
// that every connector passes.
package bank
