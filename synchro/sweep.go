package synchro

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
)

// sweepSize bounds the channels that one sweep starts; the next one comes soon.
const sweepSize = 200

const (
	// suspect is the age at which a synchronisation may have lost its job.
	suspect = 10 * time.Minute
	// hopeless is the age at which a synchronisation will not come to an end.
	hopeless = 24 * time.Hour
)

// Sweep starts what is due: the daily synchronisations, and the end of consents.
// It also sees to it that no synchronisation runs for ever. Any node may call it
// at any time, and several at once.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	due, err := s.DB.Read().DueChannels(ctx, now, sweepSize)
	if err != nil {
		return err
	}
	for _, id := range due {
		err := s.sweepChannel(ctx, id)
		if err != nil && !oxlin.IsNotFound(err) {
			// One channel that cannot be started must not keep the others waiting.
			s.Log.ErrorContext(ctx, "a due channel was not started", "channel", id, "error", err)
		}
	}
	err = s.reviveLost(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		err := tx.DropAuthorizations(ctx, now)
		if err != nil {
			return err
		}
		return tx.DropUnattended(ctx, today(now).AddDays(-1))
	})
}

// reviveLost gives a job to synchronisations that may have lost theirs, as when
// it killed its process again and again; one that has a job keeps that one.
func (s *Service) reviveLost(ctx context.Context) error {
	now := s.Now()
	running, err := s.DB.Read().LongRunning(ctx, now.Add(-suspect), sweepSize)
	if err != nil {
		return err
	}
	for _, sync := range running {
		if now.Sub(sync.StartedAt) > hopeless {
			err = s.GiveUp(ctx, sync.ID, errors.New("it came to no end in a day"))
		} else {
			err = s.DB.Write(ctx, func(tx *store.Tx) error { return s.Queue.EnqueueRun(ctx, tx, sync, now) })
		}
		if err != nil {
			s.Log.ErrorContext(ctx, "a lost synchronisation was not revived", "sync", sync.ID, "error", err)
		}
	}
	return nil
}

func (s *Service) sweepChannel(ctx context.Context, id oxlin.ChannelID) error {
	reader := s.DB.Read()
	channel, err := reader.Channel(ctx, id)
	if err != nil {
		return err
	}
	connection, err := reader.Connection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	return s.DB.WriteFor(ctx, connection.UserID, func(tx *store.Tx) error {
		channel, err := tx.Channel(ctx, id)
		if err != nil {
			return err
		}
		if channel.NextSyncAt.IsZero() || channel.NextSyncAt.After(s.Now()) || channel.Status == oxlin.ChannelRunning {
			return nil // another node was here first
		}
		return s.startDue(ctx, tx, connection, channel)
	})
}

// startDue does what a channel's appointment was for.
func (s *Service) startDue(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	now := s.Now()
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
	return s.startOrList(ctx, tx, channel, oxlin.SyncAll, nil)
}

// startOrList starts a synchronisation; on a channel that has no account yet,
// because its first journey never got so far, the accounts are listed first.
func (s *Service) startOrList(ctx context.Context, tx *store.Tx, channel oxlin.Channel, kind oxlin.SyncKind, psu *oxlin.PSU) error {
	accounts, err := tx.AccountsOfConnection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	fed := slices.ContainsFunc(accounts, func(a oxlin.Account) bool { return a.LastChannelDefinition == channel.DefinitionID })
	if !fed {
		kind = oxlin.SyncListAccounts
	}
	return s.start(ctx, tx, channel, kind, psu, oxlin.SyncProgress{})
}
