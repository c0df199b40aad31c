package testbank

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// bic is this bank's own BIC; no real bank has it.
const bic = "LXTBFRPPXXX"

type accountID struct {
	IBAN     string   `json:"iban,omitempty"`
	Other    *otherID `json:"other,omitempty"`
	Currency string   `json:"currency,omitempty"`
}

type otherID struct {
	Identification string `json:"identification"`
	SchemeName     string `json:"schemeName"`
	Issuer         string `json:"issuer,omitempty"`
}

type workspace struct {
	Identification string `json:"identification"`
	Label          string `json:"label"`
}

type accountResource struct {
	Workspace       *workspace `json:"workspace,omitempty"`
	ResourceID      string     `json:"resourceId"`
	BIC             string     `json:"bicFi,omitempty"`
	AccountID       accountID  `json:"accountId"`
	Name            string     `json:"name"`
	Details         string     `json:"details,omitempty"`
	LinkedAccount   string     `json:"linkedAccount,omitempty"`
	Usage           string     `json:"usage,omitempty"`
	CashAccountType string     `json:"cashAccountType"`
	Product         string     `json:"product,omitempty"`
	Currency        string     `json:"currency,omitempty"`
	PSUStatus       string     `json:"psuStatus,omitempty"`
	Links           links      `json:"_links"`
}

type halAccounts struct {
	ConnectedPSU string            `json:"connectedPsu,omitempty"`
	Accounts     []accountResource `json:"accounts"`
	Links        links             `json:"_links"`
}

// accounts is GET /accounts.
func (c *call) accounts() *failure {
	if err := c.count("", "accounts"); err != nil {
		return err
	}
	list := c.book.paymentAccounts()
	if len(list) == 0 {
		return c.noContent()
	}
	answer := halAccounts{Accounts: []accountResource{}, Links: links{}}
	from, to := c.slice(len(list))
	for _, a := range list[from:to] {
		answer.Accounts = append(answer.Accounts, c.accountResource(a))
	}
	c.pageLinks(answer.Links, "/accounts", nil, len(list))
	if c.v == v14 {
		answer.ConnectedPSU = cut(c.client.ownerName(), 70)
		answer.Links["beneficiaries"] = c.href("/trusted-beneficiaries", nil)
	} else {
		answer.Links["consents"] = c.href("/consents", nil)
		answer.Links["endUserIdentity"] = c.href("/end-user-identity", nil)
		answer.Links["trustedBeneficiaries"] = c.href("/trusted-beneficiaries", nil)
	}
	return c.reply(answer)
}

func (c *call) accountResource(a *Account) accountResource {
	r := accountResource{
		ResourceID: c.book.resourceID(a), BIC: bic, Name: cut(a.displayName(), 70), Details: cut(a.Details, 140),
		Usage: a.Usage, CashAccountType: "CACC", Product: cut(a.Product, 35), PSUStatus: cut(a.PSUStatus, 35), Links: links{},
	}
	if a.BIC != "" {
		r.BIC = a.BIC
	}
	if r.Usage == "" {
		r.Usage = "PRIV"
	}
	if r.PSUStatus == "" {
		r.PSUStatus = "Account Holder"
	}
	switch {
	case a.Kind == CreditCard:
		r.CashAccountType = "CARD"
		r.AccountID.Other = &otherID{Identification: cut(a.masked(), 70), SchemeName: "CPAN", Issuer: "Linxo Test Bank"}
		if a.Card != nil {
			if linked := c.book.byUID(a.Card.Linked); linked != nil {
				r.LinkedAccount = c.book.resourceID(linked)
			}
		}
	case a.IBAN != "":
		r.AccountID.IBAN = a.IBAN
	default:
		r.AccountID.Other = &otherID{Identification: cut(orDefault(a.Number, a.UID), 70), SchemeName: "BANK", Issuer: "Linxo Test Bank"}
	}
	if c.v == v14 {
		r.Currency = a.Currency
	} else {
		r.AccountID.Currency = a.Currency
		if a.Workspace != "" {
			r.Workspace = &workspace{Identification: cut(a.Workspace, 32), Label: cut(a.Workspace, 128)}
		}
	}
	for _, resource := range c.resources(a) {
		r.Links[resource] = c.href("/accounts/"+r.ResourceID+"/"+resource, nil)
	}
	return r
}

