package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// movement is money that moved. The bank and its files tell of it, each in its own words.
type movement struct {
	day   oxlin.Date
	cents int
	// shop is in each label; id is unique.
	shop string
	id   int
}

// truth returns the movements of one account: four movements a day on average, many of which look alike.
func truth(today oxlin.Date, days int) (moved []movement) {
	add := func(day oxlin.Date, cents int, shop string) {
		moved = append(moved, movement{day, cents, shop, len(moved)})
	}
	for n := days - 1; n >= 0; n-- {
		day := today.AddDays(-n)
		add(day, -240, "CAFE DU PORT") // the same each day
		add(day, -1000-n*7, "MARCHE SAINT JEAN")
		if n%5 == 0 { // twins
			add(day, -310, "BOULANGERIE PAUL")
			add(day, -310, "BOULANGERIE PAUL")
		}
		if n%30 == 3 {
			add(day, 230000, "SALAIRE ACME SARL")
			add(day, -65000, "LOYER AGENCE DU LAC")
		}
	}
	return moved
}

// between keeps the movements from a day to another.
func between(moved []movement, from, until oxlin.Date) []movement {
	return slices.DeleteFunc(slices.Clone(moved), func(m movement) bool { return m.day.Before(from) || until.Before(m.day) })
}

func (m movement) amount() string { return fmt.Sprintf("%d.%02d", abs(m.cents)/100, abs(m.cents)%100) }

func abs(n int) int { return max(n, -n) }

// word chooses by the sign.
func (m movement) word(debit, credit string) string {
	if m.cents < 0 {
		return debit
	}
	return credit
}

const (
	firstIBAN  = "FR7630006000011234567890189"
	secondIBAN = "FR7630004000031234567890143"
)

// camtOf writes a camt.053 file. Its references are those that the interface gives to other
// movements: they name nothing there.
func camtOf(iban string, moved []movement, closing string) string {
	var text strings.Builder
	fmt.Fprintf(&text, `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr/><Stmt><Id>1</Id><Acct><Id>%s</Id><Ccy>EUR</Ccy></Acct>`, idOf(iban))
	if len(moved) > 0 && closing != "" {
		fmt.Fprintf(&text, `<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">%s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>`, closing, moved[len(moved)-1].day)
	}
	for _, m := range moved {
		fmt.Fprintf(&text, `<Ntry><Amt Ccy="EUR">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>%s</Dt></BookgDt><AcctSvcrRef>REF%d</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>%s VILLE</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`,
			m.amount(), m.word("DBIT", "CRDT"), m.day, m.id+1, m.shop)
	}
	text.WriteString(`</Stmt></BkToCstmrStmt></Document>`)
	return text.String()
}

func idOf(iban string) string {
	if iban == "" {
		return ""
	}
	return "<IBAN>" + iban + "</IBAN>"
}

// mt940Of writes an MT940 file, without references.
func mt940Of(account string, moved []movement) string {
	var text strings.Builder
	fmt.Fprintf(&text, ":20:STATEMENT\r\n:25:%s\r\n:28C:1/1\r\n", account)
	for _, m := range moved {
		day := strings.ReplaceAll(m.day.String(), "-", "")[2:]
		fmt.Fprintf(&text, ":61:%s%s%s%sNMSCNONREF\r\n:86:PAIEMENT %s\r\n", day, day[2:], m.word("D", "C"), strings.Replace(m.amount(), ".", ",", 1), m.shop)
	}
	text.WriteString("-\r\n")
	return text.String()
}

