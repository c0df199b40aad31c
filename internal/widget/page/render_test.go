package page_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// parse parses a page like a browser without scripts.
func parse(t testing.TB, content string) *goquery.Document {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(content), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return goquery.NewDocumentFromNode(root)
}

// everyPage runs a test on every picture in every language.
func everyPage(t *testing.T, check func(t *testing.T, language string, one picture, content string)) {
	for _, language := range page.Texts.Languages() {
		for _, one := range gallery() {
			t.Run(language+"/"+one.name, func(t *testing.T) {
				check(t, language, one, draw(t, frame(language), one.view))
			})
		}
	}
}

func TestEveryPageIsWhole(t *testing.T) {
	everyPage(t, func(t *testing.T, language string, _ picture, content string) {
		d := parse(t, content)
		if got := d.Find("html").AttrOr("lang", ""); got != language {
			t.Errorf("lang is %q", got)
		}
		for _, once := range []string{"h1", "title", "header", "main", "footer", "main h1", "link[rel=stylesheet]", "script[src][defer]"} {
			if n := d.Find(once).Length(); n != 1 {
				t.Errorf("%s is there %d times", once, n)
			}
		}
		title := d.Find("title").Text()
		if heading := d.Find("h1").Text(); heading == "" || title != heading+" – Budget Malin" {
			t.Errorf("the title %q does not say %q", title, heading)
		}
		for _, unfinished := range []string{"<no value>", "&lt;no value", "{{", "%!"} {
			if strings.Contains(content, unfinished) {
				t.Errorf("the page says %s", unfinished)
			}
		}
	})
}

func TestEveryPageIsValid(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, _ picture, content string) {
		if !strings.HasPrefix(content, "<!doctype html>") {
			t.Error("no doctype")
		}
		// A browser repairs invalid HTML by adding or dropping elements.
		content = strings.NewReplacer("<noscript>", "", "</noscript>", "").Replace(content)
		written := 0
		tokens := html.NewTokenizer(strings.NewReader(content))
		for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
			if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
				written++
			}
		}
		d := parse(t, content)
		if read := d.Find("*").Length(); read != written {
			t.Errorf("%d elements are written and %d are read", written, read)
		}
		ids := map[string]bool{}
		for _, element := range d.Find("[id]").EachIter() {
			id := element.AttrOr("id", "")
			if ids[id] {
				t.Errorf("two elements have the id %q", id)
			}
			ids[id] = true
		}
		for _, reference := range []string{"for", "aria-describedby", "aria-controls", "aria-labelledby", "data-reveal"} {
			for _, element := range d.Find("[" + reference + "]").EachIter() {
				for _, id := range strings.Fields(element.AttrOr(reference, "")) {
					if !ids[id] {
						t.Errorf("%s leads to %q, which is not there", reference, id)
					}
				}
			}
		}
		for _, one := range []string{"[autofocus]", "[role=alert]"} {
			if n := d.Find(one).Length(); n > 1 {
				t.Errorf("%s is there %d times", one, n)
			}
		}
		for _, link := range d.Find(`main a[href^="#"]`).EachIter() {
			if id := strings.TrimPrefix(link.AttrOr("href", ""), "#"); !ids[id] {
				t.Errorf("a link leads to #%s, which is not there", id)
			}
		}
	})
}

func TestEveryPageObeysItsPolicy(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, _ picture, content string) { obeys(t, parse(t, content)) })
}

// addresses are the attributes with addresses for the browser or the script.
var addresses = []string{"href", "src", "action", "formaction", "content", "data-go"}

// obeys checks that a page stays within the Content-Security-Policy.
func obeys(t interface{ Errorf(string, ...any) }, d *goquery.Document) {
	if n := d.Find("style, [style], script:not([src]), iframe, object, embed, base").Length(); n != 0 {
		t.Errorf("%d elements have inline style or script, or embed something", n)
	}
	if n := d.Find("script").Length(); n != 1 {
		t.Errorf("there are %d scripts", n)
	}
	for _, element := range d.Find("*").EachIter() {
		for _, attribute := range element.Nodes[0].Attr {
			value := strings.ToLower(strings.TrimSpace(attribute.Val))
			switch {
			case strings.HasPrefix(attribute.Key, "on"):
				t.Errorf("an element has %s", attribute.Key)
			case !slices.Contains(addresses, attribute.Key):
			case strings.HasPrefix(value, "javascript:"), strings.HasPrefix(value, "data:"), strings.Contains(value, "url=javascript:"):
				t.Errorf("%s is %s", attribute.Key, attribute.Val)
			}
		}
	}
}

