package oxlin

import "time"

// ImportSource is where a transaction came from. It is stored as JSON.
type ImportSource struct {
	// Sync is the synchronisation that imported it; zero if an earlier version did.
	Sync    SyncID              `json:"sync,omitempty"`
	Channel ChannelDefinitionID `json:"channel,omitempty"`
	// CategoryRule gave the category, which later readings leave as it is.
	CategoryRule string `json:"category_rule,omitempty"`
}

// Derivation tells how the shown values come from the bank's last record. It is stored as
// JSON.
type Derivation struct {
	LabelRule string `json:"label_rule,omitempty"`
	TypeRule  string `json:"type_rule,omitempty"`
	// Unread are the parts of the record that could not be read.
	Unread []string `json:"unread,omitempty"`
}

// TransactionChange is a change of a transaction by a reading.
type TransactionChange struct {
	Transaction TransactionID
	// Sync is the synchronisation that found it; zero if none did.
	Sync SyncID
	At   time.Time
	// Rule recognised the transaction, or is the reason for the change.
	Rule string
	// FormerBankID is the bank's id before the change, if the bank has given a new one.
	FormerBankID string
}

// Explanation tells where a transaction came from and what has become of it.
type Explanation struct {
	Provider   ProviderID
	ImportedAt time.Time
	Import     ImportSource
	Derivation Derivation
	// BankIDs are all ids that the bank has given it, the oldest first.
	BankIDs []string
	// Changes are the last changes, the oldest first.
	Changes []TransactionChange
}
