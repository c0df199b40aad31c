// Package console shows an operator how the platform is: its clients, their users
// and connections with what happened to them, and how the banks do.
//
// It changes clients and nothing else. It must never show a secret but the one that
// it has just made, nor a credential, a token or a transaction. It has a login of its
// own, which opens nothing but the console. Start reading in console.go.
package console