func TestEveryFormCanBeFilledInAndSent(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, one picture, content string) {
		d := parse(t, content)
		for _, input := range d.Find("input:not([type=hidden])").EachIter() {
			id := input.AttrOr("id", "")
			if label := d.Find(`label[for="` + id + `"]`); label.Length() != 1 || strings.TrimSpace(label.Text()) == "" {
				t.Errorf("input %q has no label", id)
			}
			if input.AttrOr("name", "") == "" || input.AttrOr("type", "") == "" {
				t.Errorf("input %q has no name or no type", id)
			}
		}
		for _, form := range d.Find("form").EachIter() {
			if _, once := form.Attr("data-once"); !once {
				t.Error("a form can be sent twice")
			}
			if form.AttrOr("role", "") == "search" {
				if form.AttrOr("method", "") != "get" || form.AttrOr("action", "") != "/widget/add_connection" {
					t.Error("the search does not get its own address")
				}
				continue
			}
			if form.AttrOr("method", "") != "post" || form.AttrOr("action", "") != self {
				t.Errorf("a form goes to %s %s", form.AttrOr("method", ""), form.AttrOr("action", ""))
			}
		}
		for _, button := range d.Find("button").EachIter() {
			if strings.TrimSpace(button.Text()) == "" {
				t.Error("a button says nothing")
			}
			kind := button.AttrOr("type", "")
			_, reveals := button.Attr("data-reveal")
			if kind != "submit" && !reveals {
				t.Errorf("a button is of type %q", kind)
			}
			if _, hides := button.Attr("hidden"); reveals && !hides {
				t.Error("a button that only a script can serve is shown without one")
			}
		}
		if n := d.Find("[data-e2e=submit-button]").Length(); n > 1 {
			t.Errorf("there are %d buttons to go on", n)
		}
		first := d.Find("main form[method=post] button[type=submit]").First()
		if going := d.Find("button[data-e2e=submit-button]"); going.Length() == 1 && first.Get(0) != going.Get(0) {
			t.Error("the button to go on is not the first")
		}
	})
}

