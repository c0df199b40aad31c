// Package catalogue holds the providers as data files, and makes the connector
// that each of their channel definitions needs.
//
// What goes in are the files of data/, the operator's own files and settings;
// what comes out are oxlin.Provider values and bank.Connector values. A bank is a
// few lines of data: there must never be a branch for one in code.
//
// To add a bank, write one JSON file: what clients see of the provider (contract
// §4.2), and beside each REDIRECT definition how the bank speaks STET, member by
// member as in stet.Config; beside an EMBEDDED one which recipe reads the bank's web
// site, as in website.Config. A bank with a host for each region lists its regions
// under "branches": each becomes a provider, with the branch's values in place of
// {{name}} in all texts. What only the operator knows, such as client ids, is
// written {{name}} as well and comes from Options; a provider for which a value
// is missing, or our certificate, is shown as unavailable. With "common": true a
// provider, or one branch, is offered before the others. Unknown members are errors.
//
// What the files of data/production say of banks was read in public documents
// and recordings, and nobody has spoken with these banks yet: whoever registers
// with one compares its file with the bank's documents before giving a client id.
//
// Start reading at catalogue.go, beside data/sandbox/87.json.
package catalogue
