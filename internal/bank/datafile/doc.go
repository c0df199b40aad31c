// Package datafile reads JSON files that people write, and reports all of their faults
// at once: unknown members, values of a wrong type, values that fail a check, and
// missing settings. Each fault names its JSON path.
//
// Parse parses a file into a tree, Fill substitutes settings into its strings, and
// Decode decodes the tree into a Go value. Decode reports and leaves out the values
// that it cannot decode, so that the remaining checks still run.
//
// The package does not know banks, opens no file itself, and never stops at the first
// fault. Start reading at report.go.
package datafile
