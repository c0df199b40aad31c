package connect

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
)

// ChannelProgress is how far a channel's synchronisation is, for a page that a user
// watches.
type ChannelProgress struct {
	// Connection has all channels of its provider.
	Connection oxlin.Connection
	Channel    oxlin.Channel
	// Accounts are those of the connection.
	Accounts []oxlin.Account
	// Sync is the live synchronisation; its id is zero if nothing runs.
	Sync oxlin.Synchronisation
	// Question waits for the user's answer; nil without a question.
	Question *Question
}

// Question is a bank's question in the middle of a synchronisation.
type Question struct {
	Challenges []oxlin.Challenge
	ExpiresAt  time.Time
}

// Progress reports the progress of a channel of the caller's user. A channel that was
// never used is EMPTY.
func (c *Connections) Progress(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) (ChannelProgress, error) {
	var progress ChannelProgress
	var err error
	progress.Connection, err = c.Get(ctx, caller, id)
	if err != nil {
		return progress, err
	}
	var known bool
	progress.Channel, known = progress.Connection.Channel(definition)
	if !known {
		return progress, oxlin.NotFound("channel definition")
	}
	reader := c.db.Read()
	progress.Accounts, err = reader.AccountsOfConnection(ctx, id)
	if err != nil || progress.Channel.ID == 0 {
		return progress, err
	}
	sync, err := reader.LiveSynchronisation(ctx, progress.Channel.ID)
	if oxlin.IsNotFound(err) {
		return progress, nil
	}
	if err != nil {
		return progress, err
	}
	progress.Sync = sync
	if sync.State != oxlin.SyncWaiting {
		return progress, nil
	}
	question, err := reader.Question(ctx, sync.ID)
	if oxlin.IsNotFound(err) || err == nil && question.Answers != nil {
		return progress, nil // it has just been answered
	}
	if err != nil {
		return progress, err
	}
	progress.Question = &Question{Challenges: question.Challenges, ExpiresAt: question.ExpiresAt}
	return progress, nil
}
