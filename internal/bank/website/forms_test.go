package website_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// statementOf reads rows of a statement, written as the recipe's site does.
func statementOf(t *testing.T, recipe, rows string) bank.TransactionsPage {
	t.Helper()
	text := `<p class="numero">N° 1</p><table id="operations"><tbody>` + rows + `</tbody></table><a id="quitter"></a>`
	if recipe == "memorable" {
		text = `<div class="activity" data-of="1">` + rows + `<p class="end"></p></div>`
	}
	connector := hostile(t, recipe, func(*http.Request) *http.Response { return page(text) })
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
	read, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1", Currency: "EUR"}, oxlin.NewDate(2026, 11, 1), `{"address":"/site/x"}`)
	if err != nil {
		t.Fatalf("%s: %v", rows, err)
	}
	return read
}

// onlyRow describes the only row of a page: day, amount and currency, or what of it cannot
// be read.
func onlyRow(t *testing.T, read bank.TransactionsPage) string {
	t.Helper()
	switch {
	case len(read.Transactions) == 1 && len(read.Unreadable) == 0:
		row := read.Transactions[0]
		return strings.TrimSpace(row.Date().String() + " " + row.Amount.String() + " " + row.Currency)
	case len(read.Transactions) == 0 && len(read.Unreadable) == 1:
		return "no " + string(read.Unreadable[0].Reason)
	}
	t.Errorf("want one row: %+v", read)
	return ""
}

