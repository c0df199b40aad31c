// Package psd2 holds the parts that connectors share, independent of the standard: HTTP
// with our certificate, size and time limits, signed messages, OAuth2, the
// classification of failures, records that notation reads, lists read from a stream,
// links and pages that must end, histories read in windows, and the part of a bank's
// data that every standard needs.
//
// A standard, such as STET, is a package of its own: it embeds Interface in its data,
// passes a Dialect to NewClient, embeds the Authorizer, and decodes the records with
// the types of value.go. The input is the bank's data and a bank.Call; the output is
// values, or a *bank.Failure.
//
// It must never know a standard or a bank, follow a link to another host, claim that an
// absent user is present, quote a value of the user in an error, or retry a call: the
// engine does that.
//
// Start reading at driver.go, then at client.go. The tests hold the connector of a
// made-up standard, as an example.
package psd2
