// Package keeper is the process that holds the master key, apart from those that serve: it answers
// over a socket of this machine what takes the key, and gives the key to nobody.
//
// Another process of the platform asks it by package vault. A peer that is not allowed is told
// nothing. The keeper knows no database and no user; what it logs are counts. It must never seal
// anything but the keys of values. Start reading at Serve.
package keeper
