package connect

import (
	"encoding/hex"

	"github.com/oxlin/oxlin/internal/vault"
)

// The names under which the vault seals an authorization's verifier, a held access, one that
// is not stored yet, and what a way in keeps between two steps. They are part of every sealed value, which opens under the same names only: they never change.
const (
	verifierTable, verifierColumn = "authorizations", "verifier"
	heldTable, heldColumn         = "held_accesses", "access"
	spoolTable, spoolColumn       = "spool", "access" // a file
	stepTable                     = "bank_steps"
	journeyColumn                 = "journey"
	stateColumn                   = "state"
	shownColumn                   = "shown"
)

func stepPlace(stateHash []byte, column string) vault.Place {
	return vault.Place{Table: stepTable, Column: column, Row: hex.EncodeToString(stateHash)}
}

func verifierPlace(stateHash []byte) vault.Place {
	return vault.Place{Table: verifierTable, Column: verifierColumn, Row: hex.EncodeToString(stateHash)}
}

func heldPlace(stateHash []byte) vault.Place {
	return vault.Place{Table: heldTable, Column: heldColumn, Row: hex.EncodeToString(stateHash)}
}

func spoolPlace(stateHash []byte) vault.Place {
	return vault.Place{Table: spoolTable, Column: spoolColumn, Row: hex.EncodeToString(stateHash)}
}
