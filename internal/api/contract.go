package api

import (
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/connect"
)

// The functions of this file write the domain's nouns in the shapes of contract §4
// and its Appendix A. Unknown values are absent.

func text(s string) oas.OptString { return oas.OptString{Value: s, Set: s != ""} }

func instant(t time.Time) oas.Instant { return oas.Instant(t.Unix()) }

func someInstant(t time.Time) oas.OptInstant {
	if t.IsZero() {
		return oas.OptInstant{}
	}
	return oas.NewOptInstant(instant(t))
}

// day returns the second at which a day begins in Paris (contract §4.8).
func day(d oxlin.Date) oas.Day { return oas.Day(d.Midnight(oxlin.Paris).Unix()) }

func someDay(d oxlin.Date) oas.OptDay {
	if d.IsZero() {
		return oas.OptDay{}
	}
	return oas.NewOptDay(day(d))
}

// dayAt returns the day of an instant in Paris, clamped to 9999-12-31, because later
// instants would overflow the year.
func dayAt(seconds int64) oxlin.Date {
	return oxlin.DateIn(time.Unix(min(seconds, lastSecond), 0), oxlin.Paris)
}

// lastSecond is 9999-12-31 23:59:59 in Paris.
const lastSecond = 253402297199

func someAmount(a *oxlin.Amount) oas.OptAmount {
	if a == nil {
		return oas.OptAmount{}
	}
	return oas.NewOptAmount(oas.Amount(*a))
}

func someRate(a *oxlin.Amount) oas.OptRate {
	if a == nil {
		return oas.OptRate{}
	}
	return oas.NewOptRate(oas.Rate(*a))
}

// convertAll returns the results of convert for all entries of a list.
func convertAll[From, To any](list []From, convert func(From) To) []To {
	converted := make([]To, len(list))
	for i, v := range list {
		converted[i] = convert(v)
	}
	return converted
}

func user(u oxlin.User) oas.User {
	p := u.Profile
	shown := oas.User{
		ID: u.ID.String(), Email: u.Email, LastName: text(p.LastName), FirstName: text(p.FirstName),
		CreationDate: instant(u.CreatedAt), Gender: text(p.Gender), EmailVerified: oas.NewOptBool(false),
		Birthdate: someDay(p.Birthdate),
	}
	if p.Postcode != "" {
		shown.Address = oas.NewOptAddress(oas.Address{Postcode: text(p.Postcode)})
	}
	return shown
}

func provider(p oxlin.Provider) oas.Provider {
	return oas.Provider{
		ID: string(p.ID), Name: p.Name, BranchName: p.BranchName, BaseURL: text(p.BaseURL), LogoURL: p.LogoURL,
		CountryCode: text(p.CountryCode), ChannelDefinitions: convertAll(p.ChannelDefinitions, channelDefinition),
		Unavailable: p.Unavailable, Capabilities: []string{"PFM_ACCOUNT"}, Interactive: p.Interactive(),
	}
}

func channelDefinition(d oxlin.ChannelDefinition) oas.ChannelDefinition {
	return oas.ChannelDefinition{
		ID: string(d.ID), Mode: oas.Mode(d.Mode), AccountTypes: accountTypes(d.AccountTypes), Interactive: d.Interactive,
		Credentials: convertAll(d.Credentials, func(c oxlin.CredentialDefinition) oas.CredentialDefinition {
			return oas.CredentialDefinition{
				ID: string(c.ID), Label: c.Label, Regexp: c.Regexp, Type: oas.CredentialType(c.Type), Encrypt: c.Encrypt,
			}
		}),
	}
}

func accountTypes(types []oxlin.AccountType) []oas.AccountType {
	return convertAll(types, func(t oxlin.AccountType) oas.AccountType { return oas.AccountType(t) })
}

func key(k oxlin.Key) oas.Key {
	return oas.Key{ID: k.ID.String(), PublicKey: k.Public, Type: oas.KeyTypePGP, ExpirationDate: instant(k.ExpiresAt)}
}

