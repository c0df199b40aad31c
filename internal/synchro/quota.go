package synchro

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// keepAccesses is how many days the counts of accesses outlive their day, and so a
// deleted connection.
const keepAccesses = 2

// accountResource returns the name of a resource of an account for counting accesses. It
// contains what identifies the account at the bank, because two connections may read the
// same account. Where accounts of the channel have that in common, as at a bank that gives
// each of them the customer's number, the bank's id of the account is added. The names are
// hashed, so their form never changes.
func accountResource(resource string, account oxlin.Account, channel []oxlin.Account) string {
	identity := countedBy(account)
	if slices.ContainsFunc(channel, func(other oxlin.Account) bool { return other.ID != account.ID && countedBy(other) == identity }) {
		identity += " " + idOf(account)
	}
	return resource + " " + identity
}

// countedBy returns the number by which the accesses to an account are counted.
func countedBy(account oxlin.Account) string {
	switch {
	case account.IBAN != "":
		return "iban " + account.IBAN + " " + account.Currency + " " + string(account.Type)
	case account.MaskedNumber != "":
		return "masked " + account.MaskedNumber + " " + string(account.Type)
	}
	number := account.Number
	if reconcile.IsPlaceholder(number) {
		// Else all accounts of the bank would share one count.
		number = idOf(account)
	}
	return "number " + number + " " + string(account.Type)
}

// idOf returns the id of an account at its bank, else ours.
func idOf(account oxlin.Account) string {
	return cmp.Or(account.BankID, further(account), "of ours "+account.ID.String())
}

// further returns the first further identity of an account; empty without one.
func further(account oxlin.Account) string {
	if len(account.Identities) == 0 {
		return ""
	}
	return account.Identities[0].Value
}

// resourceOf returns the name of a resource of one of a connection's accounts, which a channel
// reads, or of the channel's login if the account is zero.
func resourceOf(resource string, account oxlin.AccountID, connection oxlin.Connection, accounts []oxlin.Account, definition oxlin.ChannelDefinitionID) string {
	at := slices.IndexFunc(accounts, func(a oxlin.Account) bool { return a.ID == account })
	if at < 0 {
		return loginResource(resource, connection, ofChannel(accounts, definition))
	}
	return accountResource(resource, accounts[at], ofChannel(accounts, definition))
}

// ofChannel keeps the accounts that a channel read last.
func ofChannel(accounts []oxlin.Account, definition oxlin.ChannelDefinitionID) []oxlin.Account {
	return slices.DeleteFunc(slices.Clone(accounts), func(a oxlin.Account) bool { return a.LastChannelDefinition != definition })
}

// loginResource returns the name of a resource of a login, such as its list of accounts.
// A login is recognised by one of its accounts, so that two connections with one login
// share their count, and two logins of one user do not. Before any account is known it is
// the connection's own.
func loginResource(resource string, connection oxlin.Connection, accounts []oxlin.Account) string {
	if len(accounts) == 0 {
		return resource + " connection " + connection.ID.String()
	}
	first := accountResource(resource, accounts[0], accounts)
	for _, account := range accounts[1:] {
		first = min(first, accountResource(resource, account, accounts))
	}
	return first
}

// accessSubjects returns the subject of an access: each way into a bank counts by user and
// resource, whichever connection asks. Behind the one that counts come those of older keys of
// keyed hashes, which may have counted earlier on the day of a rotation.
func (c *core) accessSubjects(connection oxlin.Connection, definition oxlin.ChannelDefinitionID, resource string) ([][]byte, error) {
	parts := []string{"unattended access", connection.UserID.String(), string(connection.ProviderID), string(definition), resource}
	return c.vault.MACs([]byte(strings.Join(parts, "\x00")))
}

// reservedAccess names an access that is counted before the run makes it. The name is stored, and
// holds no number of the account.
func reservedAccess(reads string, account oxlin.AccountID) string {
	return reads + " " + account.String()
}

// reserve counts the accesses of a run without the user when it starts: to the list and to the accounts
// that are known then, as far as the quota reaches. It returns what it has counted.
func (e *Engine) reserve(ctx context.Context, tx *store.Tx, channel oxlin.Channel) (oxlin.ReservedAccesses, error) {
	reserved := oxlin.ReservedAccesses{Day: e.Today()}
	connection, err := tx.Read().Connection(ctx, channel.ConnectionID)
	if err != nil {
		return reserved, err
	}
	connector, err := e.catalogue.Connector(connection.ProviderID, channel.DefinitionID)
	if err != nil {
		return reserved, nil // the run tells it
	}
	limit := perDay(connector, channel)
	if limit == 0 {
		return reserved, nil
	}
	accounts, err := tx.Read().AccountsOfConnection(ctx, connection.ID)
	if err != nil {
		return reserved, err
	}
	counts, err := tx.Read().UnattendedAccesses(ctx, connection.UserID, reserved.Day)
	if err != nil {
		return reserved, err
	}
	for name, resource := range resourcesOfRun(connection, channel, accounts) {
		subjects, err := e.accessSubjects(connection, channel.DefinitionID, resource)
		if err != nil {
			return reserved, err
		}
		if usedOf(counts, subjects) >= limit {
			continue
		}
		_, err = tx.CountUnattended(ctx, connection.UserID, subjects[0], reserved.Day)
		if err != nil {
			return reserved, err
		}
		counts[string(subjects[0])]++ // two accounts may share one
		reserved.Names = append(reserved.Names, name)
	}
	return reserved, nil
}

