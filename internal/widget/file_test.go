package widget_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
)

// filer is a client whose users may send files.
func filer() oxlin.Client {
	c := client("filer", "Carnet", false)
	c.WidgetFiles = true
	return c
}

// statementOf writes a camt.053 file of one account.
func statementOf(iban string, cents ...int) string {
	var text strings.Builder
	fmt.Fprintf(&text, `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr/><Stmt><Id>1</Id><Acct><Id><IBAN>%s</IBAN></Id><Ccy>EUR</Ccy></Acct>`, iban)
	for n, c := range cents {
		fmt.Fprintf(&text, `<Ntry><Amt Ccy="EUR">%d.%02d</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-%02d</Dt></BookgDt><NtryDtls><TxDtls><RmtInf><Ustrd>SHOP %d</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`, c/100, c%100, n+1, n)
	}
	text.WriteString(`</Stmt></BkToCstmrStmt></Document>`)
	return text.String()
}

const (
	fileIBAN  = "FR7630006000011234567890189"
	otherIBAN = "FR7630004000031234567890143"
	ambiguous = "Date;Libellé;Montant\n03/04/2026;BOULANGER;-12,50\n05/06/2026;LOYER;-700,00\n"
)

// parts returns the form of the page's file with answers, as a browser sends it.
func (b *browser) parts(content string, answers ...string) (address, contentType string, body []byte) {
	b.t.Helper()
	address, values := b.form("form[enctype='multipart/form-data'] [data-e2e=submit-button]")
	b.page.Find("form[enctype='multipart/form-data'] select").Each(func(_ int, s *goquery.Selection) {
		values.Set(s.AttrOr("name", ""), s.Find("option[selected]").AttrOr("value", s.Find("option").AttrOr("value", "")))
	})
	values.Del("file")
	for name, texts := range form(answers...) {
		values[name] = texts
	}
	var text bytes.Buffer
	form := multipart.NewWriter(&text)
	for name := range values {
		_ = form.WriteField(name, values.Get(name))
	}
	part, err := form.CreateFormFile("file", "statement")
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return address, form.FormDataContentType(), text.Bytes()
}

// sendFile sends a file by the form of the page.
func (b *browser) sendFile(content string, answers ...string) *browser {
	b.t.Helper()
	b.want("file")
	address, kind, body := b.parts(content, answers...)
	b.sendBody(address, kind, body)
	return b
}

func TestIHaveAFile(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		own := filer()
		w.SaveClients(own)
		p := w.person(t, own)
		b := p.visit("add_connection", "redirect_url", "https://app.example.test/back").want("banks").act("have_file").want("file")
		shown := b.text()
		for _, says := range []string{"Carnet", "transactions", "Nothing is shared before"} {
			if !strings.Contains(shown, says) {
				t.Errorf("the page does not say %q: %s", says, shown)
			}
		}
		if len(p.connections()) != 0 {
			t.Error("the page alone has made a connection")
		}
		b.act("other_bank").want("banks").act("have_file")
		values := b.sendFile(statementOf(fileIBAN, 1250, 4000)).wantEnd("success created")
		if values.Get("connection_id") != p.connection().ID.String() || p.transactions() != 2 {
			t.Errorf("%v, %d transactions", values, p.transactions())
		}
		given := p.consents()
		if len(given) != 1 || len(given[0].Accounts) != 1 || given[0].ChannelID != 0 || given[0].AllAccounts || !given[0].GivenAt.Equal(w.Clock.Now()) {
			t.Fatalf("the evidence is %+v", given)
		}
		p.wantText(shown)
		b.reload().wantEnd("success created")

		// More of the account, at its bank.
		b = p.visit("add_connection", "provider_id", "2999").want("file")
		b.sendFile(statementOf(fileIBAN, 1250, 4000, 700)).wantEnd("success updated")
		if n := len(p.connections()); n != 1 || p.transactions() != 3 {
			t.Errorf("%d connections, %d transactions", n, p.transactions())
		}
	})
}

// A file of a chosen bank, from the page that leads there and from its login, and the way back.
func TestAFileInPlaceOfTheBank(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	own := filer()
	w.SaveClients(own)
	p := w.person(t, own)
	p.visit("add_connection", "provider_id", "87").want("notice").act("have_file").want("file").act("no_file").want("notice")
	p.visit("add_connection", "select_channel", "true").want("banks").choose("Linxo Test Bank").want("channels").act("have_file").want("file").
		act("no_file").want("channels").press("button[value='8700']").want("login").act("have_file").want("file").
		act("cancel").wantEnd("cancelled cancelled")
	b := p.visit("add_connection", "provider_id", "87").act("have_file")
	b.sendFile(statementOf(otherIBAN, 100)).wantEnd("success created")
	if got := p.connection().ProviderID; got != "87" {
		t.Errorf("the file is of provider %s", got)
	}
}