// connection renders a connection that has all channels of its provider.
func connection(c oxlin.Connection, p oxlin.Provider) oas.Connection {
	return oas.Connection{
		ID: c.ID.String(), ProviderID: string(c.ProviderID), Name: c.Name, Status: oas.ConnectionStatus(c.Status()),
		CreationDate: instant(c.CreatedAt), AutoSync: c.AutoSync, LogoURL: p.LogoURL,
		Channels: convertAll(c.Channels, func(ch oxlin.Channel) oas.Channel { return channel(ch, p) }),
		Owner: oas.Owner{
			Name: text(c.Owner.Name), Address: text(c.Owner.Address), BirthDate: someDay(c.Owner.BirthDate),
			BirthPlace: text(c.Owner.BirthPlace), PhoneNumber: text(c.Owner.PhoneNumber),
		},
		ConsentPerAccount: c.ConsentPerAccount, UserID: c.UserID.String(), DuplicateOf: duplicateOf(c.DuplicateOf),
	}
}

func duplicateOf(id oxlin.ConnectionID) oas.OptString {
	if id == 0 {
		return oas.OptString{}
	}
	return oas.NewOptString(id.String())
}

// channel renders a channel; an EMPTY one has neither dates nor credentials (contract
// §4.6).
func channel(c oxlin.Channel, p oxlin.Provider) oas.Channel {
	definition, known := p.Definition(c.DefinitionID)
	shown := oas.Channel{
		ChannelDefinitionID: string(c.DefinitionID), Mode: oas.Mode(c.Mode), Status: oas.ChannelStatus(c.Status),
		AccountTypes:                 accountTypes(definition.AccountTypes),
		ChannelDefinitionUnavailable: !known || definition.Unavailable || p.Unavailable,
	}
	if c.Status == oxlin.ChannelEmpty {
		if c.Mode == oxlin.ModeEmbedded {
			// The platform does not know whether the channel would add accounts.
			shown.EligibleAccounts = oas.NewOptBool(false)
		}
		return shown
	}
	shown.NextRefreshDate = someInstant(c.NextRefreshAt())
	if c.RemainingRefreshes != nil {
		shown.RemainingRefreshes = oas.NewOptInt(*c.RemainingRefreshes)
	}
	shown.Expires = someInstant(c.ConsentUntil)
	shown.LastSuccessDate = someInstant(c.LastSuccessAt)
	shown.LastEndDate = someInstant(c.LastEndAt)
	shown.Credentials = convertAll(c.Credentials, func(c oxlin.Credential) oas.MaskedCredential {
		return oas.MaskedCredential{ID: string(c.ID), MaskedValue: c.Masked}
	})
	return shown
}

