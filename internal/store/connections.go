package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func connection(row query.Connection) oxlin.Connection {
	return oxlin.Connection{
		ID: row.ID, UserID: row.UserID, ProviderID: row.ProviderID, Name: row.Name, AutoSync: row.AutoSync,
		ConsentPerAccount: row.ConsentPerAccount, Owner: row.Owner.V, UnsharedOwner: row.UnsharedOwner.V, CreatedAt: row.CreatedAt.Time,
	}
}

// channel is a row without its access, which lists do not show.
func channel(row query.FindChannelRow) oxlin.Channel {
	return oxlin.Channel{
		ID: row.ID, ConnectionID: row.ConnectionID, DefinitionID: row.DefinitionID, Mode: row.Mode, Status: row.Status,
		AwaitsConsent: row.AwaitsConsent, AskedIn: row.AskedIn, ConsentUntil: row.ConsentUntil.Time, LastSuccessAt: row.LastSuccessAt.Time,
		LastEndAt: row.LastEndAt.Time, NextSyncAt: row.NextSyncAt.Time, Failures: int(row.Failures),
		EndlessListAt: row.EndlessListAt.Time, UnattendedPerDay: int(row.UnattendedPerDay),
	}
}

// Connection returns a connection with its channels.
func (r Reader) Connection(ctx context.Context, id oxlin.ConnectionID) (oxlin.Connection, error) {
	row, err := r.q.FindConnection(ctx, id)
	c, err := found(row, err, "connection", connection)
	if err != nil {
		return c, err
	}
	return r.withChannels(ctx, c)
}

// BankAndClient returns the bank of a channel and the client of its user.
func (r Reader) BankAndClient(ctx context.Context, id oxlin.ChannelID) (oxlin.ProviderID, oxlin.ClientID, error) {
	row, err := r.q.FindBankAndClient(ctx, id)
	row, err = found(row, err, "channel", func(row query.FindBankAndClientRow) query.FindBankAndClientRow { return row })
	return row.ProviderID, row.ClientID, err
}

// Connections lists a user's connections with their channels, by id.
func (r Reader) Connections(ctx context.Context, id oxlin.UserID) ([]oxlin.Connection, error) {
	rows, err := r.q.ListConnections(ctx, id)
	connections, err := each(rows, err, "connection", connection)
	if err != nil {
		return nil, err
	}
	for i, c := range connections {
		connections[i], err = r.withChannels(ctx, c)
		if err != nil {
			return nil, err
		}
	}
	return connections, nil
}

func (r Reader) withChannels(ctx context.Context, c oxlin.Connection) (oxlin.Connection, error) {
	rows, err := r.q.ListChannels(ctx, c.ID)
	c.Channels, err = each(rows, err, "channel", func(row query.ListChannelsRow) oxlin.Channel { return channel(query.FindChannelRow(row)) })
	if err != nil {
		return c, err
	}
	for i, channel := range c.Channels {
		if channel.Mode != oxlin.ModeEmbedded {
			continue
		}
		rows, err := r.q.ListMaskedCredentials(ctx, channel.ID)
		if err != nil {
			return c, fmt.Errorf("list credentials: %w", err)
		}
		for _, row := range rows {
			c.Channels[i].Credentials = append(c.Channels[i].Credentials, oxlin.Credential{ID: row.ID, Masked: row.Masked})
		}
	}
	return c, nil
}

// Channel returns a channel by its internal id.
func (r Reader) Channel(ctx context.Context, id oxlin.ChannelID) (oxlin.Channel, error) {
	row, err := r.q.FindChannel(ctx, id)
	return found(row, err, "channel", channel)
}

// Access returns the sealed access that SetAccess stored for a channel; empty without one.
func (r Reader) Access(ctx context.Context, id oxlin.ChannelID) ([]byte, error) {
	sealed, err := r.q.ChannelAccess(ctx, id)
	return found(sealed, err, "channel", func(b []byte) []byte { return b })
}

// Appointment is the time at which the daily synchronisation of a channel is due.
type Appointment struct {
	Channel oxlin.ChannelID
	At      time.Time
}

