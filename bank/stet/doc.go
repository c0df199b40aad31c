// Package stet is the connector for every bank that speaks the STET PSD2
// interface (versions 1.4 to 1.6, as far as an account information service
// needs them): login by OAuth2, accounts, balances, transactions, the
// customer's identity, consent.
//
// What goes in is a Config, a few lines of the catalogue's data, and a bank.Call;
// what comes out are the bank's words as bank.Account, bank.Balance and
// bank.Transaction. What is unknown is no error; what is missing where it must
// not be is a *bank.Failure.
//
// It must never hold a branch for one bank (what differs is a field of Config),
// compute with floats, follow a link to another host, say that the user is
// present when they are not, or try again: the engine does that.
//
// Start reading at connector.go; request.go sends, and transaction.go, account.go
// and balance.go read what comes back.
package stet
