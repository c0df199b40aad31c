package openbanking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// accountRecord is an account as banks write it: OBAccount6 of 3.1 and of 4.0.
type accountRecord struct {
	ID       psd2.ID         `json:"AccountId"`
	Status   psd2.Text       `json:"Status"`
	Currency psd2.Written    `json:"Currency"`
	Usage    psd2.Written    `json:"AccountType"`
	SubType  psd2.Text       `json:"AccountSubType"`
	Category psd2.Written    `json:"AccountCategory"`
	TypeCode psd2.Text       `json:"AccountTypeCode"`
	Numbers  json.RawMessage `json:"Account"`
}

// numberRecord is one of an account's identifications.
type numberRecord struct {
	Scheme    psd2.Text    `json:"SchemeName"`
	ID        psd2.Written `json:"Identification"`
	Secondary psd2.ID      `json:"SecondaryIdentification"`
}

// Accounts reads one page of GET /accounts. If the bank's list lacks the details, the page
// is empty, and each of its accounts is a page of its own.
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	pending, isDetails, err := readDetails(cursor)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	if isDetails {
		return c.detailed(ctx, call, pending)
	}
	read, err := c.api.ReadList(ctx, call, c.resource(opAccounts, c.path("accounts", ""), "Data.Account"), keyOfAccount, cursor)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	page := bank.AccountsPage{Next: read.Next, Kept: read.Kept, Endless: read.Endless}
	if !read.Repeated {
		c.addAccounts(&page, read.Records)
	}
	if read.Torn {
		page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord})
	}
	if len(page.Accounts) == 0 && len(page.Unreadable) > 0 {
		// An empty list would mean that all accounts are closed.
		return bank.AccountsPage{}, psd2.Nonsense(errors.New("no account can be read"))
	}
	page.OwnerLink = c.ownerPath(page.Accounts)
	if c.config.Accounts.Details && len(page.Accounts) > 0 {
		for _, account := range page.Accounts {
			pending.IDs = append(pending.IDs, account.Address)
		}
		pending.Next, page.Accounts = page.Next, nil
		page.Next = pending.cursor()
	}
	return page, nil
}

// keyOfAccount returns the id of an account's record.
func keyOfAccount(raw json.RawMessage) string {
	var record psd2.Optional[accountRecord]
	_ = json.Unmarshal(raw, &record) // never fails
	return string(record.Value.ID)
}

// addAccounts converts the records of a list.
func (c *Connector) addAccounts(page *bank.AccountsPage, records []json.RawMessage) {
	for _, raw := range records {
		var record accountRecord
		err := json.Unmarshal(raw, &record)
		switch {
		case err != nil:
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord, Raw: raw})
		case c.isSkipped(record, raw):
		case record.ID == "":
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadID, Raw: raw})
		default:
			page.Accounts = append(page.Accounts, c.account(record, raw))
		}
	}
}

// isSkipped reports whether the bank lists an account that it no longer has, or of which it
// gives nothing.
func (c *Connector) isSkipped(record accountRecord, raw json.RawMessage) bool {
	skipped := c.config.Accounts.Skip
	if skipped == nil {
		skipped = []string{"Deleted"}
	}
	gone := slices.ContainsFunc(skipped, func(status string) bool { return strings.EqualFold(status, string(record.Status)) })
	return gone || anyMatches(c.config.Accounts.Ignore, raw)
}

// details are accounts that are still to be read by themselves, and the cursor of the list
// after them.
type details struct {
	IDs  []string `json:"ids"`
	Next string   `json:"next,omitempty"`
}

// detailsMark distinguishes the cursor of details from one of the list.
const detailsMark = "details "

func (d details) cursor() string {
	if len(d.IDs) == 0 {
		return d.Next
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // texts always marshal
	}
	return detailsMark + string(text)
}

// readDetails reads a cursor of details; ok is false for a cursor of the list.
func readDetails(cursor string) (pending details, ok bool, err error) {
	text, ok := strings.CutPrefix(cursor, detailsMark)
	if !ok {
		return details{}, false, nil
	}
	err = json.Unmarshal([]byte(text), &pending)
	if err != nil || len(pending.IDs) == 0 {
		return details{}, false, psd2.ForeignCursor()
	}
	return pending, true, nil
}

// detailed reads the next account by itself. One that the bank refuses alone is unreadable:
// a list with such a one proves no absence.
func (c *Connector) detailed(ctx context.Context, call bank.Call, pending details) (bank.AccountsPage, error) {
	var page bank.AccountsPage
	request := psd2.Request{Op: opAccounts, Resource: c.path("account", pending.IDs[0])}
	list, err := c.api.SendList(ctx, call, request, "Data.Account", recordMembers["Data.Account"]...)
	switch {
	case isRefusal(err):
		page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord})
	case err != nil:
		return bank.AccountsPage{}, err
	default:
		c.addAccounts(&page, list.Records)
	}
	pending.IDs = pending.IDs[1:]
	page.Next = pending.cursor()
	return page, nil
}