// perDay returns how often a day a channel's resources may be accessed without the user; 0 means no
// limit. The bank may have lowered it for the channel's access.
func perDay(connector bank.Connector, channel oxlin.Channel) int {
	limit := connector.Profile().UnattendedPerDay
	if channel.UnattendedPerDay == 0 || limit > 0 && limit < channel.UnattendedPerDay {
		return limit
	}
	return channel.UnattendedPerDay
}

// usedOf returns how often a resource was accessed: the sum over the subjects of all keys.
func usedOf(counts map[string]int, subjects [][]byte) (used int) {
	for _, subject := range subjects {
		used += counts[string(subject)]
	}
	return used
}

// resourcesOfRun yields the resources that a run over known accounts accesses, by the names under
// which they are reserved.
func resourcesOfRun(connection oxlin.Connection, channel oxlin.Channel, accounts []oxlin.Account) iter.Seq2[string, string] {
	accounts = ofChannel(accounts, channel.DefinitionID)
	return func(yield func(name, resource string) bool) {
		if !yield(reservedAccess(readsAccounts, 0), loginResource("accounts", connection, accounts)) {
			return
		}
		for _, account := range accounts {
			if !account.Synchronised() || account.Status == oxlin.AccountNotFound {
				continue
			}
			for _, reads := range []string{readsBalance, readsTransactions} {
				if !yield(reservedAccess(reads, account.ID), accountResource(reads, account, accounts)) {
					return
				}
			}
		}
	}
}

// takeReserved reports whether an access of the run was counted when it started, and takes it.
func takeReserved(r *run, reads string, account oxlin.AccountID) bool {
	name, reserved := reservedAccess(reads, account), &r.sync.Progress.Reserved
	if reserved.Day != today(r.now()) || !slices.Contains(reserved.Names, name) {
		return false
	}
	reserved.Names = slices.DeleteFunc(slices.Clone(reserved.Names), func(other string) bool { return other == name })
	return true
}

// giveBack counts what a run has reserved and not accessed as never accessed, because the run ends.
func giveBack(ctx context.Context, r *run, tx *store.Tx) error {
	reserved := r.sync.Progress.Reserved
	r.sync.Progress.Reserved = oxlin.ReservedAccesses{}
	if len(reserved.Names) == 0 {
		return nil
	}
	accounts, err := tx.Read().AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	for name, resource := range resourcesOfRun(r.connection, r.channel, accounts) {
		if !slices.Contains(reserved.Names, name) {
			continue
		}
		subjects, err := r.accessSubjects(r.connection, r.channel.DefinitionID, resource)
		if err != nil {
			return err
		}
		err = store.UncountUnattended(ctx, tx, r.connection.UserID, subjects[0], reserved.Day)
		if err != nil {
			return err
		}
	}
	return nil
}

// Quota describes the accesses without the user that a bank still allows a channel today
// (RTS Art. 36(5)(b)).
type Quota struct {
	// Limit is the number of accesses a day; 0 means no limit.
	Limit int
	// Used is the count of the resource that was accessed most.
	Used int
	// Reset is when the bank's next day begins.
	Reset time.Time
}

// Remaining returns the number of accesses that remain today.
func (q Quota) Remaining() int { return max(q.Limit-q.Used, 0) }

// Exhausted reports whether the bank would refuse another access.
func (q Quota) Exhausted() bool { return q.Limit > 0 && q.Used >= q.Limit }

// Quota returns the quota of a channel. The accounts are all of the connection, and
// counts those of its user today (see store.Reader.UnattendedAccesses).
func (e *Engine) Quota(connection oxlin.Connection, channel oxlin.Channel, accounts []oxlin.Account, counts map[string]int) (Quota, error) {
	quota := Quota{Reset: nextMidnight(e.now())}
	connector, err := e.catalogue.Connector(connection.ProviderID, channel.DefinitionID)
	if err != nil {
		return quota, err
	}
	quota.Limit = perDay(connector, channel)
	accounts = ofChannel(accounts, channel.DefinitionID)
	resources := []string{loginResource("accounts", connection, accounts), loginResource("owner", connection, accounts)}
	for _, account := range accounts {
		resources = append(resources, accountResource(readsTransactions, account, accounts), accountResource(readsBalance, account, accounts))
	}
	for _, resource := range resources {
		subjects, err := e.accessSubjects(connection, channel.DefinitionID, resource)
		if err != nil {
			return quota, err
		}
		quota.Used = max(quota.Used, usedOf(counts, subjects))
	}
	return quota, nil
}

// QuotaNow returns the quota of a channel from the stored accounts and counts. It is zero,
// without a limit, if the user is present.
func (e *Engine) QuotaNow(ctx context.Context, reader store.Reader, connection oxlin.Connection, channel oxlin.Channel, psu *oxlin.PSU) (Quota, error) {
	if psu != nil {
		return Quota{}, nil
	}
	accounts, err := reader.AccountsOfConnection(ctx, connection.ID)
	if err != nil {
		return Quota{}, err
	}
	counts, err := reader.UnattendedAccesses(ctx, connection.UserID, e.Today())
	if err != nil {
		return Quota{}, err
	}
	return e.Quota(connection, channel, accounts, counts)
}

// Today returns the day of which the banks count the accesses.
func (e *Engine) Today() oxlin.Date { return today(e.now()) }