// What a file leaves open is asked, and the answer comes with the file.
func TestQuestionsAboutAFile(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	own := filer()
	w.SaveClients(own)
	p := w.person(t, own)
	b := p.visit("add_connection", "provider_id", "2999")
	b.sendFile(ambiguous).wantStatus(http.StatusUnprocessableEntity).want("file")
	if !strings.Contains(b.text(), "BOULANGER") || b.page.Find("select#order").Length() != 1 || b.page.Find("select#column-1 option[selected][value=label]").Length() != 1 {
		t.Fatalf("the page does not show how the table is read: %s", b.text())
	}
	if p.transactions() != 0 || len(p.connections()) != 0 {
		t.Error("something was read before the answer")
	}
	b.sendFile(ambiguous, "order", "MDY", "column-1", "counterparty").wantEnd("success created")
	days := map[string]bool{}
	for _, one := range p.Transactions(p.id) {
		days[one.Date.String()] = true
		if one.Counterparty == "" {
			t.Errorf("the corrected column is not read: %+v", one)
		}
	}
	if !days["2026-03-04"] || !days["2026-05-06"] {
		t.Errorf("the days are %v", days)
	}

	p.visit("add_connection", "provider_id", "2999").sendFile(statementOf(fileIBAN, 100)).wantEnd("success updated")
	b = p.visit("add_connection", "provider_id", "2999").sendFile(ambiguous).wantStatus(http.StatusUnprocessableEntity).want("file")
	if n := b.page.Find("select#account option").Length(); n != 4 || !strings.Contains(b.alert(), "which account") {
		t.Fatalf("the page offers %d accounts: %s", n, b.text())
	}
	b.sendFile(ambiguous).want("file") // no account is chosen
	id := b.page.Find("select#account option").Eq(1).AttrOr("value", "")
	b.sendFile(ambiguous, "account", id).wantEnd("success updated")
	if n := len(p.accounts()); n != 2 {
		t.Errorf("%d accounts", n)
	}
}

// Every file that cannot be taken has a sentence, in the language of the page, and no effect.
func TestFilesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	own := filer()
	w.SaveClients(own)
	p := w.person(t, own)
	for name, row := range map[string]struct {
		content  string
		answers  []string
		status   int
		en, inFR string
	}{
		"no file":         {"", nil, 422, "choose a file", "choisir un fichier"},
		"too large":       {strings.Repeat("x", 17<<20), nil, 413, "too large", "trop gros"},
		"no statement":    {"%PDF-1.7\nhello", nil, 422, "not a statement", "pas un relevé"},
		"ends too early":  {statementOf(fileIBAN, 100)[:300], nil, 422, "damaged", "abîmé"},
		"entities":        {`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>` + statementOf(fileIBAN, 100)[21:], nil, 422, "damaged", "abîmé"},
		"no such account": {ambiguous, []string{"account", "nonsense"}, 422, "another account", "autre compte"},
		"a mad mapping":   {ambiguous, []string{"mapping", "[1"}, 422, "damaged", "abîmé"},
	} {
		for language, says := range map[string]string{"en": row.en, "fr": row.inFR} {
			b := p.visit("add_connection", "provider_id", "2999", "locale", language)
			b.sendFile(row.content, row.answers...).wantStatus(row.status).want("file")
			if !strings.Contains(b.alert(), says) {
				t.Errorf("%s, %s: the page says %q", name, language, b.alert())
			}
		}
	}
	if len(p.connections()) != 0 {
		t.Error("a file that was not taken has made a connection")
	}
}

// Without the setting, and where the client has asked for something else, there is no door.
func TestNoDoorForFiles(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	own := filer()
	w.SaveClients(own)
	for name, row := range map[string]struct {
		client     oxlin.Client
		parameters []string
	}{
		"no setting":        {sandbox, nil},
		"no setting, bank":  {sandbox, []string{"provider_id", "87"}},
		"a channel":         {own, []string{"provider_id", "87", "channel_definition_id", "8700"}},
		"types of accounts": {own, []string{"provider_id", "87", "expected_account_types", "PAYMENT"}},
	} {
		p := w.person(t, row.client)
		b := p.visit("add_connection", row.parameters...)
		before := b.at()
		if b.page.Find("button[value=have_file]").Length() != 0 {
			t.Errorf("%s: the page has a button", name)
		}
		address := b.address
		b.send(http.MethodPost, address, url.Values{"action": {"have_file"}})
		b.want(before)
		var text bytes.Buffer
		form := multipart.NewWriter(&text)
		_ = form.WriteField("sending", "0")
		part, _ := form.CreateFormFile("file", "statement")
		_, _ = part.Write([]byte(statementOf(fileIBAN, 100)))
		_ = form.Close()
		b.sendBody(address, form.FormDataContentType(), text.Bytes())
		b.want(before)
		if len(p.connections()) != 0 {
			t.Errorf("%s: a file was taken", name)
		}
	}

	// The setting counts at each form.
	p := w.person(t, own)
	b := p.visit("add_connection").act("have_file").want("file")
	address, kind, body := b.parts(statementOf(fileIBAN, 100))
	own.WidgetFiles = false
	w.SaveClients(own)
	b.sendBody(address, kind, body)
	if len(p.connections()) != 0 {
		t.Error("a file was taken after the setting was taken away")
	}
}

// A form that comes many times has one effect.
func TestAFileTwice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		own := filer()
		w.SaveClients(own)
		p := w.person(t, own)
		b := p.visit("add_connection").act("have_file").want("file")
		address, kind, body := b.parts(statementOf(fileIBAN, 1250, 4000))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				response, err := http.Post(address, kind, bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
				if response.StatusCode >= 500 {
					t.Errorf("status %d", response.StatusCode)
				}
			})
		}
		all.Wait()
		b.sendBody(address, kind, body)
		b.wantEnd("success created")
		if connections, consents, n := len(p.connections()), len(p.consents()), p.transactions(); connections != 1 || consents != 1 || n != 2 {
			t.Errorf("%d connections, %d consents, %d transactions", connections, consents, n)
		}
	})
}
