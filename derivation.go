package oxlin

import "time"

// DerivationPlace is how far the rows of a connection were read anew from their sealed
// records. It is stored as JSON, so that any process continues after a crash.
type DerivationPlace struct {
	// Account is the account whose rows are read. Those with a smaller id are done.
	Account AccountID `json:"account,omitempty"`
	// After is the instant of import of the last row that is done.
	After time.Time `json:"after,omitzero"`
	// Rows counts the rows so far.
	Rows DerivedRows `json:"rows,omitzero"`
}

// DerivedRows counts the rows of a connection that another reading of their records
// changed. Events store it as JSON.
type DerivedRows struct {
	// Changed are rows with other values than before.
	Changed int `json:"Changed,omitempty"`
	// New are rows of records that could not be read before.
	New int `json:"New,omitempty"`
}
