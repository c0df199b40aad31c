// Package vault keeps secrets secret: it seals what the database stores, hashes
// passwords, makes tokens and recognises them by their hash, and makes the OpenPGP
// keys by which clients encrypt what their users type.
//
// Everything sealed is bound to its place, so that a row copied elsewhere does not
// open. The package must never log, store or invent a key where one exists, and
// nobody else imports a cryptography library for data at rest.
//
// Start reading at vault.go; password.go, token.go and openpgp.go stand by themselves.
package vault
