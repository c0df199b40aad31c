package enablebanking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// accountRecord is AccountResource.
type accountRecord struct {
	UID      psd2.ID                                `json:"uid"`
	Hash     psd2.ID                                `json:"identification_hash"`
	ID       psd2.Optional[accountIdentification]   `json:"account_id"`
	IDs      psd2.Optional[[]genericIdentification] `json:"all_account_ids"`
	Holder   psd2.Name                              `json:"name"`
	Details  psd2.Name                              `json:"details"`
	Product  psd2.Name                              `json:"product"`
	Type     psd2.Written                           `json:"cash_account_type"`
	Usage    psd2.Written                           `json:"usage"`
	Status   psd2.Text                              `json:"psu_status"`
	Currency psd2.Written                           `json:"currency"`
}

// accountMembers are members that only an account has.
var accountMembers = []string{"identification_hash", "cash_account_type", "account_id"}

type accountIdentification struct {
	IBAN  psd2.Written                         `json:"iban"`
	Other psd2.Optional[genericIdentification] `json:"other"`
}

type genericIdentification struct {
	ID     psd2.Written `json:"identification"`
	Scheme psd2.Text    `json:"scheme_name"`
}

// Accounts lists the accounts of the session: described as they were when it was made, with
// the ids that they have now.
func (c *Connector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	if cursor != "" {
		return bank.AccountsPage{}, psd2.ForeignCursor()
	}
	s, err := sessionOf(call.Access)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	now, err := c.listed(ctx, call.PSU, s)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	var page bank.AccountsPage
	records, uids := s.records()
	taken := map[psd2.ID]bool{}
	for i, raw := range s.Accounts {
		record := records[i]
		if record == nil {
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord, Raw: raw})
			continue
		}
		record.UID = uidOf(*record, now, uids)
		taken[record.UID] = true
		account := record.account(raw)
		if record.UID == "" && record.Hash == "" && account.IBAN == "" {
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadID, Raw: raw})
			continue
		}
		page.Accounts = append(page.Accounts, account)
	}
	for _, account := range now {
		if account.UID != "" && !taken[account.UID] {
			// Nothing describes it, so the list is not complete.
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord})
		}
	}
	if len(page.Accounts) == 0 && len(page.Unreadable) > 0 {
		return bank.AccountsPage{}, psd2.Nonsense(errors.New("no account can be read"))
	}
	return page, nil
}

// owners counts the accounts of a session by their ids and their hashes.
type owners map[psd2.ID]int

// records reads the accounts that came with a session; nil for one that cannot be read.
func (s session) records() (records []*accountRecord, all owners) {
	all = owners{}
	for _, raw := range s.Accounts {
		var record accountRecord
		err := json.Unmarshal(raw, &record)
		if err != nil {
			records = append(records, nil)
			continue
		}
		records = append(records, &record)
		all[record.UID]++
		all[record.Hash]++
	}
	return records, all
}

// uidOf returns the id that an account has in the session now; empty for one that cannot be
// read, because it is blocked or closed. An id is found by the hash only if both are one
// account's alone: accounts in several currencies share a hash.
func uidOf(record accountRecord, now []sessionAccount, all owners) psd2.ID {
	found := psd2.ID("")
	for _, account := range now {
		switch {
		case account.UID == "":
		case account.UID == record.UID:
			return account.UID
		case account.Hash != "" && account.Hash == record.Hash && all[record.Hash] == 1 && all[account.UID] == 0:
			found = account.UID
		}
	}
	return found
}

// account converts a record.
func (r accountRecord) account(raw json.RawMessage) bank.Account {
	account := bank.Account{
		Address: string(r.UID), Identities: r.identities(), Name: string(psd2.First(r.Details, r.Product)), OwnerName: string(r.Holder),
		Type:     psd2.Read(r.Type, notation.ReadAccountType).Or(oxlin.AccountCheckings),
		Usage:    psd2.Read(r.Usage, notation.ReadUsage).Or(oxlin.UsagePersonal),
		Currency: psd2.Currency("", r.Currency), Raw: raw,
	}
	account.HeldByCustomer = r.heldByCustomer(account.Usage)
	account.IBAN = psd2.Read(r.ID.Value.IBAN, notation.IBAN).Or("")
	for _, other := range append([]genericIdentification{r.ID.Value.Other.Value}, r.IDs.Value...) {
		other.addTo(&account)
	}
	account.Number = cmp.Or(account.Number, psd2.FrenchNumber(account.IBAN))
	return account
}

// identities returns the hash of the account's first number. Those of identification_hashes
// are left out: several accounts may share one of them.
func (r accountRecord) identities() []oxlin.AccountIdentity {
	if r.Hash == "" {
		return nil
	}
	return []oxlin.AccountIdentity{{Kind: oxlin.IdentityHash, Value: string(r.Hash)}}
}

// numberSchemes are the schemes of account numbers, and cardScheme that of cards. Those of
// persons and organisations are no numbers of an account.
var numberSchemes = map[psd2.Text]bool{"BBAN": true, "BGNR": true, "PGNR": true}

const cardScheme = "CPAN"

// addTo adds one identification to an account.
func (i genericIdentification) addTo(account *bank.Account) {
	number := psd2.Read(i.ID, func(text string) notation.Reading[string] { return notation.Told(notation.Identifier(text)) }).Or("")
	switch {
	case number == "":
	case i.Scheme == cardScheme:
		account.MaskedNumber = cmp.Or(account.MaskedNumber, notation.CardNumber(number))
	case i.Scheme == "IBAN":
		account.IBAN = cmp.Or(account.IBAN, psd2.Read(i.ID, notation.IBAN).Or(""))
	case numberSchemes[i.Scheme]:
		account.Number = cmp.Or(account.Number, notation.Compact(number))
	}
}

// heldByCustomer reports whether the user holds the account. Without a word about it, they
// hold a private account, but possibly not an organisation's.
func (r accountRecord) heldByCustomer(usage oxlin.Usage) bool {
	status := strings.Map(func(letter rune) rune {
		if !unicode.IsLetter(letter) {
			return -1
		}
		return unicode.ToUpper(letter)
	}, string(r.Status))
	if status == "" {
		return usage == oxlin.UsagePersonal
	}
	return status == "ACCOUNTHOLDER" || status == "COACCOUNTHOLDER" || status == "ACCOUNTCOHOLDER"
}
