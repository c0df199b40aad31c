// Package datafile reads JSON files that people write, and reports all of their
// faults at once: unknown members, values of a wrong type, values that a check
// refuses, and settings that nobody gave. Each fault names its JSON path.
//
// Parse makes a tree of a file, Fill puts settings into its texts, and Decode
// turns the tree into a Go value. What Decode cannot read is reported and left
// out, so that the checks of the rest still run.
//
// The package knows nothing of banks, reads no file by itself, and never stops at
// the first fault. Start reading at report.go.
package datafile