// zipOf packs files.
func zipOf(t *testing.T, files ...string) string {
	t.Helper()
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for n, file := range files {
		w, err := archive.Create(fmt.Sprintf("statement-%d", n))
		if err == nil {
			_, err = io.WriteString(w, file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := archive.Close()
	if err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// importWorld is a platform whose bank tells the truth, with its user.
type importWorld struct {
	*world
	t      *testing.T
	token  string
	caller oxlin.Caller
	// shown are the movements that the interface gives of each account.
	shown map[string][]movement
}

func newImportWorld(t *testing.T, db *store.DB) *importWorld {
	t.Helper()
	platform := platformtest.New(t, db, platformtest.Options{PublicURL: publicURL})
	w := &importWorld{world: openDoors(t, platform, func(*api.Options) {}), t: t, shown: map[string][]movement{}}
	user, token := w.user(t, licensed)
	client := licensed
	client.AnyRedirectURI = true
	w.token, w.caller = token, oxlin.Caller{Client: client, UserID: user, PSU: &oxlin.PSU{IP: "203.0.113.7"}}
	w.Calls.Hook(w.answerOfBank)
	return w
}

// answerOfBank is the interface of the bank, in STET's words.
func (w *importWorld) answerOfBank(r *http.Request) *http.Response {
	_, path, found := strings.Cut(r.URL.Path, "/stet/v1.5/")
	parts := strings.Split(path, "/")
	if !found || parts[0] != "accounts" {
		return nil
	}
	euro := func(amount string) map[string]any { return map[string]any{"currency": "EUR", "amount": amount} }
	switch {
	case len(parts) < 3:
		list := []any{}
		for _, iban := range []string{firstIBAN, secondIBAN} {
			if w.shown[iban] != nil {
				list = append(list, map[string]any{
					"resourceId": iban, "name": "COMPTE", "cashAccountType": "CACC", "usage": "PRIV",
					"accountId": map[string]any{"iban": iban, "currency": "EUR"},
				})
			}
		}
		return inJSON(map[string]any{"accounts": list})
	case parts[2] == "balances":
		return inJSON(map[string]any{"balances": []any{map[string]any{"name": "solde", "balanceType": "CLBD", "balanceAmount": euro("500.00")}}})
	}
	from := ""
	if at, err := time.Parse(time.RFC3339, r.URL.Query().Get("dateFrom")); err == nil {
		from = oxlin.DateIn(at, oxlin.Paris).String()
	}
	rows := []any{}
	for _, m := range slices.Backward(w.shown[parts[1]]) {
		if m.day.String() < from {
			continue
		}
		rows = append(rows, map[string]any{
			"entryReference": fmt.Sprintf("REF%d", m.id), "status": "BOOK", "creditDebitIndicator": m.word("DBIT", "CRDT"), "bookingDate": m.day.String(),
			"transactionAmount": euro(m.amount()), "remittanceInformation": map[string]any{"unstructured": []string{"CARTE " + m.shop + " FR"}},
		})
	}
	return inJSON(map[string]any{"transactions": rows, "_links": map[string]any{}})
}

func inJSON(body any) *http.Response {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps and texts marshal
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text))}
}

// send imports a file.
func (w *importWorld) send(path, file string) answer {
	w.t.Helper()
	return w.world.send(w.t, request{method: "POST", path: "/v2.1" + path, token: w.token, body: file, contentType: "application/octet-stream"})
}

// brought counts the news of an import for an account.
type brought struct{ new, changed, known, different int }

// imports imports a file and returns its connection, and what it has brought to each account.
func (w *importWorld) imports(path, file string) (string, []brought) {
	w.t.Helper()
	told := w.send(path, file).want(w.t, 202).object(w.t)
	var all []brought
	for _, a := range told["accounts"].([]any) {
		count := func(name string) int { return int(a.(map[string]any)[name].(float64)) }
		all = append(all, brought{count("new_transactions"), count("changed_transactions"), count("known_transactions"), count("different_transactions")})
	}
	return told["connection_id"].(string), all
}

// consent connects the bank, or the connection of an import to it.
func (w *importWorld) consent(connection string) string {
	w.t.Helper()
	id, _ := oxlin.ParseID[oxlin.ConnectionID](connection)
	return w.Connect(w.caller, connect.AuthorizeRequest{ConnectionID: id}, "dev").String()
}

// tomorrow reads the bank a day later.
func (w *importWorld) tomorrow(connection string) {
	w.t.Helper()
	w.Clock.Advance(24 * time.Hour)
	id, _ := oxlin.ParseID[oxlin.ConnectionID](connection)
	w.Synchronize(w.caller, id)
}

// holds fails unless the user's accounts hold these movements and no others.
func (w *importWorld) holds(want map[string][]movement) {
	w.t.Helper()
	ibans := map[oxlin.AccountID]string{}
	for _, account := range w.Accounts(w.caller.UserID) {
		_, twice := want[ibans[account.ID]]
		if account.IBAN == "" || twice {
			w.t.Errorf("account %+v", account)
		}
		ibans[account.ID] = account.IBAN
	}
	if len(ibans) != len(want) {
		w.t.Errorf("%d accounts, want %d", len(ibans), len(want))
	}
	got := map[string]map[string]int{}
	for _, x := range w.Transactions(w.caller.UserID) {
		iban := ibans[x.AccountID]
		if got[iban] == nil {
			got[iban] = map[string]int{}
		}
		if x.Status != oxlin.StatusBooked || !x.MissingSince.IsZero() {
			w.t.Errorf("%s %s is %s, missing since %s", x.Date, x.Amount, x.Status, x.MissingSince)
		}
		got[iban][x.Date.String()+" "+x.Amount.String()]++
	}
	for iban, moved := range want {
		all := map[string]int{}
		for _, m := range moved {
			all[m.day.String()+" "+oxlin.Amount(int64(m.cents)*1000).String()]++
		}
		for at, n := range all {
			if got[iban][at] != n {
				w.t.Errorf("%s: %s stands %d times, want %d", iban, at, got[iban][at], n)
			}
			delete(got[iban], at)
		}
		for at, n := range got[iban] {
			w.t.Errorf("%s: %s stands %d times, and never moved", iban, at, n)
		}
	}
}

const atBank = "/providers/87/import"

func TestFilesAndChannelsTellOneTruth(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(w *importWorld, today oxlin.Date, all []movement){
		"file, then consent": func(w *importWorld, today oxlin.Date, all []movement) {
			connection, got := w.imports(atBank, camtOf(firstIBAN, all, "12.00"))
			wantBrought(w.t, got, brought{new: len(all)})
			w.holds(map[string][]movement{firstIBAN: all})
			w.consent(connection)
			w.holds(map[string][]movement{firstIBAN: all})
			w.tomorrow(connection)
			w.holds(map[string][]movement{firstIBAN: all})
		},
		"consent, then file": func(w *importWorld, today oxlin.Date, all []movement) {
			w.shown[firstIBAN] = between(all, today.AddDays(-60), today)
			connection := w.consent("0")
			_, got := w.imports("/connections/"+connection+"/import", mt940Of(firstIBAN, w.shown[firstIBAN]))
			// What the day of the reading will have is not known yet, but all of it is.
			wantBrought(w.t, got, brought{known: len(w.shown[firstIBAN])})
			older := between(all, today.AddDays(-300), today.AddDays(-61))
			_, got = w.imports(atBank, camtOf(firstIBAN, older, "12.00"))
			w.holds(map[string][]movement{firstIBAN: all})
			wantBrought(w.t, got, brought{new: len(older)})
			_, got = w.imports(atBank, mt940Of(firstIBAN, all))
			wantBrought(w.t, got, brought{known: len(all)})
			w.tomorrow(connection)
			w.holds(map[string][]movement{firstIBAN: all})
		},
		"two files of different formats overlap": func(w *importWorld, today oxlin.Date, all []movement) {
			early, late := between(all, today.AddDays(-400), today.AddDays(-30)), between(all, today.AddDays(-50), today)
			_, got := w.imports(atBank, mt940Of(firstIBAN, early))
			wantBrought(w.t, got, brought{new: len(early)})
			_, got = w.imports(atBank, camtOf(firstIBAN, late, "12.00"))
			w.holds(map[string][]movement{firstIBAN: all})
			if len(got) != 1 || got[0].new != len(all)-len(early) || got[0].new+got[0].known != len(late) || got[0].different != 0 {
				w.t.Errorf("brought %+v", got)
			}
			_, got = w.imports(atBank, camtOf(firstIBAN, late, "12.00"))
			wantBrought(w.t, got, brought{known: len(late)})
		},
		"months follow one another": func(w *importWorld, today oxlin.Date, all []movement) {
			for n := 4; n >= 0; n-- {
				month := between(all, today.AddDays(-20*n-19), today.AddDays(-20*n))
				_, got := w.imports(atBank, mt940Of(firstIBAN, month))
				wantBrought(w.t, got, brought{new: len(month)})
			}
			w.holds(map[string][]movement{firstIBAN: all})
		},
		"months in an archive, twice in two formats": func(w *importWorld, today oxlin.Date, all []movement) {
			first, second := between(all, today.AddDays(-400), today.AddDays(-41)), between(all, today.AddDays(-40), today)
			_, got := w.imports(atBank, zipOf(w.t, camtOf(firstIBAN, first, "10.00"), camtOf(firstIBAN, second, "12.00"), mt940Of(firstIBAN, all)))
			w.holds(map[string][]movement{firstIBAN: all})
			if len(got) != 1 || got[0].new != len(all) || got[0].known != len(all) {
				w.t.Errorf("brought %+v", got)
			}
		},
		"another account's file has the same rows": func(w *importWorld, today oxlin.Date, all []movement) {
			connection := w.consent("0")
			_, got := w.imports(atBank, camtOf(secondIBAN, all, "12.00"))
			wantBrought(w.t, got, brought{new: len(all)})
			w.holds(map[string][]movement{firstIBAN: w.shown[firstIBAN], secondIBAN: all})
			_, got = w.imports(atBank, zipOf(w.t, mt940Of(secondIBAN, all), mt940Of(firstIBAN, all)))
			older := len(all) - len(w.shown[firstIBAN])
			wantBrought(w.t, got, brought{known: len(all)}, brought{new: older, known: len(all) - older})
			both := map[string][]movement{firstIBAN: all, secondIBAN: all}
			w.holds(both)
			w.tomorrow(connection)
			w.holds(both)
		},
		"a file of any bank, then consent to a new connection": func(w *importWorld, today oxlin.Date, all []movement) {
			first, got := w.imports("/providers/2999/import", camtOf(firstIBAN, all, "12.00"))
			wantBrought(w.t, got, brought{new: len(all)})
			account, rows := w.Accounts(w.caller.UserID)[0].ID, idsOf(w.Transactions(w.caller.UserID))
			connection := w.consent("0")
			moved := w.Accounts(w.caller.UserID)[0]
			if moved.ID != account || moved.ConnectionID.String() != connection || connection == first {
				w.t.Errorf("account %s of connection %s, want %s of %s", moved.ID, moved.ConnectionID, account, connection)
			}
			if moved.Status != oxlin.AccountActive || !moved.Coverage.Complete || moved.Balance == nil {
				w.t.Errorf("the bank was not read: %s, %+v, %v", moved.Status, moved.Coverage, moved.Balance)
			}
			w.holds(map[string][]movement{firstIBAN: all})
			if ids := idsOf(w.Transactions(w.caller.UserID)); !slices.Equal(ids, rows) {
				w.t.Errorf("the transactions have other ids: %v, want %v", ids, rows)
			}
			w.tomorrow(connection)
			_, got = w.imports("/providers/2999/import", mt940Of(firstIBAN, all))
			wantBrought(w.t, got, brought{known: len(all)})
			w.holds(map[string][]movement{firstIBAN: all})
		},
		"a file differs within a channel's days": func(w *importWorld, today oxlin.Date, _ []movement) {
			all := w.shown[firstIBAN]
			connection := w.consent("0")
			more := append(slices.Clone(all), movement{today.AddDays(-20), -99999, "INCONNU", 9000}, movement{today.AddDays(-20), -240, "CAFE DU PORT", 9001})
			into := "/connections/" + connection + "/import"
			_, got := w.imports(into, camtOf(firstIBAN, more, "12.00"))
			wantBrought(w.t, got, brought{known: len(all), different: 2})
			w.holds(map[string][]movement{firstIBAN: all})
			_, got = w.imports(into+"?add_differences=true", camtOf(firstIBAN, more, "12.00"))
			wantBrought(w.t, got, brought{new: 2, known: len(all)})
			w.holds(map[string][]movement{firstIBAN: more})
			// No row goes missing because a file lacks it.
			_, got = w.imports(into, mt940Of(firstIBAN, all[:len(all)/2]))
			wantBrought(w.t, got, brought{known: len(all) / 2})
			w.holds(map[string][]movement{firstIBAN: more})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newImportWorld(t, db)
				today := oxlin.DateIn(w.Clock.Now(), oxlin.Paris)
				all := truth(today, 100)
				w.shown[firstIBAN] = between(all, today.AddDays(-89), today)
				play(w, today, all)
			})
		})
	}
}

