// Package console shows an operator the state of the platform: its clients, their
// users, the history of each connection, and how reliable the banks are.
//
// It changes only clients, and accepts absences that are not plausible. It must never show a credential, a token or a transaction,
// nor any secret except one that it has just created. It has its own login, which gives
// access only to the console. Start reading in console.go.
package console
