// Package roster writes the list of banks that Enable Banking reaches into provider files.
//
// Import asks the aggregator for the banks of one country, and compares them with the files
// that an earlier import has written into the operator's directory. A provider's id never
// changes and is never given to another bank: a bank that was renamed keeps it, and one that
// is not in the list any more stays as unavailable. What an operator has added to a file
// stays. A bank that the catalogue has already gets a further channel definition.
//
// It must never delete a file, change one of another connector, or let a picture through that
// it has not decoded itself. Start reading at Import.
package roster
