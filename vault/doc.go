// Package vault keeps secrets secret: it seals what the database stores, hashes
// passwords, and makes tokens and recognises them by their hash.
//
// Everything sealed is bound to its place, so that a row copied elsewhere does not
// open. The package must never log, store or invent a key where one exists, and
// nobody else imports a cryptography library for data at rest.
//
// Start reading at vault.go; password.go and token.go stand by themselves.
package vault
