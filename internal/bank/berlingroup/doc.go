// Package berlingroup is the connector for every bank with an interface of the Berlin
// Group (NextGenPSD2 XS2A, 1.3): accounts and card accounts, balances, transactions in
// JSON, camt or MT940, and the consent with its approval.
//
// The input is a Config, the bank's part of the catalogue's data, and a bank.Call; the
// output is the bank's records as bank.Account, bank.Balance and bank.Transaction. Unknown
// members and values are ignored; a missing required one is a *bank.Failure.
//
// It must never branch on one bank (a difference is a field of Config), send anything to
// the host of a link (only paths and queries of links are used), nor compute with floats.
//
// Start reading at config.go, then at connector.go. transaction.go, account.go and
// balance.go read the records, page.go follows links and counts pages.
package berlingroup
