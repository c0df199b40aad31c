// Package psd2 holds what connectors share, whichever interface their bank
// offers: HTTP with our certificate, limits and charsets, signed messages, OAuth2,
// the meaning of failures, amounts and dates and links as banks write them, pages
// that must end, histories read in windows, and the part of a bank's data that no
// standard owns.
//
// A standard, such as STET, is a package of its own: it embeds Interface in its
// data, gives a Dialect to NewClient, embeds the Authorizer, and reads the records
// with the types of value.go. What goes in are data and a bank.Call; what comes out
// are values, and a *bank.Failure.
//
// It must never know a standard or a bank, follow a link to another host, claim
// that an absent user is present, quote a value of the user in an error, or repeat
// a call: the engine does that.
//
// Start reading at driver.go, then at client.go.
package psd2
