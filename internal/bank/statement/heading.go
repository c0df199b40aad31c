package statement

import (
	"regexp"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// name is a column's name as the words below have it: small letters without accents, and without
// the currency that some banks write behind it.
func name(heading string) (plain, currency string) {
	heading = cell(heading)
	if len(heading) > longestValue {
		return "", ""
	}
	found := inParentheses.FindStringSubmatch(heading)
	if found != nil {
		code, ok := notation.Currency(found[2]).Told()
		if ok {
			heading, currency = found[1], code
		}
	}
	plain = strings.Join(strings.FieldsFunc(notation.Folded(heading), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9')
	}), " ")
	found = currencyBehind.FindStringSubmatch(plain)
	if found != nil {
		code, ok := notation.Currency(found[2]).Told()
		if ok && currency == "" {
			plain, currency = found[1], code
		}
	}
	return plain, currency
}

var (
	inParentheses  = regexp.MustCompile(`^(.*?)\s*[(\[]\s*(?:en |in )?([^()\[\]]+?)\s*[)\]]$`)
	currencyBehind = regexp.MustCompile(`^(.+?) (?:en |in )?(euros?|eur|gbp|usd|chf)$`)
)

// headings are the names of columns by their roles, plain, the best first.
var headings = func() map[string]heading {
	all := map[string]heading{}
	for role, names := range map[Role]string{
		RoleDay: "date de comptabilisation|date comptable|date d operation comptable|dateop|date op|date de l operation|date operation|date d operation|date|jour|buchungstag|buchungsdatum|buchung|" +
			"datum|tag|booking date|date booked|posting date|posted date|post date|date posted|booked|completed date|date completed|transaction date",
		RoleOperationDay: "date de transaction|date transaction|started date|date started|umsatzdatum|kaufdatum|belegdatum|transaktionsdatum|date achat|date d achat",
		RoleValueDay:     "date de valeur|date valeur|dateval|date val|valeur|wertstellung|wertstellung valuta|wertstellungsdatum|valuta|valutadatum|wert|value date|effective date",
		RoleLabel: "libelle|libelle simplifie|libelle operation|libelle de l operation|label|detail de l ecriture|details|description|transaction description|memo|designation|operation|operations|nature de l operation|" +
			"informations complementaires|information|communication|motif|commentaire|verwendungszweck|vorgang verwendungszweck|buchungsdetails|text|zweck|" +
			"reference text|payment reference|narrative|particulars|notes|reference",
		RoleCounterparty: "tiers|beneficiaire|nom du tiers|contrepartie|auftraggeber empfanger|empfanger auftraggeber|auftraggeber begunstigter|begunstigter auftraggeber|beguenstigter zahlungspflichtiger|" +
			"begunstigter zahlungspflichtiger|empfanger zahlungspflichtiger|name zahlungsbeteiligter|zahlungsbeteiligter|payee|counter party|counterparty|" +
			"partner name|merchant|name|payee name|merchant name",
		RoleCreditor:  "zahlungsempfanger in|zahlungsempfanger|empfanger|creditor|creditor name|nom du creancier",
		RoleDebtor:    "zahlungspflichtige r|zahlungspflichtiger|auftraggeber|debtor|debtor name|nom du debiteur",
		RoleKind:      "type|type operation|type d operation|type de l operation|nature|umsatzart|vorgang|umsatztyp|transaction type|transactiontype|code|buchungstext",
		RoleAmount:    "montant|montant de l operation|montant operation|amount|value|net|betrag|umsatz|montant net",
		RoleDebit:     "debit|debits|montant debit|debit amount|paid out|money out|out|withdrawal|withdrawals|soll|belastung|belastungen|ausgang|ausgabe|depenses|depense|retrait|debit montant|payments",
		RoleCredit:    "credit|credits|montant credit|credit amount|paid in|money in|in|deposit|deposits|haben|gutschrift|gutschriften|eingang|einnahme|recettes|recette|versement|receipts",
		RoleDirection: "sens|debit credit|credit debit|dc|d c|cd|c d|soll haben|s h|sh|dr cr|cr dr|af bij|direction|credit debit indicator|debit credit indicator|sollhaben|kennzeichen|soll haben kennzeichen",
		RoleFee:       "fee|fees",
		RoleCurrency:  "devise|monnaie|currency|wahrung|waehrung|ccy|devise de l operation|devise du compte",
		RoleBalance:   "solde|solde apres operation|nouveau solde|balance|running balance|balance after|account balance|saldo|saldo nach buchung|kontostand|solde du compte|closing balance",
		RoleAccount:   "accountnum|numero de compte|numero compte|compte|n de compte|no de compte|iban du compte|auftragskonto|iban auftragskonto|kontonummer|konto|account number|account|account no|iban|own account|own iban",
		RoleBankCode:  "sort code|sortcode",
		RoleID:        "transaction id|transactionid|id|id transaction|transaktions id|umsatz id|identifiant|identifiant de l operation|reference de l operation|operation id|fitid",
		RoleEndToEnd:  "kundenreferenz end to end|end to end referenz|end to end id|end to end reference|kundenreferenz|reference de bout en bout",
		RoleMandate:   "mandatsreferenz|mandate reference|mandate id|rum|reference du mandat",
		RoleCheck:     "numero de cheque|numero cheque|n cheque|cheque number|check number|check or slip|scheck nr|cheque|check",
		RoleStatus:    "status|state|statut|etat|info",
	} {
		for rank, one := range strings.Split(names, "|") {
			all[one] = heading{role, rank}
		}
	}
	return all
}()

