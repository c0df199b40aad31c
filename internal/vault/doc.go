// Package vault protects secrets: it seals values for the database, hashes passwords,
// makes tokens and hashes them for look-up, and makes the OpenPGP keys that clients
// use to encrypt their users' input.
//
// A sealed value is bound to its place, so that a row copied elsewhere does not open.
// The package must never log or store the master key, nor create one where one exists.
// No other package imports a cryptography library for data at rest.
//
// Start reading at vault.go; password.go, token.go and openpgp.go are independent.
package vault
