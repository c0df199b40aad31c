package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Filter selects entries. Zero fields select all.
type Filter struct {
	// User selects by the pseudonym. Of a deleted user, nothing is found.
	User       oxlin.UserID
	Client     oxlin.ClientID
	Connection oxlin.ConnectionID
	// Consent selects the life of a consent: its entries, and those of its connection that
	// belong to no other consent.
	Consent   int64
	Account   oxlin.AccountID
	RequestID string
	Action    Action
	// Since is the first instant, and Until the first one that is not selected any more.
	Since, Until time.Time
	// Before and After are ids at which a list page ends.
	Before, After int64
	NewestFirst   bool
}

// Find lists entries by their ids.
func (l *Log) Find(ctx context.Context, f Filter, most int) ([]Line, error) {
	rows, err := l.rows(ctx, f, most)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, 0, len(rows))
	for _, row := range rows {
		opened, err := l.open(ctx, row)
		if err != nil {
			return nil, err
		}
		lines = append(lines, opened)
	}
	return lines, nil
}

func (l *Log) rows(ctx context.Context, f Filter, most int) ([]store.AuditEntry, error) {
	reader := l.reader()
	stored := store.AuditFilter{
		Client: f.Client, Connection: f.Connection, Consent: f.Consent, Account: f.Account, RequestID: f.RequestID,
		Action: string(f.Action), Since: f.Since, Until: f.Until, Before: f.Before, After: f.After, NewestFirst: f.NewestFirst,
	}
	if f.User != 0 {
		k, err := reader.Key(ctx, f.User)
		if oxlin.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		stored.Subject = k.Subject
	}
	return reader.Entries(ctx, stored, most)
}

// open returns an entry with what its user's key opens.
func (l *Log) open(ctx context.Context, row store.AuditEntry) (Line, error) {
	opened := Line{
		ID: row.ID, Batch: row.Batch, At: row.At, Action: Action(row.Action), Outcome: Outcome(row.Outcome), Actor: Actor(row.Actor),
		Client: row.Client, Subject: row.Subject, User: row.UserID, Connection: row.Connection, Consent: row.Consent,
		Account: row.Account, RequestID: row.RequestID,
	}
	err := json.Unmarshal([]byte(row.Details), &opened.Details)
	if err != nil {
		return opened, fmt.Errorf("%w: entry %d: %w", ErrBroken, row.ID, err)
	}
	opened.Source, opened.Reason = opened.Details[sourceMember], opened.Details[reasonMember]
	sealed := opened.Details[sealedMember]
	for _, member := range []string{sourceMember, reasonMember, sealedMember} {
		delete(opened.Details, member)
	}
	if sealed == "" || row.UserID == 0 {
		return opened, nil
	}
	k, err := l.readKey(ctx, row.UserID)
	if oxlin.IsNotFound(err) {
		return opened, nil // deleted meanwhile
	}
	if err != nil {
		return opened, err
	}
	h, err := k.reveal(sealed)
	if err != nil {
		return opened, fmt.Errorf("%w: entry %d: %w", ErrBroken, row.ID, err)
	}
	opened.Source, opened.Reason = h.Source, h.Reason
	return opened, nil
}

// readKey returns the key of a user outside of any transaction.
func (l *Log) readKey(ctx context.Context, user oxlin.UserID) (key, error) {
	k, ok := l.keys.get(user, l.options.Now())
	if ok {
		return k, nil
	}
	stored, err := l.reader().Key(ctx, user)
	if err != nil {
		return key{}, err
	}
	opened, err := l.openKey(stored, user)
	if err == nil {
		l.keys.put(user, opened, l.options.Now())
	}
	return opened, err
}