// resources returns the resources of an account that the consent allows.
func (c *call) resources(a *Account) []string {
	all := []string{"balances", "transactions"}
	if c.v == v15 {
		all = append(all, "owners")
		if a.Overdraft != 0 {
			all = append(all, "overdrafts")
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return !c.consent.allows(s, a.UID) })
}

// siblings returns the links from one resource of an account to the others.
func (c *call) siblings(a *Account, from string) links {
	base := "/accounts/" + c.book.resourceID(a) + "/"
	l := links{"self": c.href(base+from, nil), "parent-list": c.href("/accounts", nil)}
	for _, resource := range c.resources(a) {
		if resource != from {
			l[resource] = c.href(base+resource, nil)
		}
	}
	return l
}

func (a *Account) displayName() string {
	if a.Name != "" {
		return a.Name
	}
	return orDefault(orDefault(a.Number, a.Owner), a.UID)
}

// masked returns a card's masked number.
func (a *Account) masked() string {
	if a.Card != nil && a.Card.Masked != "" {
		return a.Card.Masked
	}
	n := orDefault(a.Number, a.UID)
	if len(n) <= 4 {
		return "XXXXXXXXXXXX" + n
	}
	return strings.Repeat("X", len(n)-4) + n[len(n)-4:]
}

// cut shortens a text to the length that the standard allows.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}

type balanceResource struct {
	Name                     string `json:"name"`
	Amount                   money  `json:"balanceAmount"`
	Type                     string `json:"balanceType"`
	LastChange               string `json:"lastChangeDateTime,omitempty"`
	ReferenceDate            string `json:"referenceDate,omitempty"`
	LastCommittedTransaction string `json:"lastCommittedTransaction,omitempty"`
}

type halBalances struct {
	Balances []balanceResource `json:"balances"`
	Links    links             `json:"_links"`
}

// money is an amount in the version's form: text in 1.4, a number in 1.5.
type money struct {
	Amount   json.RawMessage `json:"amount"`
	Currency string          `json:"currency"`
}

func (c *call) money(a Amount, currency string) money {
	text := a.String()
	if c.v == v14 {
		text = `"` + text + `"`
	}
	return money{json.RawMessage(text), currency}
}

// date writes a day: a date in 1.4, midnight in Paris in 1.5.
func (c *call) date(d Day) string {
	if c.v == v14 {
		return d.String()
	}
	return d.Midnight().Format(time.RFC3339)
}

// balances is GET /accounts/{id}/balances.
func (c *call) balances(a *Account) *failure {
	if err := c.count(a.UID, "balances"); err != nil {
		return err
	}
	rows := c.book.rows(a)
	answer := halBalances{Links: c.siblings(a, "balances")}
	if a.Card != nil && a.Card.Deferred {
		for _, due := range c.book.outstanding(a, rows) {
			answer.Balances = append(answer.Balances, balanceResource{
				Name: "Encours débité le " + due.on.French(), Amount: c.money(due.amount, a.Currency),
				Type: "OTHR", ReferenceDate: c.date(due.on),
			})
		}
		return c.reply(answer)
	}
	booked, expected := c.book.balance(a, rows)
	kind := "CLBD"
	if a.Kind == CreditCard {
		kind = "OTHR" // the accounting balance of a card means nothing
	}
	accounting := balanceResource{
		Name: "Solde comptable", Amount: c.money(booked, a.Currency), Type: kind,
		LastChange: c.book.today.Midnight().Format(time.RFC3339), ReferenceDate: c.date(c.book.today),
	}
	for _, r := range rows {
		if !r.pending {
			accounting.LastCommittedTransaction = r.id
			break
		}
	}
	answer.Balances = append(answer.Balances, accounting)
	if kind == "CLBD" {
		answer.Balances = append(answer.Balances, balanceResource{
			Name: "Solde instantané", Amount: c.money(expected, a.Currency), Type: "XPCD", ReferenceDate: c.date(c.book.today),
		})
	}
	return c.reply(answer)
}

type person struct {
	FullName  string `json:"fullName"`
	Prefix    string `json:"namePrefix,omitempty"`
	FirstName string `json:"firstName,omitempty"`
	LastName  string `json:"lastName,omitempty"`
}

func (c *call) person(full string) person {
	p := person{FullName: cut(full, 140)}
	if o := c.client.file.Owner; o.LastName != "" && (full == c.client.ownerName()) {
		p.Prefix, p.FirstName, p.LastName = o.Title, cut(o.FirstName, 70), cut(o.LastName, 70)
	}
	return p
}