// The elements on which clients' browser tests, the script and the handlers depend.
func TestPagesKeepTheirPromises(t *testing.T) {
	going := "button[type=submit][data-e2e=submit-button]"
	cancel := "button[name=action][value=cancel]"
	promises := map[string][]string{
		"banks": {
			`form[role=search][method=get][data-live="1"] div.search-input > input#bank-search-input[name=q][type=search]`,
			`form[role=search] input[type=hidden][name=session_id][value="S_x-1"]`,
			`#bank-list form button[type=submit][name=provider_id][value="87"] span.bank__name:contains("Linxo Test Bank")`,
			`#bank-list [aria-live=polite]`, `#bank-list a[href*="from=12"]`, `#bank-list svg.picture`, cancel,
		},
		"banks-searched":    {`#bank-search-input[value=credi]`, `#bank-list [role=status]:contains("2 banques trouvées")`},
		"banks-none":        {`#bank-list:contains("Bnaque de Frrance"):contains("quelques lettres")`, `#bank-list a[href="/widget/add_connection?flow=7&lng=fr&session_id=S_x-1"]`},
		"banks-empty":       {`.empty:contains("Aucune banque"):not(:contains("quelques lettres"))`},
		"banks-unavailable": {`[role=alert]:contains("Crédit Agricole")`},
		"channels":          {`button[type=submit][name=channel_definition_id][value="8701"]`, `button[value="8700"]:contains("Livrets d’épargne et crédits")`, cancel},
		"channels-used":     {`button[value="8701"]:contains("21 novembre 2026")`, `button[value="8702"] .bad`, `button[value="8703"] .state:not(.bad)`},
		"notice": {
			going + `[name=action][value=authorize]:contains("Connecter mes comptes courants")`,
			`button[type=submit][name=action][value=no_current_account]:contains("Je n’ai pas de compte courant")`, cancel,
			`form:not([target])`,
		},
		"notice-again": {
			`h1 ~ section[aria-labelledby=earlier] > h2#earlier:contains("déjà connecté Linxo Test Bank")`,
			`#earlier-21:contains("•••• 4412, •••• 9021") > .state:not(.bad):contains("jusqu’au 21 novembre 2026")`,
			`#earlier-22:contains("Compte de Paul"):contains("•••• 3, …") > .state.bad`,
			`button[type=submit][form=renewal][name=connection_id][value="22"][aria-describedby=earlier-22]:contains("Renouveler")`,
			`form#renewal[method=post] > input[type=hidden][name=action][value=renew]`, going + `[name=action][value=authorize]`,
		},
		"channels-again":         {`section #earlier-21`, `button[name=channel_definition_id][value="8701"]`},
		"login-again":            {`section #earlier-21`, `input[name="300"]`, going},
		"notice-tab":             {`main[data-events="/widget/events?flow=7"]`, `form[target=_blank] ` + going, `a[href="` + self + `"]`},
		"notice-renewal":         {`h1:contains("Confirmez")`},
		"notice-refused":         {`[role=alert]:contains("rien n’a été partagé")`},
		"leaving":                {`main[data-go="https://bank.example/authorize?state=a&b=c"][data-after="0"]`, `noscript meta[http-equiv=refresh][content="0;url=https://bank.example/authorize?state=a&b=c"]`, `a[data-e2e=submit-button][href="https://bank.example/authorize?state=a&b=c"]`},
		"login":                  {`form[data-key="/widget/key?session_id=S"] input#\33 00[name="300"][type=text][autocomplete=username]`, `input[name="301"][type=password][autocomplete=current-password][data-encrypt]`, `button[type=button][data-reveal="301"][hidden]`, `input[name="302"][autocomplete=off]`, `label[for="302"]:contains("facultatif")`, `input[type=hidden][name=attempt][value=a1]`, `p.facts:contains("Banque simulée")`, going, cancel},
		"notice-quota_exhausted": {`[role=alert]:contains("Tout reprendra demain")`},
		"login-all-types":        {`form:not([data-key])`, `input[name="1"][type=text][inputmode=numeric][autocomplete=username]`, `input[name="2"][type=password][inputmode=numeric][autocomplete=current-password][data-encrypt]`, `input[name="3"][type=date]`, `input[name="4"][type=password]:not([data-encrypt])`, `input[name="5"][autocomplete=off]`},
		"login-update":           {`input[name="300"][aria-describedby="300-help"]`, `#\33 00-help:contains("**mo")`},
		"login-fields":           {`[role=alert][tabindex="-1"][autofocus] a[href="#300"]`, `[role=alert] a[href="#301"]`, `input[name="300"][aria-invalid=true][aria-describedby="300-problem"][value="de mo"]`, `#\33 01-problem`},
		"login-AUTH_FAILED":      {`[role=alert][autofocus]`},
		"loading":                {`main[data-events="/widget/events?flow=7"] #progress-text[aria-live=polite]`, `progress#progress:not([value])`, `noscript meta[http-equiv=refresh][content="2"]`},
		"loading-accounts":       {`main:not([data-events])`, `head > meta[http-equiv=refresh][content="2"]`},
		"loading-transactions":   {`progress#progress[max="5"][value="2"]`, `#progress-text:contains("318")`},
		"challenge":              {`input[name="306"][type=text][inputmode=numeric][autocomplete=one-time-code]`, `form[data-key]`, `p#countdown[data-seconds="120"] > span:contains("2:00")`, going + `[name="307"][value=true]:contains("Valider")`, `button[type=submit][name="307"][value=false]`, `input[type=hidden][name=question][value="55"]`, `[role=status]:contains("06******12")`},
		"challenge-offer":        {going + `[name="304"][value=true]:contains("Envoyer le SMS")`, `form:not([data-key])`},
		"challenge-wrong":        {`[role=alert][tabindex="-1"][autofocus] a[href="#306"]:contains("2 tentatives")`, `input[name="306"][aria-invalid=true][aria-describedby="306-problem"]`, `[id="306-problem"]:contains("2 tentatives")`, `[role=status]:contains("06******12")`},
		"challenge-empty":        {`[role=alert] a[href="#306"]`, `input[name="306"][aria-invalid=true]`},
		"challenge-wrong-empty":  {`[role=alert] a[href="#306"]:contains("remplir")`, `[id="306-problem"]:contains("remplir")`, `main:not(:contains("2 tentatives"))`},
		"challenge-wrong-answer": {`[role=alert][tabindex="-1"][autofocus]:contains("2 tentatives")`, `form:not(:has([aria-invalid]))`},
		"challenge-questions":    {`input[name="320"][autocomplete=off]`, `input[name="321"][type=password][data-encrypt]`, `input[name="323"][type=date]`},
		"challenge-unnamed":      {going + `:contains("Continuer")`},
		"consent":                {going + `[name=action][value=consent]`, cancel, `main:contains("21 novembre 2026")`, `main:contains("ceux d’aujourd’hui et ceux que vous y ouvrirez")`, `main li:contains("Livret A")`},
		"consent-own":            {`h1:contains("Our own words")`, `p:contains("Second line.")`, going},
		"accounts":               {`input#account-0[type=checkbox][name=account][value="11"][checked]`, `label[for=account-0]`, `input#account-2[value="13"]:not([checked])`, `main:not(:contains("effacé"))`, going, cancel},
		"accounts-none":          {`[role=alert] a[href="#account-0"]`},
		"accounts-manage":        {going, `.small:contains("est effacé. Si vous les décochez tous")`},
		"accounts-renewal":       {`.small:contains("est effacé."):not(:contains("tous"))`},
		"offer":                  {`form[data-submit-after="12"][data-action=finish] p[hidden] > #seconds:contains("12")`, going + `[name=action][value=add_channel]`, `button[name=action][value=finish]`},
		"offer-patient":          {`form:not([data-submit-after])`},
		"terms":                  {`input#terms[type=checkbox][name=terms][value=accepted]`, `a[href="/widget/terms-text"][target=_blank]`, going + `[name=action][value=accept_terms]`, cancel},
		"terms-missing":          {`[role=alert] a[href="#terms"]`, `#terms[aria-invalid=true]`},
		"terms-text":             {`main:contains("2026-12")`, `h2:nth-of-type(11)`},
		"professional":           {going + `[name=action][value=validate]`, `button[name=action][value=refuse]`},
		"failed":                 {going + `[name=action][value=retry]`, `button[name=action][value=leave]`},
		"failed-for-good":        {going + `[name=action][value=leave]`},
		"done-created":           {`main[data-go="https://client.example/back?a=1&status=success"][data-after="3"] a[data-e2e=submit-button][href="https://client.example/back?a=1&status=success"]`, `noscript meta[content="3;url=https://client.example/back?a=1&status=success"]`},
		"done-here":              {`main:not([data-go]):contains("fermer cette page")`},
		"done-auth_failed":       {`h1:contains("pas reconnu ces identifiants")`},
		"unusable":               {`main:contains("01JD9Q")`},
	}
	for _, one := range gallery() {
		d := parse(t, draw(t, frame("fr"), one.view))
		for _, selector := range promises[one.name] {
			if d.Find(selector).Length() == 0 {
				t.Errorf("%s has no %s", one.name, selector)
			}
		}
		delete(promises, one.name)
	}
	for name := range promises {
		t.Errorf("there is no page %s", name)
	}
}

