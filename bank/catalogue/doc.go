// Package catalogue holds the providers as data files, and makes the connector
// that each of their channel definitions needs.
//
// What goes in are the files of data/, the operator's own files and settings;
// what comes out are oxlin.Provider values and bank.Connector values. A bank is a
// few lines of data: there must never be a branch for one in code.
//
// Start reading at catalogue.go, beside data/sandbox/87.json.
package catalogue