func idsOf(rows []oxlin.Transaction) []oxlin.TransactionID {
	var ids []oxlin.TransactionID
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return ids
}

func wantBrought(t *testing.T, got []brought, want ...brought) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("brought %+v, want %+v", got, want)
	}
}

func TestAFileMovesABalanceToALaterDayOnly(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, today oxlin.Date, all []movement) {
		shown := func() string {
			balance, _ := w.Accounts(w.caller.UserID)[0].ShownBalance()
			return balance.String()
		}
		week := between(all, today.AddDays(-16), today.AddDays(-10))
		connection, _ := w.imports(atBank, camtOf(firstIBAN, week, "12.00"))
		if shown() != "12" {
			t.Errorf("balance %s of the first file", shown())
		}
		w.imports(atBank, camtOf(firstIBAN, week[:1], "7.00"))
		if shown() != "12" {
			t.Errorf("balance %s after an older file", shown())
		}
		w.imports(atBank, camtOf(firstIBAN, between(all, today.AddDays(-9), today.AddDays(-9)), "13.00"))
		if shown() != "13" {
			t.Errorf("balance %s after a later file", shown())
		}
		w.consent(connection)
		w.imports(atBank, camtOf(firstIBAN, all, "14.00"))
		if shown() != "500" {
			t.Errorf("balance %s: a file of the day has moved that of the bank", shown())
		}
	})
}

