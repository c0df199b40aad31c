// Package enablebanking is the connector for the banks that Enable Banking reaches: an
// aggregator with one interface for all of them, which lets private persons read their own
// accounts.
//
// The input is a Config, a few lines of the catalogue's data, and a bank.Call; the output is
// the records of the interface as bank.Account, bank.Balance and bank.Transaction. We are
// known by a JWT that the application's key signs; a user has no token.
// What stands for the user's access is a session, and with it the accounts as they were
// described when the session was made: later the interface names their ids alone.
//
// It must never branch on one bank, keep anything between two calls, or take a
// transaction_id for an id. Code that another standard would also need belongs in psd2.
//
// Start reading at connector.go. session.go has the way in, message.go the errors, and roster
// beside it writes the aggregator's list of banks into provider files.
package enablebanking
