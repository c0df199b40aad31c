package testbank

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scenario is a failure or a change that the bank plays for one login.
type scenario struct {
	Name  string `json:"Name"`
	Param string `json:"Param,omitempty"`
	Since Day    `json:"Since"`           // changes take hold on this day
	Times int    `json:"Times,omitempty"` // how many data calls it hits; 0 means all
	Left  int    `json:"Left,omitempty"`
	Gen   int    `json:"Gen,omitempty"` // how often it was switched on: renumbered counts
}

// scenarioDocs lists the scenarios with one line of documentation each. Only a scenario
// of this list can be switched on.
var scenarioDocs = map[string]string{
	"down":             "data calls answer 503",
	"slow":             "data calls take their time: parameter in milliseconds, 3000 unless told",
	"rate_limited":     "data calls answer 429",
	"consent_expired":  "data calls answer 403, the refresh token answers invalid_grant",
	"garbage":          "data calls answer 200 with nonsense: parameter html (default), types or truncated",
	"next_loop":        "the last page of a list links to itself as next",
	"no_references":    "transactions carry neither entryReference nor resourceId",
	"refuse":           "the authorisation ends with access_denied right after the login",
	"renumbered":       "every entryReference and resourceId changes",
	"relabelled":       "the labels of the last ten days change, identifiers stay",
	"backdated":        "a new row appears with a booking date five days earlier",
	"pending_booked":   "what is pending becomes booked, with another label",
	"vanished_account": "an account is no longer there: parameter account_uid, else the last current account",
	"new_account":      "one more current account is there",
	"professional":     "one more current account is there, a professional one",
	"partial":          "one account's balance and rows answer 503: parameter account_uid, else the last current account",
	"every_sync":       "the first current account has one more row at every synchronisation",
	"locked":           "the web site says that there were too many attempts",
	"password_change":  "the web site wants a new password first",
	"action_required":  "the web site wants its new terms accepted first, on its own pages",
	"sms":              "an SMS code is asked for at every login: parameter for how many minutes a web site remembers a device all the same",
	"sms_wrong":        "as sms, and no code is ever right",
	"questions":        "the web site puts four questions in one form where it would offer an SMS",
	"decoupled":        "Berlin Group: the customer approves in the bank's app: parameter after how many seconds, 5 unless told",
	"script":           "the web site draws the page of a savings account by a script: without one it is empty",
	"session_timeout":  "once a day the web site ends the session in the middle: parameter after how many pages, 6 unless told",
}

// changes lists the scenarios that need a day before and a day after. If the login's
// name selects them, they take effect on the day after the first login.
var changes = map[string]bool{
	"renumbered": true, "relabelled": true, "backdated": true, "pending_booked": true,
	"vanished_account": true, "new_account": true,
}

// scenarios are those in force for one login, by name.
type scenarios map[string]scenario

// wantsCode reports whether the login pages ask for an SMS code after the password.
func (s scenarios) wantsCode(today Day) bool {
	_, asked := s.active("sms", today)
	_, never := s.active("sms_wrong", today)
	return asked || never
}

// parseScenario reads "name" or "name-parameter".
func parseScenario(s string) (name, param string, ok bool) {
	name, param, _ = strings.Cut(strings.TrimSpace(s), "-")
	_, ok = scenarioDocs[name]
	return name, param, ok
}

// splitLogin splits "dev+down" into the login of the file and the names of scenarios.
func splitLogin(login string) (base string, names []string) {
	parts := strings.Split(login, "+")
	return parts[0], parts[1:]
}

// scenariosOf merges the scenarios of the login's name, the file and the control API;
// the control API overrides the others. The caller holds b.mu.
func (b *Bank) scenariosOf(c customer) scenarios {
	set := scenarios{}
	_, names := splitLogin(c.Login)
	if c.file != nil {
		names = append(slices.Clone(c.file.Scenarios), names...)
	}
	for _, s := range names {
		name, param, ok := parseScenario(s)
		if !ok {
			continue
		}
		since := c.Anchor
		if changes[name] {
			since++
		}
		set[name] = scenario{Name: name, Param: param, Since: since, Gen: 1}
	}
	maps.Copy(set, b.state.Scenarios[c.Login])
	return set
}

func (s scenarios) active(name string, today Day) (scenario, bool) {
	v, ok := s[name]
	return v, ok && v.Since <= today && (v.Times == 0 || v.Left > 0)
}

// generation is part of every identifier, so that renumbering changes all of them.
func (s scenarios) generation(today Day) string {
	if v, ok := s.active("renumbered", today); ok {
		return strconv.Itoa(v.Gen)
	}
	return ""
}

func (s scenarios) delay(today Day) time.Duration {
	v, ok := s.active("slow", today)
	if !ok {
		return 0
	}
	if ms, err := strconv.Atoi(v.Param); err == nil && ms >= 0 {
		return min(time.Duration(ms)*time.Millisecond, 5*time.Minute)
	}
	return 3 * time.Second
}

// accounts returns the file's accounts with those that scenarios remove or add.
func (s scenarios) accounts(list []*Account, today Day) []*Account {
	list = slices.Clone(list)
	if v, ok := s.active("vanished_account", today); ok {
		uid := v.account(list)
		list = slices.DeleteFunc(list, func(a *Account) bool { return a.UID == uid })
	}
	if v, ok := s.active("new_account", today); ok {
		list = append(list, extraAccount("NOUVEAU", "COMPTE TOUT NEUF", "PRIV", "00099000011", v.Since))
	}
	if v, ok := s.active("professional", today); ok {
		list = append(list, extraAccount("PRO", "COMPTE PRO BONBONS ET FILS", "ORGA", "00099000022", v.Since))
	}
	return list
}

