// Package contract holds the real binary against its contract, over HTTP and on
// both databases: every fact of the reference is a row of a table (sections 2 to 6
// and 9, with the decisions of section 11 that amend them), every curl command of
// the published documents is run as it is printed, and every operation of the
// served OpenAPI document is tried with every wrong identity.
//
// It has no code but tests, and must never import a room of the platform: it knows
// what an integrator knows. A row that is marked broken is run as well, and fails
// when it does not fail any more.
//
// Start reading at contract_test.go, then any section2_test.go to section9_test.go.
package contract
