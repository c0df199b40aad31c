package berlingroup

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// accountRecord is an account as the standard writes it.
type accountRecord struct {
	IBAN        psd2.Written    `json:"iban"`
	BBAN        psd2.ID         `json:"bban"`
	Other       json.RawMessage `json:"other"`
	PAN         psd2.ID         `json:"pan"`
	MaskedPAN   psd2.ID         `json:"maskedPan"`
	Currency    psd2.Written    `json:"currency"`
	Name        psd2.Name       `json:"name"`
	DisplayName psd2.Name       `json:"displayName"`
	Product     psd2.Name       `json:"product"`
	Details     psd2.Name       `json:"details"`
	Type        psd2.Written    `json:"cashAccountType"`
	Status      psd2.Text       `json:"status"`
	Usage       psd2.Written    `json:"usage"`
	Linked      json.RawMessage `json:"linkedAccounts"`
	OwnerName   psd2.Name       `json:"ownerName"`
	OwnerNames  json.RawMessage `json:"ownerNames"`
}

// accountsCursor is the place in the lists of accounts.
type accountsCursor struct {
	psd2.Position
	// Cards is set in the list of card accounts, and Start on its first page.
	Cards bool `json:"cards,omitempty"`
	Start bool `json:"start,omitempty"`
	// Queue are the records of which the details are read, one in each call.
	Queue []json.RawMessage `json:"queue,omitempty"`
}

// encode returns the cursor; empty at the end of the lists.
func (at accountsCursor) encode() string {
	if at.Position.Cursor() == "" && !at.Start && len(at.Queue) == 0 {
		return ""
	}
	text, err := json.Marshal(at)
	if err != nil {
		panic(err) // texts, numbers and dates always marshal
	}
	return string(text)
}

func readAccountsCursor(cursor string) (at accountsCursor, err error) {
	if cursor == "" {
		return at, nil
	}
	err = json.Unmarshal([]byte(cursor), &at)
	if err != nil || at.encode() == "" {
		return at, psd2.ForeignCursor()
	}
	return at, nil
}

// accountList is one page of accounts as the bank writes them.
type accountList struct {
	records []json.RawMessage
	partial bool
}

// Accounts reads one page of GET /accounts, then of GET /card-accounts if the bank has it;
// with Details, one account in each call.
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	at, err := readAccountsCursor(cursor)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	if len(at.Queue) > 0 {
		return c.detailed(ctx, call, at)
	}
	list, err := c.listAccounts(ctx, call, &at)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	page := bank.AccountsPage{Kept: at.Kept(), Endless: at.Endless()}
	if c.config.Accounts.Details {
		at.Queue = list.records
	} else {
		c.addAccounts(&page, list.records, at.Cards)
		if len(page.Accounts) == 0 && len(page.Unreadable) > 0 {
			// An empty list would mean that all accounts are closed.
			return bank.AccountsPage{}, psd2.Nonsense(errors.New("no account can be read"))
		}
	}
	if list.partial || at.Position.Cursor() == "" && at.Failure() != nil {
		page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord})
	}
	if at.Position.Cursor() == "" && c.config.Accounts.Cards && !at.Cards && !page.Endless && len(at.Queue) == 0 {
		at = accountsCursor{Cards: true, Start: true}
	}
	page.Next = at.encode()
	return page, nil
}

// listAccounts reads the page of the lists at a position, and moves on.
func (c *Connector) listAccounts(ctx context.Context, call bank.Call, at *accountsCursor) (list accountList, err error) {
	config := c.config.Accounts
	path, member := config.Path, "accounts"
	if at.Cards {
		path, member = config.CardPath, "cardAccounts|accounts"
	}
	if config.List != "" {
		member = config.List
	}
	resource := expandPath(path, valuesOf(call, bank.AccountRef{}))
	asked := at.Target
	if asked.IsZero() {
		asked.Query = expandQuery(config.Query, valuesOf(call, bank.AccountRef{}))
	}
	fetched, err := c.fetch(ctx, call, psd2.Request{
		Op: opAccounts, Resource: resourceOf(resource, asked), Query: asked.Query, Accept: config.Accept, Cookies: at.Cookies,
	})
	if err != nil {
		return list, err
	}
	at.Start = false
	if fetched.IsEmpty() {
		at.Position = psd2.Position{}
		return list, nil
	}
	object, err := c.listObject(fetched, member)
	if err != nil {
		return list, err
	}
	whole := objectOf(object)
	held, found := heldAt(whole, member)
	records, ok := psd2.ReadRecords(held, "resourceId", "iban", "cashAccountType", "maskedPan")
	if !found || !ok {
		return list, psd2.Nonsense(errors.New("the answer has no list of accounts"))
	}
	list.records, list.partial = records, fetched.Cut
	keys := make([]string, len(records))
	for i, raw := range records {
		keys[i] = word(config.Members.standard(raw), config.ID)
	}
	links := linksOf(fetched, object)
	next := config.Pages.next(links, whole)
	if config.Pages.Parameter != "" && next.Href == "" {
		next = config.Pages.counted(asked.Query, object, at.Pages, len(records))
	}
	repeated := at.Advance(psd2.Answered{
		Resource: resource, Asked: asked, Follow: c.follow(config.Pages, resource), Records: records, Next: next, Self: links.To("self"),
		RepeatEnds: config.Pages.RepeatEnds, Keys: keys,
	})
	if repeated {
		list.records = nil
	}
	return list, nil
}

