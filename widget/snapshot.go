package widget

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/connect"
)

// snapshot finds out all that decides what comes next in a flow.
func (w *Widget) snapshot(ctx context.Context, s session, f *flow) (snapshot, error) {
	found := snapshot{session: s, flow: f}
	if f.Entry == professional {
		accounts, err := w.DB.Read().AccountsOfUser(ctx, s.UserID)
		if err != nil {
			return found, err
		}
		found.someValidated = slices.ContainsFunc(accounts, func(a oxlin.Account) bool {
			return slices.Contains(f.ReviewedAccounts, a.ID) && a.Status != oxlin.AccountSuspended
		})
		found.suspended = slices.DeleteFunc(accounts, func(a oxlin.Account) bool {
			return a.Status != oxlin.AccountSuspended || f.RequestedConnection != 0 && a.ConnectionID != f.RequestedConnection
		})
		return found, nil
	}
	if f.Provider == "" {
		return found, nil
	}
	found.provider, _ = w.Service.Providers.Get(f.Provider)
	if f.ConnectionID == 0 {
		found.connectionDeleted = f.RequestedConnection != 0 || f.Entered != ""
		return found, nil
	}
	definition := f.Definition
	if definition == "" && len(found.provider.ChannelDefinitions) > 0 {
		definition = found.provider.ChannelDefinitions[0].ID
	}
	work, err := w.work(ctx, s, f, definition)
	if oxlin.IsNotFound(err) {
		return w.afterDeletion(ctx, s, f, err)
	}
	if err != nil {
		return found, err
	}
	found.work = &work
	return found, nil
}

// work is what is done in a flow's channel. A choice of accounts sets every channel to
// work: there it is the one that is at it.
func (w *Widget) work(ctx context.Context, s session, f *flow, definition oxlin.ChannelDefinitionID) (connect.ChannelProgress, error) {
	work, err := w.Service.Connections.Progress(ctx, s.caller(), f.ConnectionID, definition)
	if err != nil || f.Entry != manageAccounts {
		return work, err
	}
	for _, channel := range work.Connection.Channels {
		if channel.Status == oxlin.ChannelRunning && channel.DefinitionID != definition {
			return w.Service.Connections.Progress(ctx, s.caller(), f.ConnectionID, channel.DefinitionID)
		}
	}
	return work, nil
}

// afterDeletion looks again at a flow whose connection is not there, because another
// request has deleted it since the flow was read: the flow says what became of it.
func (w *Widget) afterDeletion(ctx context.Context, s session, f *flow, missing error) (snapshot, error) {
	now, err := w.flow(ctx, f.ID)
	if err != nil {
		return snapshot{}, err
	}
	if now.ConnectionID != 0 {
		return snapshot{}, missing
	}
	now.Language = f.Language // it may have been chosen by this request
	*f = *now
	return w.snapshot(ctx, s, f)
}
