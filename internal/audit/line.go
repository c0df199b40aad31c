package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// exported is an entry as a line of JSON. The hash of a batch covers these lines, so its
// members, their names and their order never change.
type exported struct {
	ID         int64           `json:"id"`
	At         string          `json:"at"`
	Action     string          `json:"action"`
	Outcome    string          `json:"outcome"`
	Actor      string          `json:"actor"`
	Client     string          `json:"client,omitempty"`
	Subject    string          `json:"subject,omitempty"`
	Connection int64           `json:"connection,omitempty"`
	Consent    int64           `json:"consent,omitempty"`
	Account    int64           `json:"account,omitempty"`
	Request    string          `json:"request,omitempty"`
	Details    json.RawMessage `json:"details"`
}

const instantFormat = "2006-01-02T15:04:05.000000Z"

// line returns an entry as a line of JSON, without the end of the line.
func line(e store.AuditEntry) ([]byte, error) {
	text, err := encode(exported{
		ID: e.ID, At: e.At.UTC().Format(instantFormat), Action: e.Action, Outcome: e.Outcome, Actor: e.Actor,
		Client: string(e.Client), Subject: e.Subject, Connection: int64(e.Connection), Consent: e.Consent,
		Account: int64(e.Account), Request: e.RequestID, Details: json.RawMessage(e.Details),
	})
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.ID, err)
	}
	return text, nil
}

func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// Line is a stored entry.
type Line struct {
	ID int64
	// Batch is zero for an entry that is not sealed yet.
	Batch   int64
	At      time.Time
	Action  Action
	Outcome Outcome
	Actor   Actor
	Client  oxlin.ClientID
	// Subject is the pseudonym of a user. User is the user while they exist.
	Subject    string
	User       oxlin.UserID
	Connection oxlin.ConnectionID
	Consent    int64
	Account    oxlin.AccountID
	RequestID  string
	Details    map[string]string
	// Source and Reason are empty if they were sealed with the key of a deleted user.
	Source, Reason string
}