type heading struct {
	role Role
	rank int // the smaller, the surer
}

// strangers are the names of roles that other people's accounts have too: only if the whole file has
// one value there it is the account's own.
var strangers = map[string]bool{"kontonummer": true, "konto": true, "account number": true, "account": true, "account no": true, "iban": true, "compte": true}

// weak are the names of labels that only count where no other column is one: elsewhere they hold
// the bank's own numbers.
var weak = map[string]bool{"reference": true, "notes": true}

// balanceLine is a label that only the balance above or below a table has.
var balanceLine = regexp.MustCompile(`^(?:anfangssaldo|endsaldo|alter kontostand|neuer kontostand|ancien solde|nouveau solde|solde (?:initial|final|precedent)|(?:opening|closing) balance|balance (?:brought|carried) forward)\W*$`)

func isBalanceLine(label string) bool {
	return len(label) <= longestValue && balanceLine.MatchString(notation.Folded(label))
}

// balanceWords begin a line that tells a balance, with its code.
var balanceWords = []struct {
	form *regexp.Regexp
	code string
}{
	{regexp.MustCompile(`^(?:ancien solde|solde (?:initial|precedent|debut)|alter kontostand|anfangssaldo|opening balance|balance brought forward|start balance)`), "OPBD"},
	{regexp.MustCompile(`^(?:solde disponible|available balance|verfugbar)`), "CLAV"},
	{regexp.MustCompile(`^(?:nouveau solde|solde(?: final| de la| du| au| en| final| crediteur| debiteur| comptable|$| \()|neuer kontostand|kontostand|endsaldo|saldo|closing balance|balance carried forward|account balance|current balance|balance(?: carried| on| at|$| \())`), "CLBD"},
}

// balanceCode returns the code of the balance of which a line's first text speaks; "" for none.
func balanceCode(text string) string {
	if len(text) > 2*longestValue {
		return ""
	}
	plain := strings.TrimSpace(strings.Trim(notation.Folded(cell(text)), ": "))
	for _, word := range balanceWords {
		if word.form.MatchString(plain) {
			return word.code
		}
	}
	return ""
}

// accountWords stand before an account's number outside of the table.
var accountWords = regexp.MustCompile(`^(?:numero (?:de |du )?compte|n[o°º]? ?(?:de |du )?compte|compte(?: n[o°º]?)?|kontonummer|konto(?: nr)?|girokonto|iban|account(?: number| no)?|sort code and account number)\W*$`)
