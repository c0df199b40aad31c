package stet

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// accountRecord is an account as banks write it, in any version.
type accountRecord struct {
	ResourceID exact                       `json:"resourceId"`
	Identifier optional[accountIdentifier] `json:"accountId"`
	Name       text                        `json:"name"`
	Details    text                        `json:"details"`
	Product    text                        `json:"product"`
	Type       text                        `json:"cashAccountType"`
	Usage      text                        `json:"usage"`
	Currency   text                        `json:"currency"`
	Linked     text                        `json:"linkedAccount"`
	PSUStatus  text                        `json:"psuStatus"`
	Balances   optional[[]balanceRecord]   `json:"balances"`
	Links      optional[links]             `json:"_links"`

	raw json.RawMessage
}

// accountIdentifier names an account by IBAN or in another scheme.
type accountIdentifier struct {
	IBAN     text                  `json:"iban"`
	Other    optional[otherScheme] `json:"other"`
	Currency text                  `json:"currency"`
}

type otherScheme struct {
	Identification text `json:"identification"`
	Scheme         text `json:"schemeName"`
}

// accountList is one page of accounts as the bank writes them.
type accountList struct {
	records []accountRecord
	// connected names the user whose login the bank saw.
	connected text
	links     links
	next      string
}

func (c *Connector) listAccounts(ctx context.Context, call bank.Call, cursor string) (accountList, error) {
	at, err := readPosition(cursor)
	if err != nil {
		return accountList{}, err
	}
	var body struct {
		Accounts  []json.RawMessage `json:"accounts"`
		Connected text              `json:"connectedPsu"`
		Links     optional[links]   `json:"_links"`
	}
	err = c.get(ctx, call, opAccounts, accountsResource, at.Query, &body)
	if err != nil {
		return accountList{}, err
	}
	list := accountList{connected: body.Connected, links: body.Links.Value}
	repeated, err := at.turn(c.base.Host, accountsResource, at.Query, list.links, body.Accounts)
	if err != nil || repeated {
		return accountList{}, err
	}
	list.next = at.cursor()
	for _, raw := range body.Accounts {
		record := accountRecord{raw: raw}
		err := json.Unmarshal(raw, &record)
		if err != nil {
			return accountList{}, nonsense(describe(err))
		}
		list.records = append(list.records, record)
	}
	return list, nil
}

// walkAccounts visits the accounts of all pages, until visit is done.
func (c *Connector) walkAccounts(ctx context.Context, call bank.Call, visit func(accountRecord) (done bool)) error {
	for cursor := ""; ; {
		list, err := c.listAccounts(ctx, call, cursor)
		if err != nil || slices.ContainsFunc(list.records, visit) || list.next == "" {
			return err
		}
		cursor = list.next
	}
}

// id is what the bank calls the account in its addresses.
func (r accountRecord) id() string {
	return string(firstText(text(r.ResourceID), text(r.Identifier.Value.iban())))
}

// account reads one record; ok is false for one that has no id.
func (c *Connector) account(r accountRecord) (account bank.Account, ok bool) {
	id := r.id()
	if id == "" {
		return bank.Account{}, false
	}
	identifier := r.Identifier.Value
	account = bank.Account{
		BankID:       id,
		Name:         string(firstText(r.Name, r.Details, r.Product)),
		Type:         oxlin.AccountCheckings,
		Usage:        oxlin.UsagePersonal,
		Currency:     currency(identifier.Currency, r.Currency, r.listedCurrency()),
		IBAN:         identifier.iban(),
		LinkedBankID: string(r.Linked),
		Raw:          r.raw,
	}
	account.HeldByCustomer = r.heldByCustomer()
	// ORGA is an organisation; PRIV and everything unknown is a person's.
	if r.Usage == "ORGA" {
		account.Usage = oxlin.UsageProfessional
	}
	other := identifier.Other.Value
	if r.Type == "CARD" || r.Type == "" && cardSchemes[other.Scheme] {
		account.Type = oxlin.AccountCreditCard
		account.MaskedNumber = maskNumber(string(other.Identification))
	} else {
		account.Number = string(other.Identification)
	}
	if account.Number == "" {
		account.Number = frenchNumber(account.IBAN)
	}
	if c.config.ConsentModel == "mixed" {
		offered := r.Links.Value
		account.NeedsConsent = offered.Balances.Href == "" && offered.Transactions.Href == ""
	}
	return account, true
}

// holders are the psuStatus of those who hold the account, without what banks write
// in different ways. The others act for somebody (STET 1.5, PsuStatusType).
var holders = map[string]bool{"ACCOUNTHOLDER": true, "ACCOUNTCOHOLDER": true, "COACCOUNTHOLDER": true}

// heldByCustomer says whether the customer holds the account. Where the bank is
// silent, a person's account is theirs; an organisation's need not be.
func (r accountRecord) heldByCustomer() bool {
	if r.PSUStatus == "" {
		return r.Usage != "ORGA"
	}
	return holders[strings.Map(func(letter rune) rune {
		if !unicode.IsLetter(letter) {
			return -1
		}
		return unicode.ToUpper(letter)
	}, string(r.PSUStatus))]
}

// cardSchemes are the schemes in which a card number stands: clear, as a token,
// or masked.
var cardSchemes = map[text]bool{"CPAN": true, "TPAN": true, "MPAN": true}

func (r accountRecord) listedCurrency() text {
	for _, balance := range r.Balances.Value {
		if balance.Amount.Currency != "" {
			return balance.Amount.Currency
		}
	}
	return ""
}

// linkCards turns a linkedAccount that is an IBAN into the id of that account.
func linkCards(accounts []bank.Account) {
	ids := map[string]string{}
	for _, account := range accounts {
		if account.IBAN != "" {
			ids[account.IBAN] = account.BankID
		}
	}
	for i := range accounts {
		id, ok := ids[compact(accounts[i].LinkedBankID)]
		if ok {
			accounts[i].LinkedBankID = id
		}
	}
}

var ibanForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$`)

// iban is the IBAN without spaces, or nothing: banks also write placeholders,
// and two accounts with the same placeholder would be taken for one.
func (i accountIdentifier) iban() string {
	iban := compact(string(i.IBAN))
	if !ibanForm.MatchString(iban) {
		return ""
	}
	return iban
}

func compact(s string) string { return strings.ToUpper(strings.ReplaceAll(s, " ", "")) }

// frenchNumber is the account number inside a French IBAN: behind the codes of
// bank and branch, before the two digits of the key.
func frenchNumber(iban string) string {
	if len(iban) != 27 || !strings.HasPrefix(iban, "FR") {
		return ""
	}
	return iban[14:25]
}

// maskNumber hides all but the last four digits of a card number that the bank
// gives in clear: nobody needs it, and keeping it is forbidden (PCI DSS).
func maskNumber(number string) string {
	const shown = 4
	digits := 0
	for _, r := range number {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < 12 {
		return number
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return r
		}
		digits--
		if digits < shown {
			return r
		}
		return '*'
	}, number)
}

// ownerLink is the resource that names the customer, where the bank offers one: the
// owner of an account that the customer only looks after is somebody else.
func (l accountList) ownerLink() string {
	if l.links.EndUserIdentity.Href != "" {
		return "/end-user-identity"
	}
	for _, record := range l.records {
		if record.Links.Value.Owners.Href != "" && record.id() != "" && record.heldByCustomer() {
			return accountResource(record.id(), "owners")
		}
	}
	return ""
}
