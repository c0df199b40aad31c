package testbank

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ukPrefix is the path of the interface of Open Banking UK, version 4.0.
const ukPrefix = "/open-banking/v4.0/aisp"

// british is one request to the interface of Open Banking UK, from its checks to its answer.
type british struct {
	reading
	path []string // below the prefix
}

// openBanking serves the interface of Open Banking UK.
func (b *Bank) openBanking(w http.ResponseWriter, r *http.Request) {
	c := &british{reading: newReading(b, w, r, "application/json; charset=utf-8", "x-fapi-customer-ip-address")}
	c.path = strings.Split(strings.TrimPrefix(r.URL.Path, ukPrefix+"/"), "/")
	if id := r.Header.Get("x-fapi-interaction-id"); id != "" {
		w.Header().Set("x-fapi-interaction-id", id)
	}
	answer, err := pick(map[string]func() *failure{
		"POST account-access-consents":     c.postConsent,
		"GET account-access-consents/*":    c.getConsent,
		"DELETE account-access-consents/*": c.deleteConsent,
		"GET accounts":                     c.ofCustomer("ReadAccounts", c.accounts),
		"GET accounts/*":                   c.onAccount("ReadAccounts", c.details),
		"GET accounts/*/balances":          c.onAccount("ReadBalances", c.balances),
		"GET accounts/*/transactions":      c.onAccount("ReadTransactions", c.transactions),
	}, r.Method, c.path)
	if err == nil {
		err = answer()
	}
	if err != nil {
		c.fail(err)
	}
}

// ukCodes are the codes of the standard for the failures of a status. The others are U000, an unexpected
// error.
var ukCodes = map[int]string{http.StatusBadRequest: "U002", http.StatusNotFound: "U011"}

// fail writes OBErrorResponse1.
func (c *british) fail(e *failure) {
	type detail struct {
		ErrorCode string `json:"ErrorCode"`
		Message   string `json:"Message"`
	}
	status, code := e.status, orDefault(ukCodes[e.status], "U000")
	switch {
	case e.reason == consentOver:
		code = "U009" // the consent's status is not the right one
	case status == http.StatusNotFound:
		status = http.StatusBadRequest // the standard knows no 404
	}
	body, _ := plainJSON(map[string]any{"Code": http.StatusText(status), "Message": e.message, "Errors": []detail{{code, e.message}}})
	c.answer(status, e.retry, body)
}

// ukLinks are the links of an answer.
type ukLinks struct {
	Self  string `json:"Self"`
	First string `json:"First,omitempty"`
	Prev  string `json:"Prev,omitempty"`
	Next  string `json:"Next,omitempty"`
	Last  string `json:"Last,omitempty"`
}

// whole is the frame of each answer.
func (c *british) whole(data any, links ukLinks, more map[string]any) map[string]any {
	answer := map[string]any{"Data": data, "Links": links, "Meta": struct{}{}}
	for name, value := range more {
		answer[name] = value
	}
	return answer
}

func (c *british) href(path string, q url.Values) string {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return c.b.origin(c.r) + ukPrefix + path
}

// own checks the client's own token, and returns the client.
func (c *british) own() (string, *failure) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	token, ok := c.b.state.Access[sealed(c.bearer())]
	if !ok || token.Client == "" || c.now.After(token.Expires) {
		return "", refusal(http.StatusUnauthorized, "Jeton d'accès du client absent ou invalide")
	}
	return token.Client, nil
}

var ukPermissions = []string{
	"ReadAccountsBasic", "ReadAccountsDetail", "ReadBalances", "ReadTransactionsBasic", "ReadTransactionsDetail",
	"ReadTransactionsCredits", "ReadTransactionsDebits",
}