// eachImport runs a test on both databases.
func eachImport(t *testing.T, test func(t *testing.T, w *importWorld, today oxlin.Date, all []movement)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newImportWorld(t, db)
		today := oxlin.DateIn(w.Clock.Now(), oxlin.Paris)
		all := truth(today, 30)
		w.shown[firstIBAN] = all
		test(t, w, today, all)
	})
}

func TestAFileWithoutAnAccountAsks(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, _ oxlin.Date, all []movement) {
		connection, _ := w.imports(atBank, camtOf(firstIBAN, all, ""))
		account := w.Accounts(w.caller.UserID)[0].ID.String()
		into := "/connections/" + connection + "/import"
		asked := w.send(into, camtOf("", all, "")).wantError(t, 409, oxlin.CodeUserActionRequired, "account_id").object(t)
		asks, _ := json.Marshal(asked["question"])
		if want := fmt.Sprintf(`{"accounts":[{"account_number":"12345678901","id":"%s","name":"Compte courant 8901"}],"type":"ACCOUNT"}`, account); string(asks) != want {
			t.Errorf("question %s, want %s", asks, want)
		}
		if n := len(w.Transactions(w.caller.UserID)); n != len(all) {
			t.Errorf("%d transactions after a question, want %d", n, len(all))
		}
		_, got := w.imports(into+"?account_id="+account, camtOf("", all, ""))
		wantBrought(t, got, brought{known: len(all)})
		_, got = w.imports(into+"?account_id=new", camtOf("", all, ""))
		wantBrought(t, got, brought{new: len(all)})
		w.send(into+"?account_id=999", camtOf("", all, "")).wantError(t, 400, oxlin.CodeInvalidRequest, "account_id")
		w.send(into+"?account_id=x", camtOf("", all, "")).wantError(t, 400, oxlin.CodeInvalidRequest, "account_id")
		w.send(into+"?account_id="+account, camtOf(secondIBAN, all, "")).wantError(t, 400, oxlin.CodeInvalidRequest, "account_id")
	})
}