func TestAmountsOnAPage(t *testing.T) {
	for text, want := range map[string]string{
		"−12,50 €": "-12.5 EUR", "-12,50": "-12.5 EUR", "- 12,50&nbsp;€": "-12.5 EUR", "&minus;12,50 &euro;": "-12.5 EUR", "&#8722;12,50": "-12.5 EUR", "–12,50": "-12.5 EUR",
		"12,50-": "-12.5 EUR", "12,50 € −": "-12.5 EUR", "(12,50 €)": "-12.5 EUR", "12,50 D": "-12.5 EUR", "12,50 DR": "-12.5 EUR", "12,50 Débit": "-12.5 EUR",
		"12,50 CR": "12.5 EUR", "+12,50": "12.5 EUR", "12,50 C": "12.5 EUR", "Crédit 12,50 €": "12.5 EUR", "<sup>-</sup>12<small>,50</small>": "-12.5 EUR",
		"-1&nbsp;234,56": "-1234.56 EUR", "-1\u202f234,56": "-1234.56 EUR", "-1'234,56": "-1234.56 EUR", "-1’234,56": "-1234.56 EUR", "-1.234,56": "-1234.56 EUR",
		"-1&thinsp;234&thinsp;567,89": "-1234567.89 EUR", "-12&#8203;,50": "-12.5 EUR", "0,00 €": "0 EUR", "-12,50 $": "-12.5 USD", "-12,50 CHF": "-12.5 CHF", "-1 234 JPY": "-1234 JPY",
		"-1,234": "no amount", "-1,234.56": "no amount", "12.50": "no amount", "-12,50 -": "no amount", "-12,50 DR": "no amount", "12,50 DC": "no amount",
		"12,50 €": "no sign", "1 234,56": "no sign", "0,00": "0 EUR",
		"": "no amount", "—": "no amount", "n.c.": "no amount", "12,50 €€": "no amount", "1 23,00": "no amount", "****": "no amount", "12,50 XYZ": "no amount",
	} {
		read := statementOf(t, "testbank", `<tr><td class="date">21/11/2026</td><td class="libelle">X</td><td class="montant">`+text+`</td></tr>`)
		if !strings.HasPrefix(want, "no ") {
			want = "2026-11-21 " + want
		}
		if got := onlyRow(t, read); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"EUR 1,234.56 DR": "-1234.56 EUR", "1,234.56 CR": "1234.56 EUR", "£12.00 DR": "-12 GBP", "12.00": "no sign", "1,234 DR": "-1234 EUR", "1,234.56-": "-1234.56 EUR",
		"1.234 DR": "no amount", "1.234,56 DR": "no amount", "12,50 DR": "no amount",
	} {
		read := statementOf(t, "memorable", `<section><h4>21 Nov 2026</h4><div class="move"><p>X</p><b>`+text+`</b></div></section>`)
		if !strings.HasPrefix(want, "no ") {
			want = "2026-11-21 " + want
		}
		if got := onlyRow(t, read); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestDaysOnAPage(t *testing.T) {
	for text, want := range map[string]string{
		"21/11/2026": "2026-11-21", "21/11/26": "2026-11-21", "21.11.26": "2026-11-21", "2026-11-21": "2026-11-21", "21 nov. 2026": "2026-11-21", "21 novembre 2026": "2026-11-21",
		"21&nbsp;NOV&nbsp;26": "2026-11-21", "1er d&eacute;c. 2026": "2026-12-01", "5 ao&ucirc;t 2027": "2027-08-05", "sam. 21 nov. 2026": "2026-11-21", "samedi 21 novembre 2026": "2026-11-21",
		"2026-11-20T23:30:00Z": "2026-11-21", "2026-11-21T00:30:00+02:00": "2026-11-21", "21/11/2026 à 23:59": "2026-11-21", "<b>21</b> <span>nov.</span> 2026": "2026-11-21",
		"31/02/2026": "", "11/21/2026": "", "21/11": "", "hier": "", "00/00/0000": "", "01/01/1900": "", "29 févr. 2026": "", "21 foo 2026": "", "21/11/20266": "", "21-11/2026": "",
	} {
		read := statementOf(t, "testbank", `<tr><td class="date">`+text+`</td><td class="libelle">X</td><td class="montant">-1,00</td></tr>`)
		if want != "" {
			want += " -1 EUR"
		} else {
			want = "no day"
		}
		if got := onlyRow(t, read); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"21 Nov 2026": "2026-11-21 -1 EUR", "Saturday 21 November 2026": "2026-11-21 -1 EUR", "21/11/26": "2026-11-21 -1 EUR", "November 21, 2026": "2026-11-21 -1 EUR",
		"30 Feb 2026": "no day", "yesterday": "no day", "": "-1 EUR",
	} {
		read := statementOf(t, "memorable", `<section><h4>`+text+`</h4><div class="move"><p>X</p><b>1.00 DR</b></div></section>`)
		if got := onlyRow(t, read); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// TestColumnsThatAreMissing: an absent column is no value, and no reason to drop a row.
func TestColumnsThatAreMissing(t *testing.T) {
	for row, want := range map[string]string{
		`<td class="libelle">X</td><td class="montant">-1,00</td>`:                                "-1 EUR",
		`<td class="date"></td><td class="libelle">X</td><td class="montant">-1,00</td>`:          "-1 EUR",
		`<td class="date">21/11/2026</td><td class="montant">-1,00</td>`:                          "2026-11-21 -1 EUR",
		`<td class="date">21/11/2026</td><td class="libelle">X</td>`:                              "no amount",
		`<td class="valeur">21/11/2026</td><td class="montant">-1,00</td>`:                        "2026-11-21 -1 EUR",
		`<td class="date">?</td><td class="valeur">21/11/2026</td><td class="montant">-1,00</td>`: "2026-11-21 -1 EUR",
		`<td class="date">21/11/2026</td><td class="valeur">soon</td><td class="montant">-1</td>`: "2026-11-21 -1 EUR",
	} {
		read := statementOf(t, "testbank", `<tr>`+row+`</tr>`)
		if got := onlyRow(t, read); got != want {
			t.Errorf("%s is %s, want %s", row, got, want)
		}
		for _, transaction := range read.Transactions {
			if strings.Contains(row, "libelle") != (len(transaction.Remittance) == 1) {
				t.Errorf("%s has the words %q", row, transaction.Remittance)
			}
			if strings.Contains(row, "soon") && !transaction.ValueDate.IsZero() {
				t.Errorf("%s has the value day %s", row, transaction.ValueDate)
			}
		}
	}
}

// TestALateRowDoesNotEndAStatement: a row before the days that are asked for may stand among
// newer ones, and the statement goes on.
func TestALateRowDoesNotEndAStatement(t *testing.T) {
	row := func(day string) string {
		return `<tr><td class="date">` + day + `</td><td class="libelle">X</td><td class="montant">-1,00</td></tr>`
	}
	for name, test := range map[string]struct {
		rows string
		read int
		goes bool
	}{
		"late at the beginning": {row("03/04/2025") + row("20/11/2026"), 1, true},
		"older at the end":      {row("20/11/2026") + row("03/04/2025"), 1, false},
		"none older":            {row("20/11/2026") + row("19/11/2026"), 2, true},
	} {
		connector := hostile(t, "testbank", func(*http.Request) *http.Response {
			return page(`<p class="numero">N° 1</p><table id="operations"><tbody>` + test.rows + `</tbody></table><a rel="next" href="?page=2"></a><a id="quitter"></a>`)
		})
		call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
		read, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1"}, oxlin.NewDate(2026, 11, 1), `{"address":"/site/x"}`)
		if err != nil || len(read.Transactions) != test.read || (read.Next != "") != test.goes {
			t.Errorf("%s: %+v, %v", name, read, err)
		}
	}
}

func TestCharacterSetsOfPages(t *testing.T) {
	const (
		words = "CAFÉ DE L'ŒUVRE H&M"
		form  = `<p class="numero">N° 1</p><table id="operations"><tbody>` + "\n" +
			`<tr><td class="date">1er déc. 2026</td><td class="libelle">CAFÉ DE L'ŒUVRE H&amp;M</td><td class="montant">-1` + "\u00a0" + `234,56 €</td></tr>` + "\n" +
			`</tbody></table><a id="quitter"></a>`
	)
	in := func(set encoding.Encoding, text string) string {
		encoded, err := set.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	windows := in(charmap.Windows1252, form)
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	const declaration = `<meta charset="`
	for name, test := range map[string]struct{ contentType, body string }{
		"UTF-8":                            {"text/html; charset=utf-8", form},
		"UTF-8, undeclared":                {"text/html", form},
		"UTF-8 with a mark":                {"text/html; charset=iso-8859-1", "\ufeff" + form},
		"UTF-8, declared as Latin-1":       {"text/html; charset=iso-8859-1", form},
		"UTF-8, its page says Latin-1":     {"text/html", declaration + `iso-8859-1">` + form},
		"Windows-1252":                     {"text/html; charset=windows-1252", windows},
		"Windows-1252, undeclared":         {"text/html", windows},
		"Windows-1252, without a type":     {"", windows},
		"Windows-1252, declared as UTF-8":  {"text/html; charset=utf-8", windows},
		"Windows-1252, its page says so":   {"text/html; charset=utf-8", declaration + `windows-1252">` + windows},
		"Latin-9, its page says so":        {"text/html", declaration + `iso-8859-15">` + in(charmap.ISO8859_15, form)},
		"Latin-9, in the old way":          {"text/html", `<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=ISO-8859-15'>` + in(charmap.ISO8859_15, form)},
		"Windows-1252 in a frame of UTF-8": {"text/html; charset=utf-8", "<p>Numéro</p>\n" + windows},
		"an unknown set":                   {"text/html; charset=x-none", windows},
		"Latin-9":                          {"text/html; charset=iso-8859-15", in(charmap.ISO8859_15, form)},
		"Macintosh":                        {"text/html; charset=macintosh", in(charmap.Macintosh, form)},
		"UTF-16 with a mark":               {"text/html", in(little, form)},
		"UTF-16, the other order":          {"text/html; charset=utf-16", in(big, form)},
		"UTF-16 without a mark":            {"text/html", in(little, form)[2:]},
	} {
		connector := hostile(t, "testbank", func(*http.Request) *http.Response {
			return response(200, map[string]string{"Content-Type": test.contentType}, strings.NewReader(test.body))
		})
		call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
		read, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1"}, oxlin.NewDate(2026, 11, 1), `{"address":"/site/x"}`)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := onlyRow(t, read); got != "2026-12-01 -1234.56 EUR" || len(read.Transactions) == 1 && read.Transactions[0].Remittance[0] != words {
			t.Errorf("%s: %s, %+v", name, got, read)
		}
	}
	cut := in(little, "<html><body>"+form)
	connector := hostile(t, "testbank", func(*http.Request) *http.Response { return response(200, nil, strings.NewReader(cut)) })
	for i, err := range everything(t.Context(), connector)[2:] {
		if err == nil || bank.AsFailure(err).Kind != bank.Unavailable {
			t.Errorf("a page of UTF-16 that is cut off, question %d: %v", i, err)
		}
	}
}

// siteOf is a site with one list of accounts, and one page for each of them.
func siteOf(list, facts string) answers {
	return func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/comptes") {
			return page(`<div id="mes-comptes">` + list + `</div><a id="quitter"></a>`)
		}
		return page(`<dl id="fiche">` + facts + `</dl><a id="quitter"></a>`)
	}
}

func TestABalanceOnAPage(t *testing.T) {
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
	for shown, want := range map[string]string{
		"1&nbsp;234,56&nbsp;€": "1234.56 EUR", "−12,50 €": "-12.5 EUR", "12,50 DR": "-12.5", "1 234,56- CHF": "-1234.56 CHF",
		"": "absent", "&nbsp;": "absent", "n.c.": "unreadable", "1,234 €": "unreadable", "1,234.56 €": "unreadable", "--": "unreadable", "masqué": "unreadable",
	} {
		list := `<section id="comptes-courants"><article class="compte"><h3><a href="/site/comptes/1">A</a></h3><p class="numero">N° 1</p><p class="solde">` + shown + `</p></article></section>`
		connector := hostile(t, "testbank", siteOf(list, "<dt>Titulaire</dt><dd>A</dd>"))
		told, err := connector.Balances(t.Context(), call, bank.AccountRef{Address: "1"}, "")
		got := "absent"
		switch {
		case err != nil:
			got = err.Error()
		case told.Shown != nil:
			got = strings.TrimSpace(told.Shown.Amount.String() + " " + told.Shown.Currency)
		case len(told.Unreadable) == 1:
			got = "unreadable"
		}
		if got != want {
			t.Errorf("%q is %s, want %s", shown, got, want)
		}
		accounts, err := connector.Accounts(t.Context(), call, "")
		if err != nil || len(accounts.Accounts) != 1 || len(accounts.Unreadable) != 0 {
			t.Errorf("%q: %+v, %v", shown, accounts, err)
		}
	}
}

// TestWordsOnAPage: names and words are read in any case, and an unknown one is no value.
func TestWordsOnAPage(t *testing.T) {
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
	list := `<section id="cartes"><article class="compte"><h3><a href="/site/comptes/1">V</a></h3><p class="carte">4970 •••• •••• 1234</p><p class="solde">-1,00 €</p></article></section>`
	for facts, want := range map[string]string{
		"<dt>Type de débit</dt><dd>Débit différé</dd><dt>Usage</dt><dd>Professionnel</dd>":               "DEFERRED PROFESSIONAL",
		"<dt>TYPE DE DÉBIT :</dt><dd>DÉBIT&nbsp;DIFFÉRÉ</dd><dt>usage&nbsp;:</dt><dd>PROFESSIONNEL</dd>": "DEFERRED PROFESSIONAL",
		"<dt>Type de débit</dt><dd>débit immédiat</dd><dt>Usage</dt><dd>particulier</dd>":                "IMMEDIATE PERSONAL",
		"<dt>Type de débit</dt><dd>mixte</dd><dt>Usage</dt><dd>?</dd>":                                   " PERSONAL",
		"<dt>Produit</dt><dd>Visa</dd>": " PERSONAL",
	} {
		accounts, err := hostile(t, "testbank", siteOf(list, facts)).Accounts(t.Context(), call, "")
		if err != nil || len(accounts.Accounts) != 1 {
			t.Fatalf("%s: %+v, %v", facts, accounts, err)
		}
		account := accounts.Accounts[0]
		if got := account.Details.CreditCard.DebitType + " " + string(account.Usage); got != want {
			t.Errorf("%s: %q, want %q", facts, got, want)
		}
	}
	rates := "<dt>Taux</dt><dd>1,375&nbsp;%</dd><dt>Plafond</dt><dd>22&nbsp;950 €</dd>"
	savings := strings.ReplaceAll(list, "cartes", "epargne")
	accounts, err := hostile(t, "testbank", siteOf(savings, rates)).Accounts(t.Context(), call, "")
	if err != nil || len(accounts.Accounts) != 1 || *accounts.Accounts[0].Details.Savings.Rate != *amount("1.375") || *accounts.Accounts[0].Details.Savings.Ceiling != *amount("22950") {
		t.Errorf("%+v, %v", accounts, err)
	}
	other := list + strings.ReplaceAll(list, "cartes", "assurance-vie")
	accounts, err = hostile(t, "testbank", siteOf(other, rates)).Accounts(t.Context(), call, "")
	if err != nil || len(accounts.Accounts) != 1 || len(accounts.Unreadable) != 1 {
		t.Errorf("an account of an unknown kind: %+v, %v", accounts, err)
	}
}

// TestAProductWithoutAKindIsReported: an insurance is no account, but a product without a
// kind may be one.
func TestAProductWithoutAKindIsReported(t *testing.T) {
	connector := hostile(t, "memorable", func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/overview") {
			return page(`<ul class="products"><li class="product" data-kind="current"><a href="/site119/product?ref=1">A</a> <i>1</i> <strong>EUR 1.00 CR</strong></li>` +
				`<li class="product" data-kind="insurance"><a href="x">B</a></li><li class="product"><a href="y">C</a></li></ul>`)
		}
		return page(`<table class="terms"><tr><th>Held by:</th><td>JO DOE</td></tr></table>`)
	})
	accounts, err := connector.Accounts(t.Context(), bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}, "")
	if err != nil || len(accounts.Accounts) != 1 || len(accounts.Unreadable) != 1 || accounts.Accounts[0].OwnerName != "JO DOE" {
		t.Errorf("%+v, %v", accounts, err)
	}
}