func TestMessagesAreForTheScriptToPost(t *testing.T) {
	f := frame("fr")
	f.Messages = []page.Message{{EventName: "redirect_to", RedirectURL: "/success", Status: "success", ConnectionID: "18902"}}
	f.Origins = []string{"https://a.example", "https://b.example"}
	body := parse(t, draw(t, f, page.Done{Status: "success"})).Find("body")
	if got := body.AttrOr("data-messages", ""); got != `[{"eventName":"redirect_to","redirect_url":"/success","status":"success","connection_id":"18902"}]` {
		t.Errorf("messages: %s", got)
	}
	if got := body.AttrOr("data-origins", ""); got != `["https://a.example","https://b.example"]` {
		t.Errorf("origins: %s", got)
	}
	if _, told := parse(t, draw(t, page.Frame{}, page.TermsText{})).Find("body").Attr("data-messages"); told {
		t.Error("a page without messages has some")
	}
}

func TestTheFrameAroundAPage(t *testing.T) {
	f := frame("en")
	d := parse(t, draw(t, f, page.Consent{Bank: bank}))
	if got := d.Find("nav a[lang=fr]").AttrOr("href", ""); got != "/widget/add_connection?flow=7&lng=fr&session_id=S_x-1" {
		t.Errorf("French is at %s", got)
	}
	if !strings.Contains(d.Text(), "Oxlin") || d.Find("nav a[lang=en]").Length() != 0 {
		t.Error("our name is missing, or the page's own language is offered")
	}

	f.HideLogo, f.Theme = true, "/widget/theme.css?a=b"
	d = parse(t, draw(t, f, page.Consent{Bank: bank}))
	if strings.Contains(d.Text(), "Oxlin") {
		t.Error("our name stands where it is to be left out")
	}
	if d.Find(`link[rel=stylesheet] + link[rel=stylesheet][href="/widget/theme.css?a=b"]`).Length() != 1 {
		t.Error("the theme does not follow our style sheet")
	}

	d = parse(t, draw(t, page.Frame{Language: "tlh"}, page.Unusable{Reason: "invalid_token"}))
	if !strings.Contains(draw(t, page.Frame{}, page.Done{Result: "expired"}), "Retournez dans l’application d’où vous venez") {
		t.Error("a client without a name has no words in its place")
	}
	if d.Find("html").AttrOr("lang", "") != "fr" || !strings.HasSuffix(d.Find("title").Text(), " – Oxlin") || d.Find("details").Length() != 0 {
		t.Error("a page that knows neither language nor client is not plain and French")
	}
}

