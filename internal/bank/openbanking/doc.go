// Package openbanking is the connector for every bank with the account interface of Open
// Banking UK (Read/Write API, versions 3.0 to 4.0): consent, login, accounts, balances,
// transactions, parties.
//
// The input is a Config, a few lines of the catalogue's data, and a bank.Call; the
// output is the bank's records as bank.Account, bank.Balance and bank.Transaction. Names
// of members and values are those of 3.1, and the ISO codes of 4.0 beside them, whichever
// version a bank announces. Unknown members and values are ignored; a missing required
// one is a *bank.Failure.
//
// It must never branch on one bank (a difference is a field of Config), nor compute
// with floats. Code that another standard would also need belongs in psd2.
//
// Start reading at connector.go. message.go has the headers and errors of the standard,
// and account.go, balance.go and transaction.go read its records.
package openbanking
