package stet

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// accountRecord is an account as banks write it, in any version.
type accountRecord struct {
	ResourceID psd2.ID                          `json:"resourceId"`
	Identifier psd2.Optional[accountIdentifier] `json:"accountId"`
	Name       psd2.Name                        `json:"name"`
	Details    psd2.Name                        `json:"details"`
	Product    psd2.Name                        `json:"product"`
	Type       psd2.Written                     `json:"cashAccountType"`
	Usage      psd2.Written                     `json:"usage"`
	Currency   psd2.Written                     `json:"currency"`
	Linked     psd2.ID                          `json:"linkedAccount"`
	PSUStatus  psd2.Text                        `json:"psuStatus"`
	Balances   json.RawMessage                  `json:"balances"`
	Links      psd2.Links                       `json:"_links"`

	raw json.RawMessage
}

// accountIdentifier identifies an account by IBAN or in another scheme.
type accountIdentifier struct {
	IBAN     psd2.Written               `json:"iban"`
	Other    psd2.Optional[otherScheme] `json:"other"`
	Currency psd2.Written               `json:"currency"`
}

type otherScheme struct {
	Identification psd2.ID   `json:"identification"`
	Scheme         psd2.Text `json:"schemeName"`
}

// iban returns the IBAN that a bank has written in another scheme's place: it says so, or its
// check digits are right.
func (o otherScheme) iban() string {
	iban, ok := notation.IBAN(string(o.Identification)).Told()
	if !ok || !strings.EqualFold(string(o.Scheme), "IBAN") && !notation.IsCheckedIBAN(iban) {
		return ""
	}
	return iban
}

// accountList is one page of accounts as the bank writes them.
type accountList struct {
	records []accountRecord
	// unreadable are the records in another form.
	unreadable []bank.Unreadable
	// connected is the name of the user who logged in at the bank.
	connected psd2.Name
	links     psd2.Links
	next      string
	kept      oxlin.PageKeeping
	endless   bool
}

// listAccounts reads one page of the accounts. What a broken walk or a cut answer lacks
// counts as one unreadable account: a list with such a one proves no absence.
func (c *Connector) listAccounts(ctx context.Context, call bank.Call, cursor string) (accountList, error) {
	read, err := c.api.ReadList(ctx, call, c.resource(opAccounts, c.path(opAccounts), "accounts"), keyOfAccount, cursor)
	if err != nil {
		return accountList{}, err
	}
	list := accountList{links: read.Links, next: read.Next, kept: read.Kept, endless: read.Endless}
	read.Member("connectedPsu", &list.connected)
	for _, raw := range read.Records {
		record := accountRecord{raw: raw}
		err := json.Unmarshal(raw, &record)
		switch {
		case read.Repeated:
		case err != nil:
			list.unreadable = append(list.unreadable, bank.Unreadable{Reason: bank.UnreadRecord, Raw: raw})
		default:
			list.records = append(list.records, record)
		}
	}
	if read.Torn {
		list.unreadable = append(list.unreadable, bank.Unreadable{Reason: bank.UnreadRecord})
	}
	return list, nil
}

// keyOfAccount returns the id of an account's record.
func keyOfAccount(raw json.RawMessage) string {
	var record psd2.Optional[accountRecord]
	_ = json.Unmarshal(raw, &record) // never fails
	return record.Value.id()
}

// id returns the account's id in the bank's URLs.
func (r accountRecord) id() string {
	return cmp.Or(string(r.ResourceID), r.Identifier.Value.iban())
}