func TestTheBankListAloneIsTheOneOfThePage(t *testing.T) {
	view := page.Banks{Query: "credi", Banks: banks, Next: "/next"}
	var alone bytes.Buffer
	err := page.RenderBankList(t.Context(), &alone, frame("fr"), view)
	if err != nil {
		t.Fatal(err)
	}
	whole := draw(t, frame("fr"), view)
	if !strings.HasPrefix(alone.String(), `<div id="bank-list">`) || !strings.Contains(whole, alone.String()) {
		t.Errorf("the fragment is not the page's: %.200s", &alone)
	}
}

func TestLogosAreShownWhereThereAreSome(t *testing.T) {
	d := parse(t, draw(t, frame("fr"), page.Banks{Banks: []page.Bank{{ID: "1", Name: "One", Logo: "/logos/1.svg"}, {ID: "2", Name: "Two"}}}))
	if d.Find(`button[value="1"] img[src="/logos/1.svg"][alt=""]`).Length() != 1 || d.Find(`button[value="1"] svg.picture`).Length() != 0 {
		t.Error("the logo is not shown")
	}
	if d.Find(`button[value="2"] svg.picture`).Length() != 1 {
		t.Error("a bank without a logo has no initials")
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Linxo Test Bank": "LT", "BNP Paribas": "BNP", "Crédit Agricole": "CA", "La Banque Postale": "BP", "Caisse d’Épargne": "CÉ",
		"LCL": "LCL", "Boursorama": "BO", "HSBC": "HS", "N26": "N26", "La Poste": "PO", "the": "TH", "É": "É", "": "?", "…": "?",
	} {
		d := parse(t, draw(t, frame("fr"), page.Banks{Banks: []page.Bank{{ID: "1", Name: name}}}))
		if got := strings.TrimSpace(d.Find("#bank-list svg.picture text").Text()); got != want {
			t.Errorf("%q is drawn as %q, want %q", name, got, want)
		}
	}
}