// A file without a currency is in that of its account; a new account without one is in that of the
// bank's data.
func TestAFileWithoutACurrencyIsInThatOfItsAccount(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, _ oxlin.Date, _ []movement) {
		const qif = "!Type:Bank\nD25/12'2026\nT-1.50\nPShop\n^\n"
		dollars := strings.ReplaceAll(camtOf(firstIBAN, []movement{}, "12.00"), "EUR", "USD")
		connection, _ := w.imports(atBank, dollars)
		account := w.Accounts(w.caller.UserID)[0].ID.String()
		_, got := w.imports("/connections/"+connection+"/import?account_id="+account, qif)
		wantBrought(t, got, brought{new: 1})
		w.imports("/connections/"+connection+"/import?account_id=new", qif)
		if all := w.Accounts(w.caller.UserID); len(all) != 2 || all[0].Currency != "USD" || all[1].Currency != "EUR" || all[1].CurrencyWord != oxlin.CurrencyAssumed {
			t.Errorf("accounts %+v", all)
		}
		for _, row := range w.Transactions(w.caller.UserID) {
			if want := map[bool]string{true: "USD", false: "EUR"}[row.AccountID.String() == account]; row.Currency != want {
				t.Errorf("a row of account %s is in %s, want %s", row.AccountID, row.Currency, want)
			}
		}
	})
}

