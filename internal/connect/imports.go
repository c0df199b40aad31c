package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/statement"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
)

// Imports are the use cases about files in which a bank's customer has downloaded statements.
type Imports struct {
	*core
	files files
}

// The limits of an import.
const (
	// MostFileBytes limits a file, packed and unpacked.
	MostFileBytes = 16 << 20
	mostFileRows  = 200_000
)

// NewImport is a file, and the answers to what it leaves open.
type NewImport struct {
	Content []byte
	// Account is the one that the file belongs to; zero if the file tells it. NewAccount makes one.
	Account    oxlin.AccountID
	NewAccount bool
	// Mapping is how a CSV or QIF file is read; nil if the file tells it.
	Mapping *Mapping
	// AddDifferences adds what differs from a channel's rows of the same days, too.
	AddDifferences bool
	// Agreed is how the user agreed on a page of ours, by sending the file; zero where a client sends it.
	Agreed FileAgreement
}

// Answer sets what the user, or the client, tells about the file: the id of its account or "new", and a
// Mapping as JSON. An empty text tells nothing. The error is CodeInvalidRequest with the field.
func (n *NewImport) Answer(account, mapping string) error {
	if mapping != "" {
		err := json.Unmarshal([]byte(mapping), &n.Mapping)
		if err != nil {
			return oxlin.Invalid("mapping", "The mapping has to be a JSON object.")
		}
	}
	switch account {
	case "":
	case "new":
		n.NewAccount = true
	default:
		var ok bool
		n.Account, ok = oxlin.ParseID[oxlin.AccountID](account)
		if !ok {
			return oxlin.Invalid(fieldAccount, "There is no account %q.", account)
		}
	}
	return nil
}

// FileAgreement is how a user agrees to what a file brings.
type FileAgreement struct {
	// Text is the text that the user read, for the evidence.
	Text oxlin.ConsentText
	// Count runs in the transaction that finds the accounts. Its error undoes it, and nothing is imported:
	// another form may have been first.
	Count func(ctx context.Context, tx *store.Tx) error
}

// Imported counts the news of a file.
type Imported struct {
	Connection oxlin.ConnectionID
	// Made reports whether the connection was made for it.
	Made     bool
	Accounts []ImportedAccount
	// Mapping is how a CSV or QIF file was read; nil for other formats.
	Mapping *Mapping
}

// ImportedAccount counts the news of a file about one account.
type ImportedAccount struct {
	Account oxlin.Account
	// Made reports whether the account was made for it.
	Made bool
	// Added, Changed and Known count transactions. A changed one is known, too.
	Added, Changed, Known int
	// Different counts those that differ within the days of a channel; Differences has the first ones.
	Different   int
	Differences []Difference
	// Unreadable counts the rows that cannot be read.
	Unreadable int
	// BalanceMoved reports whether the account shows the balance of the file.
	BalanceMoved bool
}

// Difference is a transaction of a file that no channel has brought.
type Difference struct {
	Date     oxlin.Date
	Amount   oxlin.Amount
	Currency string
	Label    string
}

// mostDifferences is how many differing transactions of an account are listed.
const mostDifferences = 100

// Mapping, Role and Facet tell how a file without a standard is read.
type (
	Mapping = statement.Mapping
	Role    = statement.Role
	Facet   = statement.Facet
)

// Roles are all roles of columns, the usual ones first.
var Roles = statement.Roles

// MappingQuestion is the error for a file that can be read in more than one way. The same file with
// NewImport.Mapping answers it.
type MappingQuestion struct{ *statement.Question }

// Unwrap returns the public form of the error.
func (q *MappingQuestion) Unwrap() error {
	return &oxlin.Error{
		Code: oxlin.CodeUserActionRequired, Field: "mapping",
		Message: "The file does not tell how it is to be read: send it again with a mapping that is complete.",
	}
}

// AccountQuestion is the error for a file that does not tell to which account it belongs. The
// same file with NewImport.Account, or NewAccount, answers it.
type AccountQuestion struct {
	// Accounts are those that it may be about.
	Accounts []oxlin.Account
	// Number identifies the account in the file; empty if the file does not name it.
	Number string
}

func (q *AccountQuestion) Error() string { return "the file does not tell its account" }

// Unwrap returns the public form of the error.
func (q *AccountQuestion) Unwrap() error {
	return &oxlin.Error{
		Code: oxlin.CodeUserActionRequired, Field: fieldAccount,
		Message: "The file does not tell to which account it belongs: send it again with the id of one, or with new.",
	}
}

// The names of the members that errors are about.
const (
	fieldFile    = "file"
	fieldAccount = "account_id"
)

// What is wrong with a file beyond a fault in its text, in the error of an import.
var (
	ErrFileFormat = statement.ErrFormat
	ErrFileLimit  = statement.ErrLimit
)

// IntoConnection imports a file into a connection of the caller's user.
func (i *Imports) IntoConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, file NewImport) (Imported, error) {
	into, err := ownConnection(ctx, i.db.Read(), caller, id)
	if err != nil {
		return Imported{}, err
	}
	return i.run(ctx, caller, into.ProviderID, file, func(ctx context.Context, tx *store.Tx, _ []*part) (place, error) {
		connection, err := ownConnection(ctx, tx.Read(), caller, id)
		if err != nil {
			return place{}, err
		}
		accounts, err := tx.Read().AccountsOfConnection(ctx, id)
		return place{connection: connection, accounts: accounts}, err
	})
}