// event renders an event about a connection that has all channels of its provider.
// Seeds and prose use different names for some members: both names are present
// (contract §9).
func event(e oxlin.Event, p oxlin.Provider) oas.Event {
	resource := connection(e.Connection, p)
	var lastSuccess, lastEnd time.Time
	for i, c := range e.Connection.Channels {
		resource.Channels[i].ID = text(string(c.DefinitionID))
		if c.LastSuccessAt.After(lastSuccess) {
			lastSuccess = c.LastSuccessAt
		}
		if c.LastEndAt.After(lastEnd) {
			lastEnd = c.LastEndAt
		}
	}
	resource.LastSuccessDate, resource.LastEndDate = someInstant(lastSuccess), someInstant(lastEnd)
	shown := oas.Event{
		ID: e.ID.String(), EventType: string(e.Type), EventStatus: string(e.Type), ResourceType: oas.EventResourceTypeCONNECTION,
		ChannelDefinitionID: text(string(e.ChannelDefinition)), CreationDate: instant(e.At),
		Resource: oas.OptConnection{Value: resource, Set: e.Connection.ID != 0},
	}
	switch e.Type {
	case oxlin.SyncListAccounts.SuccessEvent():
		told := kept(e.Payload.Accounts, func(a oxlin.Account) bool { return !a.Declined })
		shown.ListAccountsSuccess = oas.NewOptListedAccounts(oas.ListedAccounts{
			Accounts: convertAll(told, account), UnreadableAccounts: someCount(e.Payload.UnreadableAccounts),
		})
	case oxlin.SyncAll.SuccessEvent():
		shown.SyncAllSuccess = oas.NewOptSynchronised(oas.Synchronised{
			NewTransactions: e.Payload.NewTransactions, CancelledTransactions: e.Payload.CancelledTransactions,
			RestoredTransactions: e.Payload.RestoredTransactions,
			UnreadableAccounts:   someCount(e.Payload.UnreadableAccounts), IncompleteAccounts: incompleteAccounts(e.Payload.Incomplete),
		})
	case oxlin.EventConnectionUpdated:
		if rows := e.Payload.Derived; rows != nil {
			shown.ConnectionUpdated = oas.NewOptRederived(oas.Rederived{ChangedTransactions: rows.Changed, NewTransactions: rows.New})
		}
	case oxlin.SyncListAccounts.UserInputEvent():
		shown.ListAccountsUserInputRequested = oas.NewOptUserInput(oas.UserInput{Challenge: convertAll(e.Payload.Challenge, challenge)})
	case oxlin.SyncAll.UserInputEvent():
		shown.SyncAllUserInputRequested = oas.NewOptUserInput(oas.UserInput{Challenge: convertAll(e.Payload.Challenge, challenge)})
	case oxlin.EventWidgetGlobal:
		shown.WidgetGlobal = widgetStep(e.Payload.Widget)
	case oxlin.EventWidgetChooseBank:
		shown.WidgetChooseBank = widgetStep(e.Payload.Widget)
	case oxlin.EventWidgetLogin:
		shown.WidgetLogin = widgetStep(e.Payload.Widget)
	case oxlin.EventWidgetSynchronization:
		shown.WidgetSynchronization = widgetStep(e.Payload.Widget)
	case oxlin.EventWidgetConsent:
		shown.WidgetConsent = widgetStep(e.Payload.Widget)
	}
	return shown
}

func widgetStep(s *oxlin.WidgetStep) oas.OptWidgetStep {
	if s == nil {
		return oas.OptWidgetStep{}
	}
	return oas.NewOptWidgetStep(oas.WidgetStep{
		EntryPoint: s.Entry, ProviderID: text(string(s.ProviderID)), Status: text(s.Status), Result: text(s.Result),
	})
}

func challenge(c oxlin.Challenge) oas.Challenge {
	shown := oas.Challenge{
		ID: string(c.ID), Label: c.Label, Regexp: c.Regexp, Type: oas.CredentialType(c.Type), Encrypt: c.Encrypt,
	}
	if len(c.Params) > 0 {
		shown.Params = oas.NewOptChallengeParams(c.Params)
	}
	return shown
}

// account renders an account. An account that waits for consent shows only the members
// that the user needs for the decision (contract §11, "Consent per account").
func account(a oxlin.Account) oas.Account {
	if a.Status == oxlin.AccountPendingConsent {
		a = a.BeforeConsent() // events of older versions hold more
	}
	shown := oas.Account{
		ID: a.ID.String(), Name: connect.AccountName(a), Currency: a.Currency, Status: oas.AccountStatus(a.Status), Type: oas.AccountType(a.Type),
		CreationDate: instant(a.CreatedAt),
	}
	if a.ConnectionID != 0 {
		shown.ConnectionID = text(a.ConnectionID.String())
	}
	if a.Status == oxlin.AccountPendingConsent {
		shown.AccountNumber = masked(a)
		return shown
	}
	usage := oas.OptUsage{Value: oas.Usage(a.Usage), Set: a.Usage != ""}
	if balance, ok := a.ShownBalance(); ok {
		shown.Balance = oas.NewOptAmount(oas.Amount(balance))
		shown.BalanceDate = someInstant(a.BalanceAt)
		if len(a.Balances) > 0 {
			shown.Balances = convertAll(a.Balances, balanceOf)
		}
	}
	shown.Coverage = coverage(a.Coverage)
	shown.Iban = text(a.IBAN)
	shown.AccountNumber = connect.AccountNumber(a)
	shown.Usage, shown.Classification = usage, usage
	shown.LastChannelDefinitionID = text(string(a.LastChannelDefinition))
	if a.OwnerName != "" {
		shown.Owner = oas.NewOptAccountOwner(oas.AccountOwner{Name: a.OwnerName})
	}
	if d := a.Details.Loan; d != nil {
		shown.Loan = oas.NewOptLoan(loan(*d))
	}
	if d := a.Details.Savings; d != nil {
		shown.Savings = oas.NewOptSavings(savings(*d))
	}
	if d := a.Details.CreditCard; d != nil {
		shown.CreditCard = oas.NewOptCreditCard(card(*d))
	}
	return shown
}