// The number of an account within its IBAN, as banks write it in MT940, leads to it.
func TestANumberInAFileLeadsToItsAccount(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, _ oxlin.Date, all []movement) {
		w.consent("0")
		for _, number := range []string{"30006000011234567890189", "30006/00001/12345678901/89", "12345678901", "FR76 3000 6000 0112 3456 7890 189"} {
			_, got := w.imports(atBank, mt940Of(number, all))
			wantBrought(t, got, brought{known: len(all)})
		}
	})
}

// What comes in a file is a transaction like others: events tell of it, the log has the import, and
// its sealed record can be read anew.
func TestAFileLeavesTraces(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, _ oxlin.Date, all []movement) {
		connection, _ := w.imports(atBank, camtOf(firstIBAN, all, ""))
		w.imports(atBank, camtOf(firstIBAN, all, ""))
		var told []string
		for _, e := range w.EventLog(w.caller.UserID) {
			told = append(told, string(e.Type))
			if rows := e.Payload.Derived; rows != nil {
				told = append(told, fmt.Sprint(rows.New, " ", rows.Changed))
			}
		}
		if want := []string{"CONNECTION_CREATED", "CONNECTION_UPDATED", fmt.Sprint(len(all), " 0")}; !slices.Equal(told, want) {
			t.Errorf("events %q, want %q", told, want)
		}
		first := w.Transactions(w.caller.UserID)[0]
		path := "/v2.1/transactions/" + first.ID.String()
		explained := w.world.send(t, request{method: "GET", path: path + "/explanation", token: w.token}).want(t, 200).object(t)
		if source := explained["import"].(map[string]any)["channel_definition_id"]; source != "file.camt" {
			t.Errorf("the transaction came from %v", source)
		}
		// A record is read anew as it was read first.
		err := w.DB.Write(t.Context(), func(tx *store.Tx) error {
			kept, err := tx.Read().KeptTransactions(t.Context(), first.AccountID, time.Time{}, 1)
			if err != nil {
				return err
			}
			kept[0].Label = "of an older version"
			return tx.UpdateTransaction(t.Context(), kept[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := oxlin.ParseID[oxlin.ConnectionID](connection)
		anew, err := w.Engine.Rederive(t.Context(), id, false)
		if err != nil || anew.Rows != len(all) || anew.Changed != 1 {
			t.Errorf("read anew %+v, error %v", anew, err)
		}
		if label := w.world.send(t, request{method: "GET", path: path, token: w.token}).want(t, 200).object(t)["label"]; label != first.Label {
			t.Errorf("label %v, want %s", label, first.Label)
		}
	})
}

// What a CSV file does not tell is asked, and how it was read is told.
func TestATableWithoutAnOrderOfDaysAsks(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, _ oxlin.Date, _ []movement) {
		table := "Date;Libellé;Montant\n03/04/2026;CAFE DU PORT;-2,40\n05/06/2026;CAFE DU PORT;-2,40\n"
		asked := w.send(atBank, table).wantError(t, 409, oxlin.CodeUserActionRequired, "mapping").object(t)["question"].(map[string]any)
		if fmt.Sprint(asked["type"], asked["unsure"]) != "MAPPING[order]" || len(asked["sample"].([]any)) == 0 {
			t.Errorf("question %v", asked)
		}
		mapping := asked["mapping"].(map[string]any)
		mapping["order"] = "MDY"
		text, _ := json.Marshal(mapping)
		told := w.send(atBank+"?mapping="+url.QueryEscape(string(text)), table).want(t, 202).object(t)
		if order := told["mapping"].(map[string]any)["order"]; order != "MDY" {
			t.Errorf("the file was read in the order %v", order)
		}
		if day := w.Transactions(w.caller.UserID)[0].Date.String(); day != "2026-03-04" && day != "2026-05-06" {
			t.Errorf("the day is %s", day)
		}
		// Both answers are remembered.
		_, got := w.imports(atBank, strings.ReplaceAll(table, "2026", "2025"))
		wantBrought(t, got, brought{new: 2})
		w.imports(atBank, camtOf(secondIBAN, nil, ""))
		w.send(atBank, table).wantError(t, 409, oxlin.CodeUserActionRequired, "account_id")
		w.send(atBank+"?mapping=x", table).wantError(t, 400, oxlin.CodeInvalidRequest, "mapping")
	})
}