// postConsent is POST /account-access-consents.
func (c *british) postConsent() *failure {
	client, err := c.own()
	if err != nil {
		return err
	}
	var body struct {
		Data struct {
			Permissions []string  `json:"Permissions"`
			Expires     time.Time `json:"ExpirationDateTime"`
		} `json:"Data"`
		Risk *struct{} `json:"Risk"`
	}
	data := http.MaxBytesReader(c.w, c.r.Body, 64<<10)
	if json.NewDecoder(data).Decode(&body) != nil || len(body.Data.Permissions) == 0 || body.Risk == nil {
		return refusal(http.StatusBadRequest, "Le corps de la demande est illisible ou incomplet")
	}
	for _, permission := range body.Data.Permissions {
		if !slices.Contains(ukPermissions, permission) {
			return refusal(http.StatusBadRequest, "Cette banque ne connaît pas la permission %s", cut(permission, 40))
		}
	}
	request := asked{Permissions: body.Data.Permissions, Lasts: body.Data.Expires.IsZero()}
	if !request.Lasts {
		request.Until = DayOf(body.Data.Expires)
	}
	c.b.mu.Lock()
	made := *c.b.ask(client, request)
	c.b.mu.Unlock()
	return c.consentAnswer(http.StatusCreated, made)
}

// ukStatuses are the states of a consent as 4.0 writes them.
var ukStatuses = map[string]string{received: "AWAU", valid: "AUTH", rejected: "RJCT", terminated: "CANC", expired: "EXPD"}

func (c *british) consentAnswer(status int, held consent) *failure {
	since := c.now
	if !held.SCA.IsZero() {
		since = held.SCA
	}
	data := map[string]any{
		"ConsentId": held.ID, "CreationDateTime": since.Format(time.RFC3339), "StatusUpdateDateTime": since.Format(time.RFC3339),
		"Status": ukStatuses[held.status(c.now)], "Permissions": held.Asked.Permissions,
	}
	if held.Asked.Until != 0 {
		data["ExpirationDateTime"] = (held.Asked.Until + 1).Midnight().Format(time.RFC3339)
	}
	body, err := plainJSON(c.whole(data, ukLinks{Self: c.href("/account-access-consents/"+held.ID, nil)}, map[string]any{"Risk": struct{}{}}))
	if err != nil {
		return refusal(http.StatusInternalServerError, "Erreur interne")
	}
	c.answer(status, 0, body)
	return nil
}

// ownConsent finds the consent of the path, which must be the client's.
func (c *british) ownConsent() (*consent, *failure) {
	client, err := c.own()
	if err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	held, ok := c.b.state.Consents[c.path[1]]
	if !ok || held.Asked == nil || held.Client != client || held.Revoked {
		return nil, refusal(http.StatusNotFound, "Consentement inconnu")
	}
	return held, nil
}

// getConsent is GET /account-access-consents/{id}.
func (c *british) getConsent() *failure {
	held, err := c.ownConsent()
	if err != nil {
		return err
	}
	c.b.mu.Lock()
	copied := *held
	asked := *held.Asked
	copied.Asked = &asked
	c.b.mu.Unlock()
	return c.consentAnswer(http.StatusOK, copied)
}

// deleteConsent is DELETE /account-access-consents/{id}.
func (c *british) deleteConsent() *failure {
	held, err := c.ownConsent()
	if err != nil {
		return err
	}
	c.b.mu.Lock()
	held.Revoked = true
	c.b.save()
	c.b.mu.Unlock()
	return c.noContent()
}

