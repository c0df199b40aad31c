// Package bank defines the platform's view of a bank: a Connector that returns pages of
// accounts and transactions, small optional capabilities beside it, and typed failures.
//
// An account has an address, by which calls name it until the next list, and identities, by which
// it is recognised for ever (Account).
//
// The input is a Call; the output is the bank's data, normalised but not interpreted:
// exact amounts, calendar dates, and the raw record. A connector has no state between
// two calls. It never sees our ids or the database, and never reads the machine's
// clock.
//
// Start reading at connector.go, and at login.go for banks that are reached with the
// user's credentials. stet is the connector for STET PSD2, openbanking the one for Open
// Banking UK, enablebanking the one for an aggregator and website the one for web sites; psd2 holds the parts that connectors share, catalogue the banks as data, and
// banktest the suite that every connector passes.
package bank