// A French account number in parts, as OFX has it, leads to the account of its IBAN.
func TestTheNumberOfAnOFXFileLeadsToItsAccount(t *testing.T) {
	eachImport(t, func(t *testing.T, w *importWorld, _ oxlin.Date, all []movement) {
		w.consent("0")
		var file strings.Builder
		file.WriteString("OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR" +
			"<BANKACCTFROM><BANKID>30006<BRANCHID>00001<ACCTID>12345678901<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST>")
		for _, m := range all {
			fmt.Fprintf(&file, "<STMTTRN><TRNTYPE>%s<DTPOSTED>%s<TRNAMT>%s%s<FITID>F%d<NAME>%s</STMTTRN>",
				m.word("DEBIT", "CREDIT"), strings.ReplaceAll(m.day.String(), "-", ""), m.word("-", ""), m.amount(), m.id, m.shop)
		}
		file.WriteString("</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>")
		_, got := w.imports("/providers/2999/import", file.String())
		wantBrought(t, got, brought{known: len(all)})
		w.holds(map[string][]movement{firstIBAN: all})
	})
}

func TestAFormCarriesAFile(t *testing.T) {
	w := newImportWorld(t, sqlite(t))
	all := truth(oxlin.DateIn(w.Clock.Now(), oxlin.Paris), 3)
	w.imports(atBank, camtOf(firstIBAN, all, ""))
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("account_id", w.Accounts(w.caller.UserID)[0].ID.String())
	part, _ := form.CreateFormFile("file", "statement.xml")
	_, _ = io.WriteString(part, camtOf("", all, ""))
	_ = form.Close()
	sent := request{method: "POST", path: "/v2.1" + atBank, token: w.token, body: body.String(), contentType: form.FormDataContentType()}
	told := w.world.send(t, sent).want(t, 202).object(t)
	if known := told["accounts"].([]any)[0].(map[string]any)["known_transactions"]; known != float64(len(all)) {
		t.Errorf("%v known, want %d", known, len(all))
	}
	sent.body = strings.ReplaceAll(sent.body, `name="file"`, `name="other"`)
	sent.tolerated = true
	w.world.send(t, sent).wantError(t, 400, oxlin.CodeInvalidRequest, "file")
}

// A file may come slowly: it has more time than other requests.
func TestAFileMayTakeItsTime(t *testing.T) {
	w := newImportWorld(t, sqlite(t))
	file := camtOf(firstIBAN, truth(oxlin.DateIn(w.Clock.Now(), oxlin.Paris), 3), "")
	server := httptest.NewUnstartedServer(w.Mux)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Start()
	defer server.Close()
	send := func(path string) (int, error) {
		body, writer := io.Pipe()
		go func() {
			_, _ = io.WriteString(writer, file[:100])
			time.Sleep(600 * time.Millisecond)
			_, _ = io.WriteString(writer, file[100:])
			_ = writer.Close()
		}()
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/v2.1"+path, body)
		if err != nil {
			return 0, err
		}
		r.Header.Set("Authorization", "Bearer "+w.token)
		response, err := server.Client().Do(r)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		return response.StatusCode, nil
	}
	status, err := send(atBank)
	if err != nil || status != 202 {
		t.Errorf("an import that takes its time: status %d, error %v", status, err)
	}
	status, _ = send("/connections")
	if status == 201 || status == 202 {
		t.Errorf("another request that takes its time: status %d", status)
	}
}

