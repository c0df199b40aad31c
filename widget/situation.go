package widget

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
)

// situation finds out all that decides what comes next in a flow.
func (w *Widget) situation(ctx context.Context, s session, f *flow) (situation, error) {
	found := situation{session: s, flow: f}
	caller := s.caller()
	if f.Entry == professional {
		accounts, err := w.DB.Read().AccountsOfUser(ctx, s.UserID)
		if err != nil {
			return found, err
		}
		found.validated = slices.ContainsFunc(accounts, func(a oxlin.Account) bool {
			return slices.Contains(f.Waited, a.ID) && a.Status != oxlin.AccountSuspended
		})
		found.suspended = slices.DeleteFunc(accounts, func(a oxlin.Account) bool {
			return a.Status != oxlin.AccountSuspended || f.Bound != 0 && a.ConnectionID != f.Bound
		})
		return found, nil
	}
	if f.Provider == "" {
		return found, nil
	}
	found.provider, _ = w.Service.Catalogue.Provider(f.Provider)
	if f.ConnectionID == 0 {
		found.gone = f.Bound != 0 || f.Entered != ""
		return found, nil
	}
	definition := f.Definition
	if definition == "" && len(found.provider.ChannelDefinitions) > 0 {
		definition = found.provider.ChannelDefinitions[0].ID
	}
	work, err := w.Service.Work(ctx, caller, f.ConnectionID, definition)
	if err != nil {
		return found, err
	}
	if f.Entry == manageAccounts {
		// A choice of accounts sets every channel to work: the one that is at it counts.
		for _, channel := range work.Connection.Channels {
			if channel.Status == oxlin.ChannelRunning && channel.DefinitionID != definition {
				work, err = w.Service.Work(ctx, caller, f.ConnectionID, channel.DefinitionID)
				if err != nil {
					return found, err
				}
				break
			}
		}
	}
	found.work = &work
	return found, nil
}