// owners is GET /accounts/{id}/owners, since 1.5. Commas separate several owners of one
// account in the file.
func (c *call) owners(a *Account) *failure {
	if err := c.count(a.UID, "owners"); err != nil {
		return err
	}
	answer := struct {
		Identities []person `json:"identities"`
		Links      links    `json:"_links"`
	}{Links: c.siblings(a, "owners")}
	for _, name := range strings.Split(orDefault(a.Owner, c.client.ownerName()), ",") {
		if name = strings.TrimSpace(name); name != "" {
			answer.Identities = append(answer.Identities, c.person(name))
		}
	}
	return c.reply(answer)
}

// overdrafts is GET /accounts/{id}/overdrafts, since 1.5.
func (c *call) overdrafts(a *Account) *failure {
	if err := c.count(a.UID, "overdrafts"); err != nil {
		return err
	}
	if a.Overdraft == 0 {
		return c.noContent()
	}
	type overdraft struct {
		Allowed money `json:"allowedAmount"`
	}
	return c.reply(struct {
		Overdrafts overdraft `json:"overdrafts"`
		Links      links     `json:"_links"`
	}{overdraft{c.money(a.Overdraft, a.Currency)}, c.siblings(a, "overdrafts")})
}

// identity is GET /end-user-identity.
func (c *call) identity() *failure {
	if c.consent.Chosen != nil && !c.consent.Chosen.Identity {
		return refusal(http.StatusForbidden, "Le consentement ne couvre pas l'identité")
	}
	if err := c.count("", "identity"); err != nil {
		return err
	}
	l := links{"self": c.href("/end-user-identity", nil), "accounts": c.href("/accounts", nil)}
	return c.reply(struct {
		Identity person `json:"identity"`
		Links    links  `json:"_links"`
	}{c.person(c.client.ownerName()), l})
}

// beneficiaries is GET /trusted-beneficiaries; the list is empty for every customer.
func (c *call) beneficiaries() *failure {
	if c.consent.Chosen != nil && !c.consent.Chosen.Trusted {
		return refusal(http.StatusForbidden, "Le consentement ne couvre pas les bénéficiaires")
	}
	if err := c.count("", "beneficiaries"); err != nil {
		return err
	}
	return c.noContent()
}

// putConsents is PUT /consents: the customer's choice replaces any earlier one.
func (c *call) putConsents() *failure {
	var body struct {
		Balances     *[]accountID `json:"balances"`
		Transactions *[]accountID `json:"transactions"`
		Owners       *[]accountID `json:"owners"`
		Overdrafts   *[]accountID `json:"overdrafts"`
		Trusted      *bool        `json:"trustedBeneficiaries"`
		Identity     *bool        `json:"psuIdentity"`
	}
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, 256<<10))
	if err != nil || json.Unmarshal(data, &body) != nil {
		return refusal(http.StatusBadRequest, "Le corps de la demande est illisible")
	}
	if body.Balances == nil || body.Transactions == nil || body.Trusted == nil || body.Identity == nil || (c.v == v15 && body.Owners == nil) {
		return refusal(http.StatusBadRequest, "Il manque une donnée obligatoire au consentement")
	}
	chosen := &access{Identity: *body.Identity, Trusted: *body.Trusted}
	for _, part := range []struct {
		ids  *[]accountID
		uids *[]string
	}{{body.Balances, &chosen.Balances}, {body.Transactions, &chosen.Transactions}, {body.Owners, &chosen.Owners}, {body.Overdrafts, &chosen.Overdrafts}} {
		if part.ids == nil {
			continue
		}
		for _, id := range *part.ids {
			a := c.find(id)
			if a == nil {
				return refusal(http.StatusBadRequest, "Un compte du consentement est inconnu")
			}
			*part.uids = append(*part.uids, a.UID)
		}
	}
	c.b.mu.Lock()
	if held, ok := c.b.state.Consents[c.consent.ID]; ok {
		held.Chosen = chosen
	}
	c.b.save()
	c.b.mu.Unlock()
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

// find returns the account with an identification.
func (c *call) find(id accountID) *Account {
	for _, a := range c.book.paymentAccounts() {
		r := c.accountResource(a)
		if (id.IBAN != "" && id.IBAN == r.AccountID.IBAN) ||
			(id.Other != nil && r.AccountID.Other != nil && id.Other.Identification == r.AccountID.Other.Identification) {
			return a
		}
	}
	return nil
}