func balanceOf(b oxlin.Balance) oas.Balance {
	return oas.Balance{Type: oas.BalanceType(b.Type), Amount: oas.Amount(b.Amount), Currency: b.Currency, Date: someDay(b.Date)}
}

// coverage renders what the last reading covers; absent before the first one.
func coverage(c oxlin.Coverage) oas.OptCoverage {
	if c == (oxlin.Coverage{}) {
		return oas.OptCoverage{}
	}
	return oas.NewOptCoverage(oas.Coverage{
		From: someDay(c.From), Complete: c.Complete, UnreadableRows: c.UnreadableRows, LastCompleteDate: someInstant(c.LastCompleteAt),
	})
}

// incompleteAccounts renders the accounts of which a run could not read everything; nil if
// it could read all.
func incompleteAccounts(accounts []oxlin.IncompleteAccount) []oas.IncompleteAccount {
	var shown []oas.IncompleteAccount
	for _, a := range accounts {
		lacks := []oas.Gap{}
		if a.NoBalance {
			lacks = append(lacks, oas.GapBALANCE)
		}
		for _, gap := range a.Gaps() {
			lacks = append(lacks, gaps[gap])
		}
		if len(lacks) == 0 {
			lacks = append(lacks, oas.GapREFUSED) // our own count of the bank's limit
		}
		shown = append(shown, oas.IncompleteAccount{
			ID: oas.ID(a.ID.String()), Status: oas.AccountStatus(a.Status), Coverage: coverage(a.Coverage), Lacks: lacks,
		})
	}
	return shown
}

// gaps are the names of gaps in the API.
var gaps = map[oxlin.Gap]oas.Gap{
	oxlin.GapUnreadable: oas.GapUNREADABLEROWS, oxlin.GapRefused: oas.GapREFUSED, oxlin.GapBroken: oas.GapBROKENPAGES, oxlin.GapSuspect: oas.GapSUSPECT,
}

// someCount is absent for zero.
func someCount(n int) oas.OptInt { return oas.OptInt{Value: n, Set: n > 0} }

// The details of an account have the members of contract §11; members that published
// clients of the hosted service know by another name have both names.

func savings(d oxlin.SavingsDetails) oas.Savings {
	rate := someRate(d.Rate)
	return oas.Savings{Rate: rate, YieldRate: rate, Ceiling: someAmount(d.Ceiling), Product: text(d.Product)}
}

func loan(d oxlin.LoanDetails) oas.Loan {
	shown := oas.Loan{
		Amount: someAmount(d.Amount), RemainingCapital: someAmount(d.RemainingCapital), Rate: someRate(d.Rate),
		StartDate: someDay(d.StartDate), EndDate: someDay(d.EndDate), InstalmentAmount: someAmount(d.InstalmentAmount),
		NextInstalmentDate: someDay(d.NextInstalmentDate), InitialBalance: someAmount(d.Amount), Interest: someRate(d.Rate),
		NextPayment: payment(d.InstalmentAmount, d.NextInstalmentDate),
	}
	if d.InstalmentsLeft != nil {
		shown.InstalmentsLeft = oas.NewOptInt(*d.InstalmentsLeft)
	}
	return shown
}