func TestAValueOfASecretIsNeverShown(t *testing.T) {
	for _, field := range []page.Field{
		{ID: "1", Type: oxlin.CredentialPassword}, {ID: "1", Type: oxlin.CredentialNumericPassword}, {ID: "1", Type: oxlin.CredentialText, Encrypt: true},
	} {
		field.Value = "hunter2"
		for _, view := range []page.View{page.Login{Fields: []page.Field{field}}, page.Challenge{Fields: []page.Field{field}}} {
			if strings.Contains(draw(t, frame("fr"), view), "hunter2") {
				t.Errorf("%T shows the value of a %s (encrypt %t)", view, field.Type, field.Encrypt)
			}
		}
	}
}

func TestNobodyIsSentToAnAddressThatRuns(t *testing.T) {
	for _, address := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x",
		"blob:https://a/b", "file:///etc/passwd", "view-source:https://a", "://", "",
	} {
		for _, view := range []page.View{page.Done{Status: "success", Target: address}, page.Leaving{Target: address}} {
			d := parse(t, draw(t, frame("fr"), view))
			if n := d.Find("[data-go], main a, meta[http-equiv=refresh]").Length(); n != 0 {
				t.Errorf("%T leads to %q", view, address)
			}
		}
	}
	for _, address := range []string{"https://a.example/?b=c#d", "com.example.app:/back", "myapp://done", "http://127.0.0.1:1234/", "/success"} {
		d := parse(t, draw(t, frame("fr"), page.Done{Status: "success", Target: address}))
		if got := d.Find("main a").AttrOr("href", ""); got != address || d.Find("main").AttrOr("data-go", "") != address {
			t.Errorf("%q became %q", address, got)
		}
	}
}

// hostile returns views with a text in every field of external origin.
func hostile(text string) []page.View {
	named := page.Bank{ID: oxlin.ProviderID(text), Name: text, Branch: text}
	fields := []page.Field{{ID: "300", Label: text, Masked: text, Value: text, Problem: "form"}}
	lines := []page.AccountLine{{ID: 1, Name: text, Number: text, Type: oxlin.AccountType(text)}}
	return []page.View{
		page.Banks{Query: text, Banks: []page.Bank{named}, Unavailable: text, Next: text, Hidden: map[string]string{text: text}},
		page.Banks{Query: text},
		page.Channels{Bank: named, Choices: []page.ChannelChoice{{ID: oxlin.ChannelDefinitionID(text), AccountTypes: []oxlin.AccountType{oxlin.AccountType(text)}, Used: true, Status: oxlin.ChannelStatus(text)}}},
		page.Notice{Bank: named, Problem: text, NewTab: true, Progress: text},
		page.Leaving{Bank: named, Target: text},
		page.Login{Bank: named, Fields: fields, Key: text, Attempt: text},
		page.Login{Bank: named, Problem: text},
		page.Loading{Bank: named, Progress: page.Progress{Step: text}, Events: text},
		page.Challenge{Bank: named, Fields: fields, Notes: []page.Note{{Text: text}, {Text: text, Error: true}}, OK: "1", Label: text, Question: text, Seconds: 1},
		page.Consent{Bank: named, Accounts: lines, Header: text, Body: text},
		page.Accounts{Bank: named, Accounts: lines, Header: text, Body: text, Problem: text},
		page.Offer{Bank: named, AccountTypes: []oxlin.AccountType{oxlin.AccountType(text)}},
		page.Terms{Version: text, Text: text},
		page.TermsText{Version: text},
		page.Professional{Accounts: lines},
		page.Failed{Bank: named, Reason: text},
		page.Done{Status: text, Result: text, Target: text},
		page.BackFromBank{Status: text},
		page.Unusable{Reason: text, RequestID: text, Detail: text},
	}
}

