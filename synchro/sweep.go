package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
)

// sweepSize bounds the channels that one sweep starts; the next one comes soon.
const sweepSize = 200

// Sweep starts what is due: the daily synchronisations, and the end of consents.
// Any node may call it at any time, and several at once.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	due, err := s.DB.Read().DueChannels(ctx, now, sweepSize)
	if err != nil {
		return err
	}
	for _, id := range due {
		err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.sweepChannel(ctx, tx, id) })
		if err != nil && !oxlin.IsNotFound(err) {
			// One channel that cannot be started must not keep the others waiting.
			s.Log.ErrorContext(ctx, "a due channel was not started", "channel", id, "error", err)
		}
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		err := tx.DropAuthorizations(ctx, now)
		if err != nil {
			return err
		}
		return tx.DropUnattended(ctx, today(now).AddDays(-1))
	})
}

func (s *Service) sweepChannel(ctx context.Context, tx *store.Tx, id oxlin.ChannelID) error {
	now := s.Now()
	channel, err := tx.Channel(ctx, id)
	if err != nil {
		return err
	}
	if channel.NextSyncAt.IsZero() || channel.NextSyncAt.After(now) || channel.Status == oxlin.ChannelRunning {
		return nil // another node was here first
	}
	connection, err := tx.Connection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	if !channel.ConsentUntil.IsZero() && !now.Before(channel.ConsentUntil) {
		return s.failed(ctx, tx, connection, channel, oxlin.SyncAll, &bank.Failure{Kind: bank.AccessLost})
	}
	if channel.Status.NeedsUser() || channel.AwaitsConsent {
		channel.NextSyncAt = time.Time{}
		return tx.UpdateChannel(ctx, channel)
	}
	exhausted, err := s.quotaExhausted(ctx, tx, connection, channel, nil)
	if err != nil {
		return err
	}
	if exhausted {
		channel.NextSyncAt = next(connection, channel, now)
		return tx.UpdateChannel(ctx, channel)
	}
	kind := oxlin.SyncAll
	if channel.LastSuccessAt.IsZero() {
		kind = oxlin.SyncListAccounts // its first journey never ended
	}
	return s.start(ctx, tx, channel, kind, nil, oxlin.SyncProgress{})
}
