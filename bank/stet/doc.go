// Package stet is the connector for every bank that speaks the STET PSD2
// interface (versions 1.4 to 1.6, as far as an account information service
// needs them): login by OAuth2, accounts, balances, transactions, the
// customer's identity, consent.
//
// What goes in is a Config, a few lines of the catalogue's data, and a bank.Call;
// what comes out are the bank's records as bank.Account, bank.Balance and
// bank.Transaction. An unknown member or value is no error; a missing one that is
// required is a *bank.Failure.
//
// It must never hold a branch for one bank (a difference is a field of Config), nor
// compute with floats. What another standard would need as well belongs in psd2.
//
// Start reading at connector.go. message.go has the envelope of the standard, and
// transaction.go, account.go and balance.go read its records.
package stet