func card(d oxlin.CardDetails) oas.CreditCard {
	shown := oas.CreditCard{
		DebitType:     oas.OptDebitType{Value: oas.DebitType(d.DebitType), Set: d.DebitType != ""},
		NextDebitDate: someDay(d.NextDebitDate), NextDebitAmount: someAmount(d.NextDebitAmount), MaskedNumber: text(d.MaskedNumber),
		NextPayment: payment(d.NextDebitAmount, d.NextDebitDate),
	}
	if d.LinkedAccountID != 0 {
		shown.LinkedAccountID = text(d.LinkedAccountID.String())
		shown.PayableAccountID = shown.LinkedAccountID
	}
	return shown
}

// payment returns the next payment, absent if both its parts are unknown.
func payment(sum *oxlin.Amount, due oxlin.Date) oas.OptNextPayment {
	if sum == nil && due.IsZero() {
		return oas.OptNextPayment{}
	}
	return oas.NewOptNextPayment(oas.NextPayment{Amount: someAmount(sum), DueDate: someDay(due)})
}

func transaction(t oxlin.Transaction) oas.Transaction {
	shown := oas.Transaction{
		ID: t.ID.String(), Currency: t.Currency, Origin: oas.Origin(t.Origin), Label: t.Label, Notes: text(t.Notes),
		AccountID: t.AccountID.String(), Amount: oas.Amount(t.Amount), Type: oas.TransactionType(t.Type), CategoryID: t.Category,
		Date: day(t.Date), ImportDate: instant(t.ImportedAt), LastUpdateDate: someInstant(t.UpdatedAt),
		ValueDate: someDay(t.ValueDate), Status: oas.TransactionStatus(t.Status), BookingDate: someDay(t.BookingDate),
		TransactionDate: someDay(t.TransactionDate), RemittanceInformation: t.Remittance, CheckNumber: text(t.CheckNumber),
		MissingSince: someDay(t.MissingSince),
	}
	if shown.RemittanceInformation == nil {
		shown.RemittanceInformation = []string{}
	}
	if t.SourceLabel != "" {
		shown.Source = oas.NewOptSource(oas.Source{Label: t.SourceLabel})
	}
	return shown
}

// categories renders all categories; a child repeats its parent's label.
func categories(list []oxlin.Category) []oas.Category {
	return convertAll(list, func(c oxlin.Category) oas.Category {
		shown := oas.Category{ID: c.ID, Label: c.Label, Type: oas.CategoryType(c.Type)}
		parent := slices.IndexFunc(list, func(other oxlin.Category) bool { return other.ID == c.Parent })
		if c.Parent != "" && parent >= 0 {
			shown.Parent = oas.NewOptCategoryParent(oas.CategoryParent{ID: list[parent].ID, Label: list[parent].Label})
		}
		return shown
	})
}

func explanation(e oxlin.Explanation) *oas.TransactionExplanation {
	return &oas.TransactionExplanation{
		Import: oas.TransactionExplanationImport{
			Date: instant(e.ImportedAt), ProviderID: text(string(e.Provider)),
			ChannelDefinitionID: text(string(e.Import.Channel)), SynchronizationID: synchronisation(e.Import.Sync),
		},
		BankIds: convertAll(e.BankIDs, itself), Unread: convertAll(e.Derivation.Unread, itself),
		LabelRule: text(e.Derivation.LabelRule), TypeRule: text(e.Derivation.TypeRule), CategoryRule: text(e.Import.CategoryRule),
		Changes: convertAll(e.Changes, func(c oxlin.TransactionChange) oas.TransactionChange {
			return oas.TransactionChange{
				Date: instant(c.At), SynchronizationID: synchronisation(c.Sync), Rule: c.Rule, FormerBankID: text(c.FormerBankID),
			}
		}),
	}
}

// itself makes an empty list of an absent one when it converts.
func itself(s string) string { return s }

func synchronisation(id oxlin.SyncID) oas.OptString {
	if id == 0 {
		return oas.OptString{}
	}
	return text(id.String())
}
