// Package bank defines what a bank is to the platform: a Connector that returns pages
// of accounts and transactions, small optional capabilities beside it, and a typed
// vocabulary of failures.
//
// What goes in is a Call; what comes out are the bank's data, normalised but not
// interpreted: exact amounts, calendar dates, and the raw record. A connector has no
// state between two calls and never sees our ids, the database or the clock of the
// machine.
//
// Start reading at connector.go, and at login.go for banks that are reached with the
// user's credentials. stet is the connector for STET PSD2 and website the one for web
// sites; psd2 holds what connectors share, catalogue the banks as data, and banktest
// the suite that every connector passes.
package bank
