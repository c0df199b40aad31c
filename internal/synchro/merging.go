package synchro

import (
	"cmp"
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// mergeAccounts brings the connection's accounts up to date with a listing. It
// returns the accounts that this channel reads.
func (r *run) mergeAccounts(ctx context.Context, tx *store.Tx, found listing) ([]oxlin.AccountID, error) {
	err := r.updateConnection(ctx, tx, found.owner)
	if err != nil {
		return nil, err
	}
	err = lister{r}.rememberEnd(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	fetched, err := r.withoutForgotten(ctx, tx, found.accounts)
	if err != nil {
		return nil, err
	}
	accounts, err := tx.Read().AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return nil, err
	}
	m := newMerging(accounts)
	m.addresses, err = store.AddressesOf(ctx, tx.Read(), r.channel.ID)
	if err != nil {
		return nil, err
	}
	result := reconcile.Accounts(m.known, fetched, r.channel.DefinitionID)
	for _, match := range result.Matches {
		if !r.readElsewhere(m.accounts[match.ID]) {
			m.add(m.accounts[match.ID], fetched[match.Row])
		}
	}
	if len(result.Renumbered) > 0 {
		r.log.WarnContext(ctx, "accounts of one name, without a number, have other ids of the bank than before: they are added anew, unless their rows tell which they are",
			"sync", r.sync.ID, "connection", r.connection.ID, "accounts", len(result.Renumbered))
	}
	for _, row := range result.New {
		account, err := r.insertAccount(ctx, tx, fetched[row])
		if err != nil {
			return nil, err
		}
		m.add(account, fetched[row])
	}
	readable, err := r.updateShown(ctx, tx, m)
	if err != nil {
		return nil, err
	}
	if found.unreadable > 0 {
		// One of the unreadable accounts may be a known one: the list proves no absence.
		r.log.WarnContext(ctx, "accounts of a list could not be read", "sync", r.sync.ID, "unreadable", found.unreadable)
		return withUnlisted(r, readable, m, result.Gone), nil
	}
	kept, err := r.markGone(ctx, tx, m, result)
	return withUnlisted(r, readable, m, kept), err
}

// withUnlisted adds the accounts that a list lacks although they may still be there. What is
// wrong with a list costs none of its accounts a reading.
func withUnlisted(r *run, readable []oxlin.AccountID, m *merging, lacking []oxlin.AccountID) []oxlin.AccountID {
	r.sync.Progress.Unlisted = nil
	for _, id := range lacking {
		if r.reads(m.accounts[id]) {
			r.sync.Progress.Unlisted = append(r.sync.Progress.Unlisted, id)
		}
	}
	return append(readable, r.sync.Progress.Unlisted...)
}

// reads reports whether the channel reads a known account, and the last plausible list had it.
func (r *run) reads(a oxlin.Account) bool {
	return a.LastChannelDefinition == r.channel.DefinitionID && a.Synchronised() && a.Status != oxlin.AccountNotFound
}

// updateConnection checks that the run is still live, reloads its connection, which a
// client may have changed meanwhile, and stores the owner that the bank named, for the
// consent to share.
func (r *run) updateConnection(ctx context.Context, tx *store.Tx, owner oxlin.Owner) error {
	err := r.fence(ctx, tx)
	if err != nil {
		return err
	}
	r.connection, err = tx.Read().Connection(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	channel, _ := r.connection.Channel(r.channel.DefinitionID)
	r.channel.AskedIn = channel.AskedIn // the user may have answered meanwhile
	if owner == (oxlin.Owner{}) || owner == r.connection.Holder() {
		return nil
	}
	err = tx.SetUnsharedOwner(ctx, r.connection.ID, owner, false)
	if err != nil {
		return err
	}
	r.connection, err = tx.Read().Connection(ctx, r.connection.ID)
	return err
}

// withoutForgotten leaves out the accounts that the user has deleted.
func (r *run) withoutForgotten(ctx context.Context, tx *store.Tx, shown []bank.Account) ([]bank.Account, error) {
	deleted, err := tx.Read().ForgottenAccounts(ctx, r.connection.ID)
	if err != nil {
		return nil, err
	}
	if len(deleted) == 0 {
		return shown, nil
	}
	var rest []bank.Account
	for _, a := range shown {
		currency := cmp.Or(a.Currency, r.connector.Profile().Currency)
		identities, err := r.engine.identities(shownIdentity(a, currency))
		if err != nil {
			return nil, err
		}
		is, renew := forgotten(deleted, identities)
		if !is {
			rest = append(rest, a)
		}
		if renew {
			err = rememberAnew(ctx, tx, r.connection.ID, identities)
			if err != nil {
				return nil, err
			}
		}
	}
	return rest, nil
}

// merging holds the stored accounts of a connection and the bank's descriptions of
// those that the channel reads.
type merging struct {
	accounts map[oxlin.AccountID]oxlin.Account
	known    []reconcile.KnownAccount
	shown    map[oxlin.AccountID]bank.Account
	// byAddress finds the account that a card is settled on.
	byAddress map[string]oxlin.AccountID
	// addresses are those of the list before.
	addresses map[oxlin.AccountID]string
}

func newMerging(accounts []oxlin.Account) *merging {
	m := &merging{
		accounts: make(map[oxlin.AccountID]oxlin.Account), known: make([]reconcile.KnownAccount, len(accounts)),
		shown: make(map[oxlin.AccountID]bank.Account), byAddress: make(map[string]oxlin.AccountID),
	}
	linked := make(map[oxlin.AccountID]string)
	for _, a := range accounts {
		linked[a.ID] = a.BankID
	}
	for i, a := range accounts {
		m.accounts[a.ID] = a
		m.known[i] = reconcile.KnownOf(a)
		if card := a.Details.CreditCard; card != nil {
			m.known[i].LinkedBankID = linked[card.LinkedAccountID]
		}
	}
	return m
}

// add notes that the bank shows an account.
func (m *merging) add(account oxlin.Account, shown bank.Account) {
	m.accounts[account.ID], m.shown[account.ID] = account, shown
	if shown.Address != "" {
		m.byAddress[shown.Address] = account.ID
	}
}

// updateShown stores the bank's descriptions and addresses. It returns the accounts that may be
// read, sorted.
func (r *run) updateShown(ctx context.Context, tx *store.Tx, m *merging) ([]oxlin.AccountID, error) {
	var readable, unnamed []oxlin.AccountID
	for id, shown := range m.shown {
		account := refreshed(m.accounts[id], shown, r.channel.DefinitionID)
		if shown.Currency == "" && account.CurrencyWord < oxlin.CurrencyOfBalance {
			unnamed = append(unnamed, id)
		}
		if shown.Currency != "" {
			var err error
			account, err = inCurrency(ctx, tx, account, shown.Currency, oxlin.CurrencyOfList)
			if err != nil {
				return nil, err
			}
		}
		account.Currency = cmp.Or(account.Currency, r.connector.Profile().Currency)
		// Only if no holder is known: a name that the bank gives with the account is
		// better, and two channels with different names must not alternate.
		if account.OwnerName == "" && shown.HeldByCustomer {
			account.OwnerName = r.connection.Holder().Name
		}
		if linked, ok := m.byAddress[shown.LinkedAddress]; ok && account.Details.CreditCard != nil {
			card := *account.Details.CreditCard
			card.LinkedAccountID = linked
			account.Details.CreditCard = &card
		}
		err := tx.UpdateAccount(ctx, account)
		if err == nil && m.addresses[id] != shown.Address {
			err = store.SetAddress(ctx, tx, id, r.channel.ID, shown.Address)
		}
		if err != nil {
			return nil, err
		}
		if account.Synchronised() {
			readable = append(readable, id)
		}
	}
	slices.Sort(readable)
	slices.Sort(unnamed)
	r.sync.Progress.Unnamed = unnamed
	return readable, nil
}

// markGone marks the accounts that the channel has read and two lists in a row lack as
// NOT_FOUND: one list may be an accident. A list that lacks half of them or more is suspect
// (contract §12.4): it proves no absence but of the accounts of which an operator has accepted
// it, which do not count. The others are returned: they are read all the same.
func (r *run) markGone(ctx context.Context, tx *store.Tx, m *merging, found reconcile.AccountResult) (kept []oxlin.AccountID, err error) {
	due, gone, lacking := 0, 0, found.Gone
	accepts := func(a oxlin.Account) bool { return a.Coverage.Doubt.Unlisted && a.Coverage.Doubt.Accepted }
	for _, known := range m.known {
		account := m.accounts[known.ID]
		absent := slices.Contains(lacking, known.ID)
		if !r.reads(account) || absent && accepts(account) {
			continue
		}
		due++
		if absent {
			gone++
		}
	}
	suspect := gone > 0 && 2*gone >= due
	if suspect {
		r.log.WarnContext(ctx, "the list of accounts lacks too many to be believed", "sync", r.sync.ID,
			"connection", r.connection.ID, "lacks", gone, "of", due)
	}
	for _, id := range lacking {
		account := m.accounts[id]
		covered := &account.Coverage
		switch {
		case !r.reads(account):
			continue
		case !accepts(account) && (suspect || !covered.Doubt.Unlisted):
			covered.Newest = oxlin.GapSuspect
			*covered = covered.Judged(r.now())
			if !covered.Doubt.Unlisted {
				covered.Doubt = oxlin.Doubt{Since: r.now(), Unlisted: true}
			}
			covered.Doubt.Replaced = slices.Contains(found.Replaced, id)
			kept = append(kept, id)
		default:
			covered.Gap, covered.Newest = "", ""
			account.Status, covered.Doubt = oxlin.AccountNotFound, oxlin.Doubt{}
		}
		err := tx.UpdateAccount(ctx, account)
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// readElsewhere reports whether another channel reads an account: an account of both
// channels is read by REDIRECT while its consent is valid (contract §11).
func (r *run) readElsewhere(account oxlin.Account) bool {
	if r.channel.Mode == oxlin.ModeRedirect || account.LastChannelDefinition == r.channel.DefinitionID {
		return false
	}
	other, used := r.connection.Channel(account.LastChannelDefinition)
	return used && other.Mode == oxlin.ModeRedirect && !other.Status.NeedsUser() && other.Status != oxlin.ChannelEmpty &&
		r.now().Before(other.ConsentUntil)
}

// insertAccount stores an account that the bank shows for the first time.
func (r *run) insertAccount(ctx context.Context, tx *store.Tx, shown bank.Account) (oxlin.Account, error) {
	account := oxlin.Account{
		UserID: r.connection.UserID, ConnectionID: r.connection.ID, Name: shown.Name, Type: shown.Type,
		Status: oxlin.AccountActive, Usage: shown.Usage, CreatedAt: r.now(),
	}
	if account.Usage == "" {
		account.Usage = oxlin.UsagePersonal
	}
	switch {
	case r.connection.ConsentPerAccount || r.channel.AskedIn != 0:
		account.Status = oxlin.AccountPendingConsent
	case account.Usage == oxlin.UsageProfessional:
		account.Status = oxlin.AccountSuspended
	}
	account = refreshed(account, shown, r.channel.DefinitionID)
	account.Currency = shown.Currency
	var err error
	account.ID, err = tx.InsertAccount(ctx, account)
	return account, err
}

// refreshed updates an account from the bank's description. Name and usage stay: they
// are the client's to change.
func refreshed(account oxlin.Account, shown bank.Account, definition oxlin.ChannelDefinitionID) oxlin.Account {
	keep := func(now, before string) string {
		if now == "" {
			return before
		}
		return now
	}
	account.BankID = shown.BankID
	account.Identities = withIdentities(account.Identities, shown.Identities)
	account.LastChannelDefinition = definition
	account.IBAN = keep(shown.IBAN, account.IBAN)
	account.Number = keep(shown.Number, account.Number)
	account.MaskedNumber = keep(shown.MaskedNumber, account.MaskedNumber)
	account.OwnerName = keep(shown.OwnerName, account.OwnerName)
	if shown.Details != (oxlin.AccountDetails{}) {
		account.Details = shown.Details
	}
	if account.Type == oxlin.AccountCreditCard && account.Details.CreditCard == nil {
		account.Details.CreditCard = &oxlin.CardDetails{MaskedNumber: account.MaskedNumber}
	}
	if account.Status == oxlin.AccountNotFound {
		account.Status = oxlin.AccountActive
	}
	if account.Coverage.Doubt.Unlisted {
		account.Coverage.Doubt = oxlin.Doubt{}
	}
	return account
}

// mostIdentities bounds the further identities that are kept of an account.
const mostIdentities = 20

// withIdentities adds what a list shows to the identities of an account. The newest stay.
func withIdentities(known, shown []oxlin.AccountIdentity) []oxlin.AccountIdentity {
	known = slices.Clone(known)
	for _, identity := range shown {
		if identity.Value != "" && !slices.Contains(known, identity) {
			known = append(known, identity)
		}
	}
	return known[max(0, len(known)-mostIdentities):]
}