// heldAt returns what a member holds, as valueAt does; found is true for an empty one too.
func heldAt(raw json.RawMessage, path string) (held json.RawMessage, found bool) {
	for _, one := range strings.Split(path, "|") {
		held = descend(raw, strings.Split(one, "."))
		if held != nil {
			return held, true
		}
	}
	return nil, false
}

// detailed reads the details of the first account in the queue.
func (c *Connector) detailed(ctx context.Context, call bank.Call, at accountsCursor) (page bank.AccountsPage, err error) {
	raw := at.Queue[0]
	at.Queue = at.Queue[1:]
	id := word(c.config.Accounts.Members.standard(raw), c.config.Accounts.ID)
	records := []json.RawMessage{raw}
	if id != "" && !at.Cards {
		resource := expandPath(c.config.Accounts.DetailsPath, valuesOf(call, bank.AccountRef{Address: id, IBAN: word(raw, "iban")}))
		fetched, err := c.fetch(ctx, call, psd2.Request{Op: opDetails, Resource: resource, Accept: c.config.Accounts.Accept})
		if err != nil {
			return page, err
		}
		if !fetched.IsEmpty() {
			object, err := c.object(fetched)
			if err != nil {
				return page, err
			}
			records[0] = merged(raw, objectOf(object))
		}
	}
	c.addAccounts(&page, records, at.Cards)
	if at.Position.Cursor() == "" && len(at.Queue) == 0 && c.config.Accounts.Cards && !at.Cards {
		at = accountsCursor{Cards: true, Start: true}
	}
	page.Next, page.Kept = at.encode(), at.Kept()
	return page, nil
}

// merged adds the members of the details that the list lacks: those of the account within the
// answer, and those beside it.
func merged(listed, details json.RawMessage) json.RawMessage {
	all, ok := psd2.ReadObject(listed)
	if !ok {
		return listed
	}
	all = maps.Clone(all)
	for _, source := range []json.RawMessage{valueAt(details, "account|cardAccount"), details} {
		more, _ := psd2.ReadObject(source)
		for name, value := range more {
			if isBlank(all[name]) && name != "account" && name != "cardAccount" {
				all[name] = value
			}
		}
	}
	return objectOf(all)
}

// addAccounts converts records. An account with all currencies of an IBAN is left out if
// its sub-accounts, one of each currency, are there too: they hold the same rows. Else it is one
// account of each.
func (c *Connector) addAccounts(page *bank.AccountsPage, records []json.RawMessage, cards bool) {
	var accounts []bank.Account
	for _, raw := range records {
		account, ok := c.account(raw, cards)
		switch {
		case ok && account.Address == "":
			// It is closed.
		case !ok:
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadID, Raw: raw})
		default:
			for _, one := range c.perCurrency(account) {
				c.addBalances(&one)
				accounts = append(accounts, one)
			}
		}
	}
	page.Accounts = slices.DeleteFunc(accounts, func(parent bank.Account) bool {
		return isMulticurrency(parent.Raw) && slices.ContainsFunc(accounts, func(sub bank.Account) bool {
			return sub.IBAN == parent.IBAN && sub.IBAN != "" && !isMulticurrency(sub.Raw)
		})
	})
	psd2.LinkCards(page.Accounts)
}

// listsBalances reports whether the lists of accounts, or the details that are read with them, have all
// balances.
func (c Config) listsBalances() bool {
	detailed := c.Balances.From == "details" && c.Accounts.Details && !c.Accounts.Cards && c.Balances.Query == ""
	return c.Balances.From == "list" || detailed
}

// addBalances adds the balances that the list has. If all are there by the bank's data, an account without
// any in it has no balances.
func (c *Connector) addBalances(account *bank.Account) {
	records := c.listedBalances(c.config.Accounts.Members.standard(account.Raw))
	if len(records) > 0 || c.config.listsBalances() {
		told := c.balances(account.Ref(), records)
		account.Balances = &told
	}
}

