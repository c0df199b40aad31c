// Package catalogue holds the providers as data files, and makes the connector that
// each of their channel definitions needs.
//
// The input is the files of data/, the operator's own files and settings; the output is
// oxlin.Provider and bank.Connector values. A bank is a few lines of data: the code
// must never branch on one bank, nor know a standard beyond the list of drivers in
// registry.go.
//
// To add a bank, write one JSON file: the provider as clients see it (contract §4.2),
// and in each channel definition the name of a connector with the connector's own data,
// "config": the members of stet.Config for a REDIRECT definition, those of
// website.Config for an EMBEDDED one. A bank with a host for each region lists its
// regions under "branches": each becomes a provider, with the branch's values in place
// of {{name}} in all texts. Values that only the operator knows, such as client ids,
// are also written as {{name}} and are read from Options; a provider that lacks a
// value, or our certificate, is unavailable. With "common": true a provider, or one
// branch, is listed before the others. Unknown members are errors, and all errors of
// all files are reported at once.
//
// The files of data/production were written from public documents and recordings, and
// have not been tested with these banks yet: an operator compares a bank's file with
// the bank's documents before entering a client id.
//
// Start reading at catalogue.go, beside data/sandbox/87.json.
package catalogue