// permits reports whether the consent has a permission, by the beginning of its name.
func (c *british) permits(prefix string) bool {
	return c.consent.Asked != nil && slices.ContainsFunc(c.consent.Asked.Permissions, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// ofCustomer opens the customer's accounts if the consent permits it, then answers.
func (c *british) ofCustomer(permission string, answer func() *failure) func() *failure {
	return func() *failure {
		if err := c.checkToken(); err != nil {
			return err
		}
		if !c.permits(permission) {
			return refusal(http.StatusForbidden, "Le consentement ne couvre pas cette ressource")
		}
		if err := c.disturb(len(c.path) == 1); err != nil {
			return err
		}
		return answer()
	}
}

// onAccount finds the account of the path, then answers for it.
func (c *british) onAccount(permission string, answer func(*Account) *failure) func() *failure {
	return c.ofCustomer(permission, func() *failure {
		a, err := c.account(c.path[1])
		if err != nil {
			return err
		}
		return answer(a)
	})
}

type ukNumber struct {
	Scheme string `json:"SchemeName"`
	ID     string `json:"Identification"`
	Name   string `json:"Name"`
}

type ukAccount struct {
	ID          string     `json:"AccountId"`
	Status      string     `json:"Status"`
	Currency    string     `json:"Currency"`
	Category    string     `json:"AccountCategory"`
	Type        string     `json:"AccountTypeCode"`
	Description string     `json:"Description,omitempty"`
	Nickname    string     `json:"Nickname"`
	Numbers     []ukNumber `json:"Account,omitempty"`
}

func (c *british) resource(a *Account) ukAccount {
	r := ukAccount{
		ID: c.book.resourceID(a), Status: "Enabled", Currency: a.Currency, Category: "Personal", Type: "CACC",
		Description: cut(a.Product, 35), Nickname: cut(a.displayName(), 70),
	}
	if a.Usage == "ORGA" {
		r.Category = "Business"
	}
	number := ukNumber{Scheme: "UK.OBIE.IBAN", ID: a.IBAN, Name: cut(orDefault(a.Owner, c.client.ownerName()), 350)}
	switch {
	case a.Kind == CreditCard:
		r.Type, number.Scheme, number.ID = "CARD", "UK.OBIE.PAN", a.masked()
	case a.IBAN == "":
		number.Scheme, number.ID = "UK.OBIE.BBAN", orDefault(a.Number, a.UID)
	}
	if c.permits("ReadAccountsDetail") {
		r.Numbers = []ukNumber{number}
	}
	return r
}

func (c *british) accounts() *failure {
	if err := c.count("", "accounts"); err != nil {
		return err
	}
	list := []ukAccount{}
	for _, a := range c.book.paymentAccounts() {
		list = append(list, c.resource(a))
	}
	return c.reply(c.whole(map[string]any{"Account": list}, ukLinks{Self: c.href("/accounts", nil)}, nil))
}

func (c *british) details(a *Account) *failure {
	if err := c.count(a.UID, "details"); err != nil {
		return err
	}
	r := c.resource(a)
	return c.reply(c.whole(map[string]any{"Account": []ukAccount{r}}, ukLinks{Self: c.href("/accounts/"+r.ID, nil)}, nil))
}

// indicator is the direction of an amount, which itself has no sign.
func indicator(a Amount) string {
	if a < 0 {
		return "Debit"
	}
	return "Credit"
}

type ukAmount struct {
	Amount   string `json:"Amount"`
	Currency string `json:"Currency"`
}

type ukBalance struct {
	AccountID string   `json:"AccountId"`
	Indicator string   `json:"CreditDebitIndicator"`
	Type      string   `json:"Type"`
	DateTime  string   `json:"DateTime"`
	Amount    ukAmount `json:"Amount"`
}

// balances is GET /accounts/{id}/balances. A card with deferred debit has one for each coming
// debit.
func (c *british) balances(a *Account) *failure {
	if err := c.count(a.UID, "balances"); err != nil {
		return err
	}
	id, rows := c.book.resourceID(a), c.book.rows(a)
	list := []ukBalance{}
	add := func(kind string, amount Amount, day Day) {
		list = append(list, ukBalance{id, indicator(amount), kind, day.Midnight().Format(time.RFC3339), ukAmount{amount.abs().String(), a.Currency}})
	}
	booked, expected := c.book.balance(a, rows)
	switch {
	case a.Card != nil && a.Card.Deferred:
		for _, due := range c.book.outstanding(a, rows) {
			add("INFO", due.amount, due.on)
		}
	case a.Kind == CreditCard:
		add("INFO", booked, c.book.today)
	default:
		add("ITBD", booked, c.book.today)
		add("XPCD", expected, c.book.today)
	}
	return c.reply(c.whole(map[string]any{"Balance": list}, ukLinks{Self: c.href("/accounts/"+id+"/balances", nil)}, nil))
}

type ukTransaction struct {
	AccountID   string            `json:"AccountId"`
	ID          string            `json:"TransactionId,omitempty"`
	Reference   string            `json:"TransactionReference,omitempty"`
	Indicator   string            `json:"CreditDebitIndicator"`
	Status      string            `json:"Status"`
	Booking     string            `json:"BookingDateTime"`
	Value       string            `json:"ValueDateTime,omitempty"`
	Information string            `json:"TransactionInformation"`
	Amount      ukAmount          `json:"Amount"`
	Code        *ukCode           `json:"BankTransactionCode,omitempty"`
	Merchant    map[string]string `json:"MerchantDetails,omitempty"`
	Creditor    map[string]string `json:"CreditorAccount,omitempty"`
	Debtor      map[string]string `json:"DebtorAccount,omitempty"`
}

type ukCode struct {
	Code    string `json:"Code"`
	SubCode string `json:"SubCode"`
}

func (c *british) transaction(a *Account, r row) ukTransaction {
	day := r.booked
	if r.pending {
		day = r.made
	}
	t := ukTransaction{
		AccountID: c.book.resourceID(a), ID: r.id, Reference: cut(r.ref, 210), Indicator: indicator(r.amount), Status: "BOOK",
		Booking: day.Midnight().Format(time.RFC3339), Amount: ukAmount{r.amount.abs().String(), a.Currency},
		Information: cut(strings.Join(append([]string{r.label}, r.lines...), " "), 500),
	}
	if _, on := c.book.scenarios.active("no_references", c.book.today); on {
		t.ID = ""
	}
	if r.pending {
		t.Status = "PDNG"
	} else {
		t.Value = r.value.Midnight().Format(time.RFC3339)
	}
	if parts := strings.Split(r.code, "/"); len(parts) == 3 {
		t.Code = &ukCode{parts[1], parts[2]}
	}
	if r.merchant != "" {
		t.Merchant = map[string]string{"MerchantCategoryCode": r.merchant}
	}
	if r.party != "" {
		name := map[string]string{"Name": cut(r.party, 350)}
		if t.Creditor = name; r.amount > 0 {
			t.Creditor, t.Debtor = nil, name
		}
	}
	return t
}

// transactions is GET /accounts/{id}/transactions, newest first.
func (c *british) transactions(a *Account) *failure {
	var w window
	kept := url.Values{}
	for _, p := range []struct {
		name string
		day  *Day
		has  *bool
	}{{"fromBookingDateTime", &w.from, &w.hasFrom}, {"toBookingDateTime", &w.to, &w.hasTo}} {
		written := c.query.Get(p.name)
		if written == "" {
			continue
		}
		day, err := parseInstant(written)
		if err != nil {
			return refusal(http.StatusBadRequest, "%s n'est pas une date", p.name)
		}
		*p.day, *p.has = day, true
		kept.Set(p.name, written)
	}
	w.to++ // the last day is in it
	if err := c.checkHistory(&w); err != nil {
		return err
	}
	if err := c.count(a.UID, "transactions"); err != nil {
		return err
	}
	var rows []row
	for _, r := range c.rowsIn(a, w) {
		if c.permits("ReadTransactions" + indicator(r.amount) + "s") {
			rows = append(rows, r)
		}
	}
	list := []ukTransaction{}
	from, to := c.slice(len(rows))
	for _, r := range rows[from:to] {
		list = append(list, c.transaction(a, r))
	}
	path := "/accounts/" + c.book.resourceID(a) + "/transactions"
	at := func(n int) string { return c.href(path, pageQuery(kept, n)) }
	page, last, next := c.pages(len(rows))
	l := ukLinks{Self: at(page), First: at(1), Last: at(last)}
	if page > 1 {
		l.Prev = at(min(page-1, last))
	}
	if next > 0 {
		l.Next = at(next)
	}
	return c.reply(c.whole(map[string]any{"Transaction": list}, l, nil))
}