// perCurrency returns an account of several currencies as one of each, if its balances in the list
// tell them: an account of ours has one.
func (c *Connector) perCurrency(account bank.Account) []bank.Account {
	if !isMulticurrency(account.Raw) {
		return []bank.Account{account}
	}
	var split []bank.Account
	for _, raw := range c.listedBalances(c.config.Accounts.Members.standard(account.Raw)) {
		balance, unread := c.readBalance(raw, bank.AccountRef{})
		known := func(a bank.Account) bool { return a.Currency == balance.Currency }
		if unread != "" || balance.Currency == "" || slices.ContainsFunc(split, known) {
			continue
		}
		one := account
		one.Currency, one.Address = balance.Currency, currencyPrefix+balance.Currency+"/"+account.Address
		split = append(split, one)
	}
	if len(split) < 2 {
		return []bank.Account{account}
	}
	return split
}

// isMulticurrency reports whether an account's currency is XXX: it has several.
func isMulticurrency(raw json.RawMessage) bool {
	return strings.EqualFold(word(raw, "currency"), "XXX")
}

// account converts one record; ok is false if it has no id. An account that is left out
// because of its status has neither.
func (c *Connector) account(raw json.RawMessage, cards bool) (account bank.Account, ok bool) {
	config := c.config.Accounts
	standard := config.Members.standard(raw)
	var r accountRecord
	err := json.Unmarshal(standard, &r)
	if err != nil {
		return account, false
	}
	if slices.ContainsFunc(config.Leave, func(status string) bool { return strings.EqualFold(status, string(r.Status)) }) ||
		isLeftOut(raw, config.LeaveWhere) {
		return account, true
	}
	id := word(standard, config.ID)
	if id == "" {
		return account, false
	}
	account = bank.Account{
		Address:        id,
		Name:           string(psd2.First(r.DisplayName, r.Name, r.Product, r.Details)),
		Type:           oxlin.AccountCheckings,
		Usage:          oxlin.UsagePersonal,
		Currency:       psd2.Currency("", r.Currency),
		IBAN:           psd2.Read(r.IBAN, notation.IBAN).Or(""),
		Number:         string(psd2.First(r.BBAN, psd2.ID(word(r.Other, "identification")))),
		MaskedNumber:   notation.CardNumber(string(psd2.First(r.MaskedPAN, r.PAN))),
		OwnerName:      r.owner(),
		HeldByCustomer: true,
		LinkedAddress:  linkedOf(r.Linked),
		Raw:            raw,
	}
	if account.Number == "" {
		account.Number = psd2.FrenchNumber(account.IBAN)
	}
	if psd2.Read(r.Usage, notation.ReadUsage).Or("") == oxlin.UsageProfessional {
		account.Usage, account.HeldByCustomer = oxlin.UsageProfessional, false
	}
	if account.Currency == "" && !isMulticurrency(standard) {
		account.Currency = c.listedCurrency(standard)
	}
	own, known := config.typeOf(word(standard, "cashAccountType"), string(r.Product))
	switch kind, told := psd2.Read(r.Type, notation.ReadAccountType).Told(); {
	case known:
		account.Type = own
	case told:
		account.Type = kind
	case cards, account.IBAN == "" && account.MaskedNumber != "":
		account.Type = oxlin.AccountCreditCard
	}
	if cards {
		account.Address = cardPrefix + id
	}
	account.BankID = c.config.BankID(account.Address, bank.IDPerConsent)
	return account, true
}

// typeOf looks the bank's words for an account up in its data.
func (a Accounts) typeOf(words ...string) (oxlin.AccountType, bool) {
	for _, name := range slices.Sorted(maps.Keys(a.Types)) {
		for _, word := range words {
			if strings.EqualFold(name, strings.TrimSpace(word)) {
				return a.Types[name], true
			}
		}
	}
	return "", false
}

// listedCurrency returns the currency of the balances in the list, if they have one.
func (c *Connector) listedCurrency(account json.RawMessage) string {
	currency := ""
	for _, raw := range c.listedBalances(account) {
		balance, unread := c.readBalance(raw, bank.AccountRef{})
		switch {
		case unread != "" || balance.Currency == "":
		case currency != "" && currency != balance.Currency:
			return ""
		default:
			currency = balance.Currency
		}
	}
	return currency
}

// owner returns the names of the holders.
func (r accountRecord) owner() string {
	if r.OwnerName != "" {
		return string(r.OwnerName)
	}
	var names []string
	records, _ := psd2.ReadRecords(r.OwnerNames, "name")
	for _, raw := range records {
		name := word(raw, "name")
		if name == "" {
			names = append(names, psd2.ReadLines(raw)...)
			continue
		}
		names = append(names, notation.Text(name))
	}
	return strings.Join(slices.DeleteFunc(names, notation.IsFiller), ", ")
}

// linkedOf returns the account from which a card is paid: an id or IBAN, or the first of a
// list of references.
func linkedOf(raw json.RawMessage) string {
	for _, path := range []string{"iban", "0.iban", "resourceId", "0.resourceId", "0"} {
		linked := word(raw, path)
		if linked != "" {
			return linked
		}
	}
	var id psd2.ID
	_ = json.Unmarshal(raw, &id) // never fails
	return string(id)
}