// DueChannels lists the channels whose daily synchronisation is due, in the order of
// their due time. It begins behind an appointment; the zero one is before all.
func (r Reader) DueChannels(ctx context.Context, now time.Time, behind Appointment, most int) ([]Appointment, error) {
	rows, err := r.q.DueChannels(ctx, query.DueChannelsParams{
		Now: query.At(now), After: query.At(behind.At), Last: behind.Channel, Most: int64(most),
	})
	return each(rows, err, "due channel", func(row query.DueChannelsRow) Appointment { return Appointment{row.ID, row.NextSyncAt.Time} })
}

// CountChannels counts the channels of all users by status.
func (r Reader) CountChannels(ctx context.Context) (map[oxlin.ChannelStatus]int, error) {
	rows, err := r.q.CountChannels(ctx)
	if err != nil {
		return nil, fmt.Errorf("count channels: %w", err)
	}
	counts := map[oxlin.ChannelStatus]int{}
	for _, row := range rows {
		counts[row.Status] = int(row.Channels)
	}
	return counts, nil
}

// Consents lists the consents given for a connection, the oldest first. Those to what files bring
// have no channel.
func (r Reader) Consents(ctx context.Context, id oxlin.ConnectionID) ([]oxlin.Consent, error) {
	given, err := r.q.ListFileConsents(ctx, id)
	byFiles, err := each(given, err, "consent", func(row query.FileConsent) oxlin.Consent {
		return oxlin.Consent{
			UserID: row.UserID, ConnectionID: row.ConnectionID, Accounts: row.Accounts.V,
			Text: oxlin.ConsentText{Version: row.TextVersion, Language: row.Language, Words: row.Words}, GivenAt: row.GivenAt.Time,
		}
	})
	if err != nil {
		return nil, err
	}
	rows, err := r.q.ListConsents(ctx, id)
	all, err := each(rows, err, "consent", func(row query.Consent) oxlin.Consent {
		return oxlin.Consent{
			UserID: row.UserID, ConnectionID: row.ConnectionID, ChannelID: row.ChannelID, AllAccounts: row.AllAccounts,
			Accounts: row.Accounts.V, Text: oxlin.ConsentText{Version: row.TextVersion, Language: row.Language, Words: row.Words},
			GivenAt: row.GivenAt.Time, ValidUntil: row.ValidUntil.Time,
		}
	})
	if err != nil {
		return nil, err
	}
	all = append(all, byFiles...)
	slices.SortStableFunc(all, func(a, b oxlin.Consent) int { return a.GivenAt.Compare(b.GivenAt) })
	return all, nil
}

// InsertFileConsent stores the consent to what a file brings as evidence. It shares nothing that a
// bank has told.
func InsertFileConsent(ctx context.Context, tx *Tx, c oxlin.Consent) error {
	err := tx.q.InsertFileConsent(ctx, query.InsertFileConsentParams{
		UserID: c.UserID, ConnectionID: c.ConnectionID, Accounts: query.AsJSON(c.Accounts),
		TextVersion: c.Text.Version, Language: c.Text.Language, Words: c.Text.Words, GivenAt: query.At(c.GivenAt),
	})
	if err != nil {
		return fmt.Errorf("insert consent: %w", err)
	}
	return nil
}

// InsertConnection stores a new connection, without its channels.
func (tx *Tx) InsertConnection(ctx context.Context, c oxlin.Connection) (oxlin.ConnectionID, error) {
	id, err := tx.q.InsertConnection(ctx, query.InsertConnectionParams{
		UserID: c.UserID, ProviderID: c.ProviderID, Name: c.Name, AutoSync: c.AutoSync,
		ConsentPerAccount: c.ConsentPerAccount, Owner: query.AsJSON(c.Owner), UnsharedOwner: query.AsJSON(c.UnsharedOwner),
		CreatedAt: query.At(c.CreatedAt),
	})
	if err != nil {
		return 0, fmt.Errorf("insert connection: %w", err)
	}
	return id, nil
}

// UpdateConnection writes all changeable fields of a connection except its channels and its
// owner, which SetUnsharedOwner and InsertConsent write.
func (tx *Tx) UpdateConnection(ctx context.Context, c oxlin.Connection) error {
	err := tx.q.UpdateConnection(ctx, query.UpdateConnectionParams{
		ID: c.ID, Name: c.Name, AutoSync: c.AutoSync, ConsentPerAccount: c.ConsentPerAccount,
	})
	if err != nil {
		return fmt.Errorf("update connection: %w", err)
	}
	return nil
}