// Files on their way have places: one for a user, two for a client, and the others are served meanwhile.
func TestSlowFilesOfAClientKeepNobodyElseWaiting(t *testing.T) {
	w := newImportWorld(t, sqlite(t))
	file := camtOf(firstIBAN, truth(oxlin.DateIn(w.Clock.Now(), oxlin.Paris), 3), "")
	_, second := w.user(t, licensed)
	_, third := w.user(t, licensed)
	_, other := w.user(t, unlicensed)
	whole := func(token string) answer {
		return w.world.send(t, request{method: "POST", path: "/v2.1" + atBank, token: token, body: file, contentType: "application/octet-stream"})
	}
	var ends []func()
	for _, token := range []string{w.token, second} {
		body, writer := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+"/v2.1"+atBank, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		status := make(chan int, 1)
		go func() {
			defer close(status)
			response, err := http.DefaultClient.Do(r)
			if err == nil {
				status <- response.StatusCode
				response.Body.Close()
			}
		}()
		_, _ = io.WriteString(writer, file[:100])
		ends = append(ends, func() {
			_, _ = io.WriteString(writer, file[100:])
			_ = writer.Close()
			if got := <-status; got != 202 {
				t.Errorf("a slow file: status %d", got)
			}
		})
	}
	refused := func(token string) bool {
		got := whole(token)
		if got.StatusCode == 202 {
			return false
		}
		got.wantError(t, 429, oxlin.CodeTooManyRequests, "")
		if got.Header.Get("Retry-After") == "" {
			t.Error("nothing says when to try again")
		}
		return true
	}
	for begun := time.Now(); !refused(w.token); { // until both have their places
		if time.Since(begun) > 10*time.Second {
			t.Fatal("a second file of a user is taken")
		}
	}
	for begun := time.Now(); !refused(third); {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("a third file of a client is taken")
		}
	}
	whole(other).want(t, 202)
	for _, end := range ends {
		end()
	}
	whole(third).want(t, 202)
}

func TestFilesThatCannotBeReadAreRefused(t *testing.T) {
	w := newImportWorld(t, sqlite(t))
	all := truth(oxlin.DateIn(w.Clock.Now(), oxlin.Paris), 3)
	bomb := zipOf(t, "<Document>"+strings.Repeat(" ", 9<<20)+"</Document>")
	many := mt940Of(firstIBAN, slices.Repeat(all[:1], 200_001))
	for name, refused := range map[string]struct {
		file   string
		status int
		code   oxlin.Code
	}{
		"another format":      {"Dear bank, please send my money.", 400, oxlin.CodeInvalidRequest},
		"a document type":     {`<!DOCTYPE a [<!ENTITY b "c">]>` + camtOf(firstIBAN, all, ""), 400, oxlin.CodeInvalidRequest},
		"broken markup":       {camtOf(firstIBAN, all, "")[:900], 400, oxlin.CodeInvalidRequest},
		"a packed nothing":    {bomb, 400, oxlin.CodeInvalidRequest},
		"too many rows":       {many, 400, oxlin.CodeInvalidRequest},
		"an empty archive":    {zipOf(t), 400, oxlin.CodeInvalidRequest},
		"more than 16 MiB":    {mt940Of(firstIBAN, all) + strings.Repeat("\n", 16<<20), 413, oxlin.CodePayloadTooLarge},
		"far more than 16 MB": {strings.Repeat("\n", 18<<20), 413, oxlin.CodePayloadTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			w.send(atBank, refused.file).wantError(t, refused.status, refused.code, "file")
		})
	}
	w.world.send(t, request{method: "POST", path: "/v2.1" + atBank, token: w.token, tolerated: true}).wantError(t, 400, oxlin.CodeInvalidRequest, "file")
	w.send("/providers/none/import", camtOf(firstIBAN, all, "")).wantError(t, 404, oxlin.CodeNotFound, "")
	w.send("/connections/1/import", camtOf(firstIBAN, all, "")).wantError(t, 404, oxlin.CodeNotFound, "")
	if n := len(w.Accounts(w.caller.UserID)); n != 0 {
		t.Errorf("%d accounts of files that were refused", n)
	}
}

func sqlite(t *testing.T) *store.DB {
	t.Helper()
	t.Parallel()
	db, _ := storetest.SQLite(t)
	return db
}
