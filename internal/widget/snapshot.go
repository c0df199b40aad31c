package widget

import (
	"context"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// snapshot reads the data that determines the current page of a flow.
func (w *Widget) snapshot(ctx context.Context, s session, f *flow) (snapshot, error) {
	found := snapshot{session: s, flow: f}
	if f.Entry == professional {
		accounts, err := w.options.DB.Read().AccountsOfUser(ctx, s.UserID)
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
	found.provider, _ = w.options.Service.Providers.Get(f.Provider)
	if f.ConnectionID == 0 {
		found.connectionDeleted = f.RequestedConnection != 0 || f.Entered != ""
		var err error
		if f.Entry == addConnection && !found.connectionDeleted {
			found.earlier, err = w.earlier(ctx, s.UserID, found.provider)
		}
		return found, err
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
	found.late = work.Sync.ID != 0 && w.options.Now().Sub(work.Sync.StartedAt) >= longAfter
	return found, nil
}

// longAfter is the time after which a page that waits for a bank offers to leave.
const longAfter = 20 * time.Second

// work returns the progress of a flow's channel. A selection of accounts synchronises
// every channel; then it is the progress of the running one.
func (w *Widget) work(ctx context.Context, s session, f *flow, definition oxlin.ChannelDefinitionID) (connect.ChannelProgress, error) {
	work, err := w.options.Service.Connections.Progress(ctx, s.caller(), f.ConnectionID, definition)
	if err != nil || f.Entry != manageAccounts {
		return work, err
	}
	for _, channel := range work.Connection.Channels {
		if channel.Status == oxlin.ChannelRunning && channel.DefinitionID != definition {
			return w.options.Service.Connections.Progress(ctx, s.caller(), f.ConnectionID, channel.DefinitionID)
		}
	}
	return work, nil
}

// afterDeletion reads a flow again after another request has deleted its connection. The
// flow has the outcome.
func (w *Widget) afterDeletion(ctx context.Context, s session, f *flow, missing error) (snapshot, error) {
	now, err := w.flow(ctx, f.ID)
	if err != nil {
		return snapshot{}, err
	}
	if now.ConnectionID != 0 {
		return snapshot{}, missing
	}
	now.Language = f.Language // this request may have chosen it
	*f = *now
	return w.snapshot(ctx, s, f)
}