// SetUnsharedOwner stores what the bank says about the customer of a connection, until a
// consent shares it; the zero Owner drops it. With share, a consent that the user has given
// before shares it at once.
func (tx *Tx) SetUnsharedOwner(ctx context.Context, id oxlin.ConnectionID, owner oxlin.Owner, share bool) error {
	err := tx.q.SetUnsharedOwner(ctx, query.SetUnsharedOwnerParams{ID: id, UnsharedOwner: query.AsJSON(owner)})
	if err == nil && share {
		err = tx.q.ShareOwner(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("set owner: %w", err)
	}
	return nil
}

// InsertChannel stores a new channel, without access.
func (tx *Tx) InsertChannel(ctx context.Context, c oxlin.Channel) (oxlin.ChannelID, error) {
	id, err := tx.q.InsertChannel(ctx, query.InsertChannelParams{
		ConnectionID: c.ConnectionID, DefinitionID: c.DefinitionID, Mode: c.Mode, Status: c.Status,
		AwaitsConsent: c.AwaitsConsent, AskedIn: c.AskedIn, ConsentUntil: query.At(c.ConsentUntil), LastSuccessAt: query.At(c.LastSuccessAt),
		LastEndAt: query.At(c.LastEndAt), NextSyncAt: query.At(c.NextSyncAt), Failures: int64(c.Failures),
		EndlessListAt: query.At(c.EndlessListAt),
	})
	if err != nil {
		return 0, fmt.Errorf("insert channel: %w", err)
	}
	return id, nil
}

// UpdateChannel writes all changeable fields of a channel except its access.
func (tx *Tx) UpdateChannel(ctx context.Context, c oxlin.Channel) error {
	err := tx.q.UpdateChannel(ctx, query.UpdateChannelParams{
		ID: c.ID, Status: c.Status, AwaitsConsent: c.AwaitsConsent, AskedIn: c.AskedIn, ConsentUntil: query.At(c.ConsentUntil),
		LastSuccessAt: query.At(c.LastSuccessAt), LastEndAt: query.At(c.LastEndAt),
		NextSyncAt: query.At(c.NextSyncAt), Failures: int64(c.Failures), EndlessListAt: query.At(c.EndlessListAt),
	})
	if err != nil {
		return fmt.Errorf("update channel: %w", err)
	}
	return nil
}

// SetAccess stores the access to the bank, sealed by the caller, and ends its renewal. nil
// destroys it.
func (tx *Tx) SetAccess(ctx context.Context, id oxlin.ChannelID, sealed []byte) error {
	err := tx.q.SetChannelAccess(ctx, query.SetChannelAccessParams{ID: id, Access: sealed})
	if err == nil {
		err = tx.q.EndRenewal(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("set access: %w", err)
	}
	return nil
}

// SetUnattendedPerDay stores how often a day the access of a channel may be used without the user, if
// the bank has lowered it; else 0.
func SetUnattendedPerDay(ctx context.Context, tx *Tx, id oxlin.ChannelID, times int) error {
	err := tx.q.SetUnattendedPerDay(ctx, query.SetUnattendedPerDayParams{ID: id, UnattendedPerDay: int64(times)})
	if err != nil {
		return fmt.Errorf("set accesses of a day: %w", err)
	}
	return nil
}

// InsertConsent stores a consent as evidence, and shares the connection's owner.
func (tx *Tx) InsertConsent(ctx context.Context, c oxlin.Consent) error {
	err := tx.q.InsertConsent(ctx, query.InsertConsentParams{
		UserID: c.UserID, ConnectionID: c.ConnectionID, ChannelID: c.ChannelID, AllAccounts: c.AllAccounts,
		Accounts: query.AsJSON(c.Accounts), TextVersion: c.Text.Version, Language: c.Text.Language, Words: c.Text.Words,
		GivenAt: query.At(c.GivenAt), ValidUntil: query.At(c.ValidUntil),
	})
	if err != nil {
		return fmt.Errorf("insert consent: %w", err)
	}
	err = tx.q.ShareOwner(ctx, c.ConnectionID)
	if err != nil {
		return fmt.Errorf("share owner: %w", err)
	}
	return nil
}