// account converts one record; ok is false if it has no id.
func (c *Connector) account(r accountRecord) (account bank.Account, ok bool) {
	id := r.id()
	if id == "" {
		return bank.Account{}, false
	}
	identifier := r.Identifier.Value
	account = bank.Account{
		Address:       c.addressOf(r).String(),
		BankID:        c.config.BankID(id, bank.IDLasting),
		Name:          string(psd2.First(r.Name, r.Details, r.Product)),
		Type:          oxlin.AccountCheckings,
		Usage:         oxlin.UsagePersonal,
		Currency:      psd2.Currency("", append([]psd2.Written{identifier.Currency, r.Currency}, r.listedCurrencies()...)...),
		IBAN:          identifier.iban(),
		LinkedAddress: string(r.Linked),
		Raw:           r.raw,
	}
	account.HeldByCustomer = r.heldByCustomer()
	if r.ofOrganisation() {
		account.Usage = oxlin.UsageProfessional
	}
	other := identifier.Other.Value
	kind := psd2.Read(r.Type, notation.ReadAccountType)
	account.Type = kind.Or(account.Type)
	if kind.IsAbsent() && cardSchemes[strings.ToUpper(string(other.Scheme))] {
		account.Type = oxlin.AccountCreditCard
	}
	iban := other.iban()
	switch {
	case account.Type == oxlin.AccountCreditCard:
		account.MaskedNumber = notation.CardNumber(string(other.Identification))
	case iban == "":
		account.Number = string(other.Identification)
	default:
		account.IBAN = cmp.Or(account.IBAN, iban)
	}
	if account.Number == "" {
		account.Number = psd2.FrenchNumber(account.IBAN)
	}
	if c.config.ConsentModel == "mixed" {
		account.NeedsConsent = r.Links.To(linkBalances).Href == "" && r.Links.To(linkTransactions).Href == ""
	}
	records := r.balances()
	if len(records) > 0 || c.config.Balances == "list" {
		told := c.balances(account.Ref(), records)
		account.Balances = &told
	}
	return account, true
}

// withoutForeignIBANs takes away from each card the IBAN of the account from which it is paid: some
// banks write that into the card's own record, and two accounts would be one.
func withoutForeignIBANs(accounts []bank.Account) {
	for i, card := range accounts {
		if card.Type != oxlin.AccountCreditCard || card.IBAN == "" {
			continue
		}
		for _, account := range accounts {
			if account.Type != oxlin.AccountCreditCard && account.IBAN == card.IBAN {
				accounts[i].IBAN, accounts[i].Number = "", ""
				accounts[i].LinkedAddress = cmp.Or(card.LinkedAddress, account.Address)
			}
		}
	}
}

// holders are the values of psuStatus that mean a holder, without case, spaces and
// hyphens, which banks write in different ways. The other values mean an agent (STET
// 1.5, PsuStatusType).
var holders = map[string]bool{"ACCOUNTHOLDER": true, "HOLDER": true, "COHOLDER": true, "ACCOUNTCOHOLDER": true, "COACCOUNTHOLDER": true}

// ofOrganisation reports whether the account belongs to an organisation. PRIV and
// unknown values are private persons.
func (r accountRecord) ofOrganisation() bool {
	return psd2.Read(r.Usage, notation.ReadUsage).Or("") == oxlin.UsageProfessional
}

// heldByCustomer reports whether the customer holds the account. If the bank sends no
// psuStatus, the customer holds a private account, but possibly not an organisation's.
func (r accountRecord) heldByCustomer() bool {
	if r.PSUStatus == "" {
		return !r.ofOrganisation()
	}
	return holders[strings.Map(func(letter rune) rune {
		if !unicode.IsLetter(letter) {
			return -1
		}
		return unicode.ToUpper(letter)
	}, string(r.PSUStatus))]
}

// cardSchemes are the schemes of card numbers: in clear, as a token,
// or masked.
var cardSchemes = map[string]bool{"CPAN": true, "TPAN": true, "MPAN": true}

// balances returns the balances in the list of accounts. What is written instead of them
// is one record, which cannot be read.
func (r accountRecord) balances() []json.RawMessage {
	records, ok := psd2.ReadRecords(r.Balances, recordMembers["balances"]...)
	if !ok {
		return []json.RawMessage{r.Balances}
	}
	return records
}

// listedCurrencies returns the currencies of the balances in the list of accounts.
func (r accountRecord) listedCurrencies() (currencies []psd2.Written) {
	for _, raw := range r.balances() {
		var balance balanceRecord
		err := json.Unmarshal(raw, &balance)
		if err == nil {
			currencies = append(currencies, balance.Amount.Value.Currency)
		}
	}
	return currencies
}

// iban returns the identifier's IBAN, or "" for a placeholder.
func (i accountIdentifier) iban() string { return psd2.Read(i.IBAN, notation.IBAN).Or("") }

// ownerLink returns the resource with the customer's name, if the bank offers one.
// Accounts that the customer does not hold are skipped: their owner is another person.
func (c *Connector) ownerLink(l accountList) string {
	if l.links.To(linkEndUserIdentity).Href != "" {
		return c.path(opIdentity)
	}
	for _, record := range l.records {
		if record.Links.To(linkOwners).Href != "" && record.id() != "" && record.heldByCustomer() {
			return c.accountPath(opOwners, record.id())
		}
	}
	return ""
}
