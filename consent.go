package oxlin

import (
	"slices"
	"time"
)

// ConsentTextVersion is the version of the text that users agree to. A test holds each
// version to its words.
const ConsentTextVersion = "2026-12"

// ConsentTextOfClient replaces the version of our text in the evidence of a consent that the
// client itself took from its user: no page of ours was shown.
const ConsentTextOfClient = "client"

// DataKind is a kind of data that a consent names.
type DataKind string

// The kinds of data. Every channel reads those of accounts; a bank may also tell those of
// the customer.
const (
	DataAccounts     DataKind = "ACCOUNTS"
	DataHolders      DataKind = "HOLDERS"
	DataBalances     DataKind = "BALANCES"
	DataTransactions DataKind = "TRANSACTIONS"
	DataFeatures     DataKind = "FEATURES"
	DataAddress      DataKind = "ADDRESS"
	DataBirthDate    DataKind = "BIRTH_DATE"
	DataBirthPlace   DataKind = "BIRTH_PLACE"
	DataPhone        DataKind = "PHONE"
)

// DataOfAccounts lists the kinds of data that every channel reads.
func DataOfAccounts() []DataKind {
	return []DataKind{DataAccounts, DataHolders, DataBalances, DataTransactions, DataFeatures}
}

// DataOfFiles lists the kinds of data that a file of a bank may bring.
func DataOfFiles() []DataKind {
	return []DataKind{DataAccounts, DataHolders, DataBalances, DataTransactions}
}

// DataOfCustomers lists the kinds of data that a bank may tell about its customer, beside
// their name.
func DataOfCustomers() []DataKind {
	return []DataKind{DataAddress, DataBirthDate, DataBirthPlace, DataPhone}
}

// Only returns the name of a customer, and what else a consent names.
func (o Owner) Only(kinds []DataKind) Owner {
	named := Owner{Name: o.Name}
	if slices.Contains(kinds, DataAddress) {
		named.Address = o.Address
	}
	if slices.Contains(kinds, DataBirthDate) {
		named.BirthDate = o.BirthDate
	}
	if slices.Contains(kinds, DataBirthPlace) {
		named.BirthPlace = o.BirthPlace
	}
	if slices.Contains(kinds, DataPhone) {
		named.PhoneNumber = o.PhoneNumber
	}
	return named
}

// ConsentText identifies the text that a user agreed to.
type ConsentText struct {
	// Version is ConsentTextVersion, ConsentTextOfClient or the like.
	Version string
	// Language and Words are those of our page; empty without one.
	Language string
	Words    string
}

// Consent records a user's consent: who gave it, when, for which accounts, to which
// text, and until when (PSD2 Art. 67). It is evidence and never changes.
type Consent struct {
	UserID       UserID
	ConnectionID ConnectionID
	// ChannelID is zero for a consent to what a file brings.
	ChannelID ChannelID
	// AllAccounts covers all present and future accounts; Accounts is then empty.
	AllAccounts bool
	Accounts    []AccountID
	Text        ConsentText
	GivenAt     time.Time
	ValidUntil  time.Time
}

// AccountConsent is the decision about one account (contract §4.11).
type AccountConsent struct {
	AccountID AccountID
	Consent   bool
}
