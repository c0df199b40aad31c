package oxlin

import (
	"database/sql/driver"
	"fmt"
	"strconv"
)

// Ids are numbers of a database sequence, written as decimal strings on the
// wire; clients turn them into integers. They are never derived from bank data,
// never reused and never changed. Each type of resource has its own type of id, so
// that the compiler rejects a wrong one.
type (
	// UserID names a User.
	UserID int64
	// ConnectionID names a Connection.
	ConnectionID int64
	// ChannelID names a Channel inside; clients see its ChannelDefinitionID.
	ChannelID int64
	// SyncID names a Synchronisation; writes are fenced by it.
	SyncID int64
	// AccountID names an Account.
	AccountID int64
	// TransactionID names a Transaction.
	TransactionID int64
	// QueueID names a Queue.
	QueueID int64
	// EventID counts the events of one user, without gaps.
	EventID int64
	// FlowID names a widget flow.
	FlowID int64
)

// Ids of the catalogue, which clients treat as strings.
type (
	// ClientID is the client_id of OAuth2 (RFC 6749 §2.2).
	ClientID string
	// ProviderID names a Provider: "87".
	ProviderID string
	// ChannelDefinitionID names a ChannelDefinition within a provider: "8701", "redirect1".
	ChannelDefinitionID string
	// CredentialID names a CredentialDefinition: "300".
	CredentialID string
)

// ParseID reads the decimal string of an id. For any other text, ok is false.
func ParseID[T ~int64](s string) (id T, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return 0, false
	}
	return T(n), true
}

func formatID[T ~int64](id T) string { return strconv.FormatInt(int64(id), 10) }

func (id UserID) String() string        { return formatID(id) }
func (id ConnectionID) String() string  { return formatID(id) }
func (id ChannelID) String() string     { return formatID(id) }
func (id SyncID) String() string        { return formatID(id) }
func (id AccountID) String() string     { return formatID(id) }
func (id TransactionID) String() string { return formatID(id) }
func (id QueueID) String() string       { return formatID(id) }
func (id EventID) String() string       { return formatID(id) }
func (id FlowID) String() string        { return formatID(id) }

// Value stores zero as NULL, for an account without a connection.
func (id ConnectionID) Value() (driver.Value, error) { return idValue(id) }

// Scan implements sql.Scanner.
func (id *ConnectionID) Scan(value any) error { return scanID(id, value) }

// Value stores zero as NULL, for an authorization that a client begins itself.
func (id FlowID) Value() (driver.Value, error) { return idValue(id) }

// Scan implements sql.Scanner.
func (id *FlowID) Scan(value any) error { return scanID(id, value) }

func idValue[T ~int64](id T) (driver.Value, error) {
	if id == 0 {
		return nil, nil
	}
	return int64(id), nil
}

func scanID[T ~int64](id *T, value any) error {
	switch v := value.(type) {
	case nil:
		*id = 0
	case int64:
		*id = T(v)
	default:
		return fmt.Errorf("an id is stored as a number, not %T", value)
	}
	return nil
}