// account converts one record.
func (c *Connector) account(r accountRecord, raw json.RawMessage) bank.Account {
	names := c.config.Accounts.Names
	if names == nil {
		names = []string{"Nickname", "Description"}
	}
	account := bank.Account{
		Address:  string(r.ID),
		BankID:   c.config.BankID(string(r.ID), bank.IDLasting),
		Name:     firstName(raw, names),
		Type:     c.typeOf(r),
		Usage:    oxlin.UsagePersonal,
		Currency: psd2.Currency("", r.Currency),
		Raw:      raw,
	}
	account.OwnerName = firstName(raw, []string{cmp.Or(c.config.Accounts.Holders, "Account.Name")})
	for _, written := range []psd2.Written{r.Category, r.Usage} {
		usage, told := psd2.Read(written, notation.ReadUsage).Told()
		if told {
			account.Usage = usage
			break
		}
	}
	account.HeldByCustomer = account.Usage == oxlin.UsagePersonal
	numbers, _ := psd2.ReadRecords(r.Numbers, "SchemeName", "Identification")
	for _, written := range numbers {
		var number psd2.Optional[numberRecord]
		_ = json.Unmarshal(written, &number) // never fails
		c.addNumber(&account, number.Value)
	}
	if account.Number == "" {
		account.Number = numberInIBAN(account.IBAN)
	}
	return account
}

// addNumber adds one identification of an account. The schemes are written with and without
// the name of their issuer: UK.OBIE.IBAN, IBAN. A card's number counts as one under any scheme:
// nobody may see it whole.
func (c *Connector) addNumber(account *bank.Account, r numberRecord) {
	number := psd2.Read(r.ID, notation.IBAN)
	iban, isIBAN := number.Told()
	scheme := string(r.Scheme)
	scheme = notation.Compact(scheme[strings.LastIndex(scheme, ".")+1:])
	plain := psd2.Read(r.ID, plainNumber).Or("")
	isCard := account.Type == oxlin.AccountCreditCard && (scheme == "" || isCardNumber(plain))
	switch {
	case plain == "", scheme == "PAYM": // a telephone's number
	case scheme == "PAN" || isCard && !isIBAN:
		account.MaskedNumber = cmp.Or(account.MaskedNumber, notation.CardNumber(psd2.Read(r.ID, shownNumber).Or("")))
	case isIBAN:
		account.IBAN = cmp.Or(account.IBAN, iban)
	case scheme == "SORTCODEACCOUNTNUMBER":
		account.Number = plain
		if c.config.Accounts.RollNumber && r.Secondary != "" {
			account.Number += " " + notation.Compact(string(r.Secondary))
		}
	default:
		account.Number = cmp.Or(account.Number, plain)
	}
}

// isCardNumber reports whether a number without its layout can be that of a card, whole or masked;
// a sort code with its account number has 14 digits.
func isCardNumber(plain string) bool {
	const masks, shortest, longest = "X*#\u2022", 15, 19
	whole := len(plain) >= shortest && len(plain) <= longest
	return strings.Trim(plain, "0123456789"+masks) == "" && (whole || strings.ContainsAny(plain, masks))
}

// plainNumber reads a number without the spaces and hyphens between its parts.
func plainNumber(text string) notation.Reading[string] {
	if isPlaceholder(text) {
		return notation.Absent[string]()
	}
	return notation.Told(notation.Compact(text))
}

// shownNumber reads the number of a card as the bank shows it.
func shownNumber(text string) notation.Reading[string] {
	return notation.Told(notation.Identifier(text))
}

// numberInIBAN returns sort code and account number inside a British IBAN.
func numberInIBAN(iban string) string {
	const length, start = 22, 8
	if len(iban) != length || !strings.HasPrefix(iban, "GB") {
		return ""
	}
	return iban[start:]
}

// accountTypes are the types of accounts that only this standard has.
var accountTypes = map[string]oxlin.AccountType{
	"ChargeCard": oxlin.AccountCreditCard, "PrePaidCard": oxlin.AccountCreditCard, "EMoney": oxlin.AccountCheckings,
	"Mortgage": oxlin.AccountLoan, "MORT": oxlin.AccountLoan, "MGLD": oxlin.AccountLoan, "ODFT": oxlin.AccountCheckings,
	"MOMA": oxlin.AccountSavings, "WALT": oxlin.AccountCheckings, "NFCA": oxlin.AccountCheckings,
}

// typeOf returns the type of an account: by the bank's own data, else by the standard; a
// current account if the bank tells none.
func (c *Connector) typeOf(r accountRecord) oxlin.AccountType {
	for _, told := range []psd2.Text{r.TypeCode, r.SubType} {
		for _, known := range []oxlin.AccountType{c.config.Accounts.Types[string(told)], accountTypes[string(told)]} {
			if known != "" {
				return known
			}
		}
		known, ok := notation.ReadAccountType(string(told)).Told()
		if ok {
			return known
		}
	}
	return oxlin.AccountCheckings
}