func checkHostile(t interface {
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, text string) {
	for _, view := range hostile(text) {
		var content bytes.Buffer
		f := page.Frame{Language: "en", Client: text, Self: "/widget/terms?x=" + text, Theme: text, Messages: []page.Message{{EventName: text}}, Origins: []string{text}}
		err := page.Render(context.Background(), &content, f, view)
		if err != nil {
			t.Fatalf("%T: %v", view, err)
		}
		root, err := html.ParseWithOptions(&content, html.ParseOptionEnableScripting(false))
		if err != nil {
			t.Fatalf("%T: %v", view, err)
		}
		d := goquery.NewDocumentFromNode(root)
		obeys(t, d)
		if n := d.Find("h1").Length(); n != 1 {
			t.Errorf("%T has %d headings", view, n)
		}
		if n := d.Find("img, b, marquee").Length(); n != 0 {
			t.Errorf("%T has %d elements that a text brought in", view, n)
		}
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	for _, text := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><b>`, `javascript:alert(1)`,
		`</noscript><script>alert(1)</script>`, `{{.Us}}{{template "x"}}`, "\x00\x1b[31m", "\xff\xfe", "%s%d%!", `--><marquee>`,
	} {
		checkHostile(t, text)
	}
	d := parse(t, draw(t, page.Frame{Client: "<b>{{.Us}}", Self: self}, page.Consent{Bank: page.Bank{Name: `"{{.Client}}"`}}))
	if got := d.Find("h1").Text(); !strings.Contains(got, "<b>{{.Us}}") || !strings.Contains(d.Find("h2").Text(), `"{{.Client}}"`) {
		t.Errorf("names are not as they were: %s", got)
	}
}

func TestAnyTextStaysAText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkHostile(t, rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune(`<>"'&=/:{}%$#;- `)), rapid.Rune())).Draw(t, "text"))
	})
}

func TestAViewThatHasNoPageIsAnError(t *testing.T) {
	err := page.Render(t.Context(), &bytes.Buffer{}, frame("fr"), nil)
	if err == nil {
		t.Error("nothing was drawn without complaint")
	}
}

// budget bounds the bytes of the first page.
const budget = 30 << 10

func TestPagesAreLight(t *testing.T) {
	assets := 0
	for _, name := range []string{"style.css", "widget.js"} {
		content, err := os.ReadFile("../asset/" + name)
		if err != nil {
			t.Fatal(err)
		}
		size := compressed(content)
		assets += size
		t.Logf("%-12s %6d bytes, %5d compressed", name, len(content), size)
		if name == "style.css" && (len(content) > 10_000 || size > 3<<10) {
			t.Errorf("the style sheet has %d bytes, %d compressed", len(content), size)
		}
	}
	// Pages with a session in their address are not compressed on their way.
	largest := 0
	for _, one := range gallery() {
		size := len(draw(t, frame("fr"), one.view))
		if _, open := one.view.(page.TermsText); open {
			size = compressed([]byte(draw(t, frame("fr"), one.view)))
		}
		largest = max(largest, size)
		if size > 5000 {
			t.Logf("%-20s %6d bytes", one.name, size)
		}
	}
	// As many as the widget shows at once, with long names.
	var long []page.Bank
	for i := range 20 {
		long = append(long, page.Bank{ID: oxlin.ProviderID(fmt.Sprint(i)), Name: fmt.Sprintf("Caisse régionale n° %d", i*7919), Branch: fmt.Sprintf("Département %d", i)})
	}
	first := len(draw(t, frame("fr"), page.Banks{Banks: long}))
	t.Logf("a list of %d banks: %d bytes; with style sheet and script %d", len(long), first, first+assets)
	if first+assets > budget || largest+assets > budget {
		t.Errorf("the first page weighs %d bytes, the heaviest %d", first+assets, largest+assets)
	}
}

func compressed(content []byte) int {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(content) // a buffer never fails
	w.Close()
	return out.Len()
}

func BenchmarkBankList(b *testing.B) {
	for b.Loop() {
		err := page.Render(b.Context(), &bytes.Buffer{}, frame("fr"), page.Banks{Banks: banks})
		if err != nil {
			b.Fatal(err)
		}
	}
}