// account returns the subject of a scenario: its parameter, else the last current
// account.
func (v scenario) account(list []*Account) string {
	uid := v.Param
	for _, a := range list {
		if v.Param == "" && a.Kind == Checkings {
			uid = a.UID
		}
	}
	return uid
}

// unwell reports whether an account cannot be read today.
func (b *book) unwell(a *Account) bool {
	v, on := b.scenarios.active("partial", b.today)
	return on && v.account(b.accounts) == a.UID
}

// extraAccount is a small current account that is in no file.
func extraAccount(uid, name, usage, number string, since Day) *Account {
	on := func(d Day) Date { return Date{kind: fixedDate, n: int(d)} }
	return &Account{
		UID: "SCENARIO-" + uid, Number: number, Kind: Checkings, Name: name, Currency: "EUR",
		IBAN: frenchIBAN("99987", "00001", number), BalanceDate: on(since), Balance: 250 * unit,
		Usage: usage, Product: "Compte courant", PSUStatus: "Account Holder",
		Entries: []Entry{
			{Date: on(since), Amounts: []Amount{250 * unit}, Label: "VIR SEPA RECU OUVERTURE DE COMPTE", Code: "PMNT/RCDT/ESCT"},
			{Date: on(since + 1), Amounts: []Amount{-2*unit - unit/2}, Label: "FRAIS TENUE DE COMPTE", Code: "ACMT/MDOP/CHRG", Every: &Recurrence{Months: 1}},
		},
	}
}

// rows applies the scenarios that change an account's rows.
func (s scenarios) rows(b *book, a *Account, rows []row) []row {
	if v, ok := s.active("relabelled", b.today); ok {
		for i := range rows {
			if r := &rows[i]; !r.pending && r.booked > v.Since-10 && r.booked <= v.Since {
				r.label = "LIBELLE REVU - " + r.label
			}
		}
	}
	if v, ok := s.active("pending_booked", b.today); ok {
		for i, r := range rows {
			if !r.announced || r.void || (!r.pending && r.booked <= v.Since) {
				continue
			}
			// The same seed before and after the day it would have been booked.
			seed := r.pendID + r.id[min(8, len(r.id)):]
			r.pending, r.noExpect, r.pendID = false, false, ""
			r.booked = max(r.made, v.Since)
			r.value, r.entered = r.booked, r.booked
			if a.Card != nil && a.Card.Deferred {
				r.value = a.Card.debitDay(r.booked)
			}
			r.label = "REGLE " + r.label
			b.number(&r, scenarioMark+"pending_booked\x00"+a.UID+strings.TrimPrefix(seed, "P"), 1)
			rows[i] = r
		}
	}
	if v, ok := s.active("backdated", b.today); ok && a == b.firstCurrent() {
		r := row{
			amount: -17*unit - 35*unit/100, made: v.Since - 5, booked: v.Since - 5, value: v.Since - 5, entered: v.Since,
			label: "PRLV SEPA REGULARISATION TARDIVE", lines: []string{"OUBLIE DANS UN TIROIR"}, code: "PMNT/RDDT/ESDD", party: "LE TIROIR SARL",
		}
		b.number(&r, scenarioMark+"backdated\x00"+a.UID, 1)
		rows = append(rows, r)
	}
	if _, ok := s.active("every_sync", b.today); ok && a == b.firstCurrent() {
		for n, day := range b.syncs {
			r := row{
				amount: -unit - Amount(n+1)*unit/100, made: day, booked: day, value: day, entered: day, added: true,
				label: fmt.Sprintf("CB LA NOUVEAUTE DU JOUR %d", n+1), code: "PMNT/CCRD/POSD", party: "LA NOUVEAUTE DU JOUR",
			}
			b.number(&r, scenarioMark+"every_sync\x00"+a.UID, n+1)
			rows = append(rows, r)
		}
	}
	return rows
}

// maxSyncs bounds the rows of every_sync.
const maxSyncs = 1000

// noteSync adds a row to the customer if the scenario every_sync is on.
func (b *Bank) noteSync(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noteCustomer(key, func(c *customer) {
		_, on := b.scenariosOf(*c).active("every_sync", b.today())
		if on && len(c.Syncs) < maxSyncs {
			c.Syncs = append(slices.Clone(c.Syncs), b.today())
		}
	})
	b.changed()
}

// firstCurrent returns the account that scenarios use if they need one.
func (b *book) firstCurrent() *Account {
	for _, a := range b.accounts {
		if a.Kind == Checkings {
			return a
		}
	}
	return nil
}

// names lists the scenarios in order, for people.
func (s scenarios) names() []string {
	list := slices.Collect(maps.Keys(s))
	slices.SortFunc(list, cmp.Compare)
	return list
}

// trouble applies the scenarios that delay or refuse answers with data, on every
// interface.
func (b *Bank) trouble(ctx context.Context, login string, set scenarios, today Day) *failure {
	if wait := set.delay(today); wait > 0 {
		b.spend(login, "slow")
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return refusal(http.StatusServiceUnavailable, "Délai dépassé")
		}
	}
	if _, on := set.active("down", today); on {
		b.spend(login, "down")
		return &failure{status: http.StatusServiceUnavailable, message: "Service momentanément indisponible", retry: 2 * time.Minute}
	}
	if _, on := set.active("rate_limited", today); on {
		b.spend(login, "rate_limited")
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.tooMany()
	}
	return nil
}

// spend uses up one call of a scenario that lasts for a number of calls.
func (b *Bank) spend(login, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	set := b.state.Scenarios[login]
	if s, ok := set[name]; ok && s.Times > 0 && s.Left > 0 {
		s.Left--
		set[name] = s
		b.changed()
	}
}
