// Package stet is the connector for every bank with the STET PSD2 interface (versions
// 1.4 to 1.6, as far as an account information service needs them): login by OAuth2,
// accounts, balances, transactions, the customer's identity, consent.
//
// The input is a Config, a few lines of the catalogue's data, and a bank.Call; the
// output is the bank's records as bank.Account, bank.Balance and bank.Transaction.
// Unknown members and values are ignored; a missing required one is a *bank.Failure.
//
// It must never branch on one bank (a difference is a field of Config), nor compute
// with floats. Code that another standard would also need belongs in psd2.
//
// Start reading at connector.go. message.go has the headers and links of the standard,
// and transaction.go, account.go and balance.go read its records.
package stet
