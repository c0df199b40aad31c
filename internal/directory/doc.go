// Package directory keeps who exists: the clients and their users, whoever changes them
// (API, widget, console or commands). It checks their fields and writes their rows.
//
// It must never authenticate anybody: secrets and passwords are made and hashed here,
// and checked by the authorization server (package auth). It must not know about banks:
// a Revoker ends a deleted user's access to them. Start reading at clients.go.
package directory
