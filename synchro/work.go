package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// Work is how far the work on a channel is, for a user who looks on.
type Work struct {
	// Connection has all channels of its provider.
	Connection oxlin.Connection
	Channel    oxlin.Channel
	// Accounts are those of the connection.
	Accounts []oxlin.Account
	// Sync is the synchronisation that runs; its id is zero when none does.
	Sync oxlin.Synchronisation
	// Question waits for the user's answer; nil when none does.
	Question *Question
}

// Question is what a bank asks in the middle of a synchronisation.
type Question struct {
	Challenges []oxlin.Challenge
	ExpiresAt  time.Time
}

// Work looks at a channel of the caller's user. A channel that was never used is EMPTY.
func (s *Service) Work(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) (Work, error) {
	var work Work
	var err error
	work.Connection, err = s.Connection(ctx, caller, id)
	if err != nil {
		return work, err
	}
	var known bool
	work.Channel, known = work.Connection.Channel(definition)
	if !known {
		return work, oxlin.NotFound("channel definition")
	}
	reader := s.DB.Read()
	work.Accounts, err = reader.AccountsOfConnection(ctx, id)
	if err != nil || work.Channel.ID == 0 {
		return work, err
	}
	sync, err := reader.LiveSynchronisation(ctx, work.Channel.ID)
	if oxlin.IsNotFound(err) {
		return work, nil
	}
	if err != nil {
		return work, err
	}
	work.Sync = sync
	if sync.State != oxlin.SyncWaiting {
		return work, nil
	}
	question, err := reader.Question(ctx, sync.ID)
	if oxlin.IsNotFound(err) || err == nil && question.Answers != nil {
		return work, nil // it has just been answered
	}
	if err != nil {
		return work, err
	}
	work.Question = &Question{Challenges: question.Challenges, ExpiresAt: question.ExpiresAt}
	return work, nil
}

// Again starts the work on a channel anew, with what the user gave before: the
// listing of its accounts, which then wait for the consent that the widget asks
// for, or, where they have given it, the reading. One that runs is left alone.
func (s *Service) Again(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, consented bool) error {
	err := requireManaging(caller)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		switch {
		case !used || channel.Status == oxlin.ChannelEmpty:
			return oxlin.NotFound("channel")
		case channel.Status == oxlin.ChannelRunning:
			return nil
		}
		kind, progress := oxlin.SyncAll, oxlin.SyncProgress{}
		if !consented {
			kind, progress.AskConsent = oxlin.SyncListAccounts, true
		}
		return s.start(ctx, tx, channel, kind, present(caller.PSU), progress)
	})
}