// AtProvider imports a file of a bank. It goes to the connections of the user at this bank that
// have its accounts; for others a connection is made that no channel reads.
func (i *Imports) AtProvider(ctx context.Context, caller oxlin.Caller, id oxlin.ProviderID, file NewImport) (Imported, error) {
	provider, known := i.catalogue.Provider(id)
	if !known {
		return Imported{}, oxlin.NotFound("provider")
	}
	return i.run(ctx, caller, id, file, func(ctx context.Context, tx *store.Tx, parts []*part) (place, error) {
		return atProvider(ctx, tx.Read(), caller, i.bankOf(provider, parts), provider.Files)
	})
}

// run reads a file, finds its accounts in one transaction, and adds the rows of one after the other. The
// user's answers about files of the bank are remembered for the next one.
func (i *Imports) run(ctx context.Context, caller oxlin.Caller, provider oxlin.ProviderID, file NewImport, find func(ctx context.Context, tx *store.Tx, parts []*part) (place, error)) (Imported, error) {
	release, err := i.files.turn(ctx)
	if err != nil {
		return Imported{}, err
	}
	defer release()
	answers, err := store.ImportAnswersOf(ctx, i.db.Read(), caller.UserID, provider)
	if err != nil {
		return Imported{}, err
	}
	if file.Mapping == nil && answers.Mapping != "" {
		err = json.Unmarshal([]byte(answers.Mapping), &file.Mapping)
		if err != nil {
			return Imported{}, fmt.Errorf("stored mapping: %w", err)
		}
	}
	parts, mapping, err := partsOf(file)
	if err != nil {
		return Imported{}, err
	}
	var done Imported
	err = i.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		at, err := find(ctx, tx, parts)
		if err != nil {
			return err
		}
		file := file
		if len(at.accounts) == 1 && file.Account == 0 && !file.NewAccount && nameless(parts) && at.accounts[0].ID == answers.Account {
			file.Account = answers.Account // with a second account, nobody knows
		}
		done, err = i.place(ctx, tx, at, parts, file)
		if err != nil {
			return err
		}
		err = i.agree(ctx, tx, caller.UserID, file.Agreed, done)
		if err != nil {
			return err
		}
		return remember(ctx, tx, caller.UserID, provider, answers, parts, mapping, done)
	})
	if err != nil {
		return Imported{}, err
	}
	done.Mapping = mapping
	for n, part := range parts {
		account := &done.Accounts[n]
		for _, group := range part.groups {
			group.AddDifferences = file.AddDifferences
			outcome, err := synchro.Import(ctx, i.engine, account.Account.ID, group)
			if err != nil {
				return Imported{}, err
			}
			account.add(outcome)
		}
		account.Unreadable = part.unreadable
	}
	return done, nil
}

// agree stores the evidence of the user's agreement, for each connection of the accounts of a file.
func (i *Imports) agree(ctx context.Context, tx *store.Tx, user oxlin.UserID, agreed FileAgreement, done Imported) error {
	if agreed.Count == nil {
		return nil
	}
	err := agreed.Count(ctx, tx)
	if err != nil {
		return err
	}
	accounts := make(map[oxlin.ConnectionID][]oxlin.AccountID)
	for _, one := range done.Accounts {
		id := one.Account.ConnectionID
		accounts[id] = append(accounts[id], one.Account.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		err := i.engine.KeepFileConsent(ctx, tx, oxlin.Consent{
			UserID: user, ConnectionID: id, Accounts: accounts[id], Text: agreed.Text, GivenAt: i.now(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func nameless(parts []*part) bool { return len(parts) == 1 && parts[0].nameless() }

// remember stores how the tables of a bank are read, and the account of files that name none.
func remember(ctx context.Context, tx *store.Tx, user oxlin.UserID, provider oxlin.ProviderID, before store.ImportAnswers, parts []*part, mapping *Mapping, done Imported) error {
	answers := before
	if mapping != nil {
		text, err := json.Marshal(mapping)
		if err != nil {
			return fmt.Errorf("mapping: %w", err)
		}
		answers.Mapping = string(text)
	}
	if nameless(parts) {
		answers.Account = done.Accounts[0].Account.ID
	}
	if answers == before {
		return nil
	}
	return store.SaveImportAnswers(ctx, tx, user, provider, answers)
}

func (a *ImportedAccount) add(more synchro.FileOutcome) {
	a.Added += more.Added
	a.Known += more.Known
	a.Changed += more.Changed
	a.Different += len(more.Different)
	a.BalanceMoved = a.BalanceMoved || more.BalanceMoved
	for _, t := range more.Different[:min(len(more.Different), mostDifferences-len(a.Differences))] {
		words := t.Remittance
		if t.Counterparty != "" {
			words = append([]string{t.Counterparty}, words...)
		}
		a.Differences = append(a.Differences, Difference{t.Date(), t.Amount, t.Currency, strings.Join(words, " ")})
	}
}
