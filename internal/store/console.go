package store

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// UsersOfClient lists a client's users, the newest first, without their passwords' hashes.
func (r Reader) UsersOfClient(ctx context.Context, id oxlin.ClientID, most int) ([]oxlin.User, error) {
	rows, err := r.q.ListUsersOfClient(ctx, query.ListUsersOfClientParams{ClientID: id, Most: int64(most)})
	return each(rows, err, "user", func(row query.ListUsersOfClientRow) oxlin.User {
		return user(query.User{
			ID: row.ID, ClientID: row.ClientID, Email: row.Email, Profile: row.Profile, TermsAcceptedAt: row.TermsAcceptedAt,
			TermsVersion: row.TermsVersion, CreatedAt: row.CreatedAt,
		})
	})
}

// CountUsers counts a client's users.
func (r Reader) CountUsers(ctx context.Context, id oxlin.ClientID) (int64, error) {
	n, err := r.q.CountUsersOfClient(ctx, id)
	return found(n, err, "client", func(n int64) int64 { return n })
}

// EventsOfConnection lists the events of a connection, newest first.
func (r Reader) EventsOfConnection(ctx context.Context, c oxlin.Connection, most int) ([]oxlin.Event, error) {
	rows, err := r.q.ListEventsOfConnection(ctx, query.ListEventsOfConnectionParams{
		UserID: c.UserID, ConnectionID: int64(c.ID), Most: int64(most),
	})
	return each(rows, err, "event", event)
}

// Booking is the amount and the day of one transaction.
type Booking struct {
	Date   oxlin.Date
	Amount oxlin.Amount
	Status oxlin.TransactionStatus
}

// Bookings lists an account's transactions booked since a day, and all pending ones,
// newest first.
func (r Reader) Bookings(ctx context.Context, id oxlin.AccountID, since oxlin.Date) ([]Booking, error) {
	rows, err := r.q.ListBookings(ctx, query.ListBookingsParams{AccountID: id, Since: since})
	return each(rows, err, "booking", func(row query.ListBookingsRow) Booking { return Booking(row) })
}

// Ended is an ended synchronisation with its provider.
type Ended struct {
	ProviderID oxlin.ProviderID
	Kind       oxlin.SyncKind
	Outcome    oxlin.ChannelStatus
	Problem    string
	StartedAt  time.Time
	EndedAt    time.Time
}

// RecentlyEnded lists the synchronisations that ended since an instant, newest first.
func (r Reader) RecentlyEnded(ctx context.Context, since time.Time, most int) ([]Ended, error) {
	rows, err := r.q.ListRecentSyncs(ctx, query.ListRecentSyncsParams{Since: query.At(since), Most: int64(most)})
	return each(rows, err, "synchronisation", func(row query.ListRecentSyncsRow) Ended {
		return Ended{row.ProviderID, row.Kind, row.Outcome, row.Problem, row.StartedAt.Time, row.EndedAt.Time}
	})
}