// TestAnAccountWithoutAReadablePage: a page that cannot be read costs the details of its
// account alone.
func TestAnAccountWithoutAReadablePage(t *testing.T) {
	article := func(section, number string) string {
		return `<section id="` + section + `"><article class="compte"><h3><a href="/site/comptes/` + number + `">` + number + `</a></h3><p class="numero">N° ` + number + `</p><p class="solde">1,00 €</p></article></section>`
	}
	list := article("comptes-courants", "1") + article("cartes", "2") + article("epargne", "3")
	whole := `<dl id="fiche"><dt>Titulaire</dt><dd>JO DOE</dd></dl><a id="quitter"></a>`
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
	for name, broken := range map[string]func() *http.Response{
		"not found":     func() *http.Response { return response(404, nil, strings.NewReader("")) },
		"forbidden":     func() *http.Response { return response(403, nil, strings.NewReader("no")) },
		"another page":  func() *http.Response { return page("<p>Bonjour</p>") },
		"without facts": func() *http.Response { return page(`<a id="quitter"></a>`) },
	} {
		for _, all := range []bool{false, true} {
			connector := hostile(t, "testbank", func(r *http.Request) *http.Response {
				switch {
				case strings.HasSuffix(r.URL.Path, "/comptes"):
					return page(`<div id="mes-comptes">` + list + `</div><a id="quitter"></a>`)
				case all, strings.HasSuffix(r.URL.Path, "/2"):
					return broken()
				}
				return page(whole)
			})
			accounts, err := connector.Accounts(t.Context(), call, "")
			switch {
			case all:
				want := bank.Nonsense
				if name == "forbidden" {
					want = bank.Refused
				}
				if kind := kindOf(t, err); kind != want {
					t.Errorf("%s, every page: %+v, %v", name, accounts, err)
				}
			case err != nil || len(accounts.Accounts) != 3 || accounts.Accounts[0].OwnerName != "JO DOE" || accounts.Accounts[1].BankID != "2" || len(accounts.Accounts[1].Raw) == 0:
				t.Errorf("%s: %+v, %v", name, accounts, err)
			}
			told, err := connector.Balances(t.Context(), call, bank.AccountRef{Address: "2", Type: oxlin.AccountCreditCard}, "")
			if err != nil || told.Shown == nil || told.Shown.Amount.String() != "1" {
				t.Errorf("%s: %+v, %v", name, told, err)
			}
		}
	}
}

// TestANumberInAnotherLayout: the list and the statement may write a number differently.
func TestANumberInAnotherLayout(t *testing.T) {
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret("{}")}}
	for _, numero := range []string{"N° 0001 2345", "n°00012345", "N°&nbsp;0001-2345", "No. 0001.2345", "Numéro : 00012345"} {
		connector := hostile(t, "testbank", func(*http.Request) *http.Response {
			return page(`<p class="numero">` + numero + `</p><table id="operations"><tbody></tbody></table><a id="quitter"></a>`)
		})
		_, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "0001 2345"}, oxlin.NewDate(2026, 11, 1), `{"address":"/site/x"}`)
		if err != nil {
			t.Errorf("%s: %v", numero, err)
		}
	}
}
