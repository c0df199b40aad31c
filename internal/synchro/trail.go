package synchro

import (
	"context"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// The names of what is read at a bank, for the audit log. They are stored and never change.
const (
	readsAccounts     = "accounts"
	readsOwner        = "owner"
	readsBalance      = "balance"
	readsTransactions = "transactions"
	forwardsConsent   = "consent"
	renewsAccess      = "renewal"
	logsIn            = "login"
	revokesAccess     = "revocation"
)

// origin returns the context of a job, whose entries in the audit log have the request and
// the actor that the synchronisation began with.
func origin(ctx context.Context, r *run) context.Context {
	ctx = audit.WithOrigin(ctx, audit.Origin{RequestID: r.sync.RequestID, Source: sourceOf(r.sync.PSU)})
	return audit.As(ctx, actorOf(r.sync.PSU), "")
}

func sourceOf(psu *oxlin.PSU) string {
	if psu == nil {
		return ""
	}
	return psu.IP
}

// actorOf returns the actor of a synchronisation: the user if they are present.
func actorOf(psu *oxlin.PSU) audit.Actor {
	if psu != nil {
		return audit.User
	}
	return audit.Platform
}

func attended(psu *oxlin.PSU) string {
	if psu != nil {
		return "yes"
	}
	return "no"
}

// about returns the entry for a channel's synchronisation.
func about(user oxlin.UserID, channel oxlin.Channel, sync oxlin.Synchronisation, consent int64) audit.Entry {
	return audit.Entry{
		User: user, Connection: channel.ConnectionID, Consent: consent, Details: audit.Details{
			audit.Channel: string(channel.DefinitionID), audit.Sync: sync.ID.String(), audit.Kind: string(sync.Kind), audit.Attended: attended(sync.PSU),
		},
	}
}

// ConsentOf returns the id of the consent by which a channel is read; zero before there is
// one.
func ConsentOf(ctx context.Context, r store.Reader, channel oxlin.Channel) (int64, error) {
	if channel.AskedIn != 0 || channel.AwaitsConsent {
		return 0, nil
	}
	id, until, err := store.AuditOf(r).LatestConsent(ctx, channel.ID)
	if err != nil || !until.Equal(channel.ConsentUntil) {
		return 0, err
	}
	return id, nil
}

// collected calls the bank and keeps an entry for each request, until the next transaction
// of the run. They concern the account, unless it is zero.
func collected(ctx context.Context, r *run, reads string, account oxlin.AccountID, call func(ctx context.Context) error) {
	ctx, calls := audit.Collect(ctx)
	err := call(ctx)
	if err == nil {
		r.sync.Progress.Answered = r.queue.Attempt(ctx)
	}
	entry := about(r.connection.UserID, r.channel, r.sync, r.consent)
	entry.Account = account
	entry.Details[audit.Resource], entry.Details[audit.Provider] = reads, string(r.connection.ProviderID)
	r.trail = append(r.trail, calls.Entries(entry, err)...)
}

// write runs a transaction for the connection's user, unless another attempt of the job has
// taken the run over. If the transaction is repeated, it finds the synchronisation as it was
// before. The requests to the bank are recorded with it.
func (r *run) write(ctx context.Context, change func(tx *store.Tx) error) error {
	before := r.sync
	err := r.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		r.sync, r.staging.updated = before, false
		err := r.queue.Guard(ctx, tx)
		if err != nil {
			return err
		}
		// The accesses come before the change that follows from them.
		err = r.audit.Record(ctx, tx, r.trail...)
		if err != nil {
			return err
		}
		return change(tx)
	})
	if err == nil {
		r.trail = nil
		r.staging.saved(r.sync.Progress, r.now())
	}
	return err
}

// noteTrail notes the requests to the bank that led to no change.
func noteTrail(ctx context.Context, r *run) {
	for _, entry := range r.trail {
		r.audit.Note(ctx, entry)
	}
	r.trail = nil
}

// recordEnd records the end of a synchronisation.
func recordEnd(ctx context.Context, tx *store.Tx, log *audit.Log, connection oxlin.Connection, channel oxlin.Channel, sync oxlin.Synchronisation) error {
	consent, err := ConsentOf(ctx, tx.Read(), channel)
	if err != nil {
		return err
	}
	entry := about(connection.UserID, channel, sync, consent)
	entry.Action, entry.Outcome = audit.SyncEnded, audit.Failed
	entry.RequestID, entry.Source, entry.Actor = sync.RequestID, sourceOf(sync.PSU), actorOf(sync.PSU)
	entry.Details[audit.Status] = string(sync.Outcome)
	switch sync.Outcome {
	case oxlin.ChannelSuccess:
		entry.Outcome = audit.Done
	case "":
		entry.Details[audit.Status] = "superseded"
	}
	return log.Record(ctx, tx, entry)
}

// KeepConsent stores a consent as evidence, and records it.
func (e *Engine) KeepConsent(ctx context.Context, tx *store.Tx, definition oxlin.ChannelDefinitionID, consent oxlin.Consent) error {
	err := tx.InsertConsent(ctx, consent)
	if err != nil {
		return err
	}
	id, _, err := store.AuditOf(tx.Read()).LatestConsent(ctx, consent.ChannelID)
	if err != nil {
		return err
	}
	accounts := "all"
	if !consent.AllAccounts {
		accounts = strconv.Itoa(len(consent.Accounts))
	}
	return e.audit.Record(ctx, tx, audit.Entry{
		Action: audit.ConsentGiven, Actor: audit.User, User: consent.UserID, Connection: consent.ConnectionID, Consent: id,
		Details: audit.Details{
			audit.Channel: string(definition), audit.Version: consent.Text.Version, audit.Language: consent.Text.Language, audit.Count: accounts,
		},
	})
}

// KeepFileConsent stores the consent to what a file brings as evidence, and records it.
func (e *Engine) KeepFileConsent(ctx context.Context, tx *store.Tx, consent oxlin.Consent) error {
	err := store.InsertFileConsent(ctx, tx, consent)
	if err != nil {
		return err
	}
	return e.audit.Record(ctx, tx, audit.Entry{
		Action: audit.ConsentGiven, Actor: audit.User, User: consent.UserID, Connection: consent.ConnectionID,
		Details: audit.Details{
			audit.Channel: "file", audit.Version: consent.Text.Version, audit.Language: consent.Text.Language,
			audit.Count: strconv.Itoa(len(consent.Accounts)),
		},
	})
}

// EndConsent records that the consent of a channel is withdrawn, if it has one.
func (e *Engine) EndConsent(ctx context.Context, tx *store.Tx, user oxlin.UserID, channel oxlin.Channel) error {
	id, _, err := store.AuditOf(tx.Read()).LatestConsent(ctx, channel.ID)
	if err != nil || id == 0 || channel.Status == oxlin.ChannelEmpty {
		return err
	}
	return e.audit.Record(ctx, tx, audit.Entry{
		Action: audit.ConsentWithdrawn, User: user, Connection: channel.ConnectionID, Consent: id,
		Details: audit.Details{audit.Channel: string(channel.DefinitionID)},
	})
}
