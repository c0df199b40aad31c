package notation_test

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// word describes a reading of a word.
func word[T any](reading notation.Reading[T]) string {
	value, ok := reading.Told()
	switch {
	case reading.IsAbsent():
		return "absent"
	case !ok:
		return "unreadable"
	}
	return fmt.Sprint(value)
}

func TestWords(t *testing.T) {
	for name, kind := range map[string]struct {
		read  func(string) string
		words map[string]string
	}{
		"direction": {func(s string) string { return word(notation.ReadDirection(s)) }, map[string]string{
			"CRDT": "CREDIT", "crdt": "CREDIT", "Credit": "CREDIT", "CRÉDIT": "CREDIT", "C": "CREDIT", "cr": "CREDIT", "+": "CREDIT",
			"DBIT": "DEBIT", "dbit": "DEBIT", "Debit": "DEBIT", "DÉBIT": "DEBIT", "Débit": "DEBIT", "DBT": "DEBIT", "d": "DEBIT", "DR": "DEBIT", "-": "DEBIT", "−": "DEBIT",
			" DBIT\u00a0": "DEBIT", "Soll": "DEBIT", "Haben": "CREDIT",
			"Crédité": "CREDIT", "débiteur": "DEBIT", "INCOMING": "CREDIT", "outgoing": "DEBIT", "Lastschrift": "DEBIT", "Gutschrift": "CREDIT", "abono": "CREDIT", "Dare": "DEBIT", "CrÃ©dit": "CREDIT", "DBIT&nbsp;": "DEBIT", "credit_transfer": "unreadable", "S": "unreadable",
			"": "absent", " ": "absent", "XYZ": "unreadable", "0": "unreadable", "CD": "unreadable", "RC": "unreadable", "C1": "unreadable", "null": "unreadable", "\xff": "unreadable",
		}},
		"status": {func(s string) string { return word(notation.ReadStatus(s)) }, map[string]string{
			"BOOK": "BOOKED", "booked": "BOOKED", "Booked": "BOOKED", "PDNG": "PENDING", "pending": "PENDING", "FUTR": "PENDING", "future": "PENDING",
			"RJCT": "REJECTED", "rejected": "REJECTED", "INFO": "INFORMATIVE", "information": "INFORMATIVE", "OTHR": "OTHER", "other": "OTHER", "à venir": "PENDING",
			"SETTLED": "BOOKED", "Completed": "BOOKED", "EXECUTED": "BOOKED", "AUTHORISED": "PENDING", "Reserved": "PENDING", "upcoming": "PENDING", "on hold": "PENDING", "Pre-Authorized": "PENDING", "cleared": "BOOKED", "not booked": "unreadable",
			"CANC": "REJECTED", "cancelled": "REJECTED", "DECLINED": "REJECTED", "annulée": "REJECTED", "refusé": "REJECTED", "non comptabilisée": "unreadable",
			"": "absent", "DONE?": "unreadable",
		}},
		"account type": {func(s string) string { return word(notation.ReadAccountType(s)) }, map[string]string{
			"CACC": "CHECKINGS", "CurrentAccount": "CHECKINGS", "current account": "CHECKINGS", "CARD": "CREDIT_CARD", "card": "CREDIT_CARD", "CreditCard": "CREDIT_CARD",
			"SVGS": "SAVINGS", "Savings": "SAVINGS", "LOAN": "LOAN", "Compte courant": "CHECKINGS", "Carte bancaire": "CREDIT_CARD", "Livret A": "SAVINGS", "Compte d'épargne": "SAVINGS", "Prêt immobilier": "LOAN", "Compte chèques": "CHECKINGS", "Compte de dépôt": "CHECKINGS", "Livret Jeune": "SAVINGS", "LEP": "SAVINGS", "PEA": "unreadable", "": "absent", "TRAS": "unreadable",
		}},
		"usage": {func(s string) string { return word(notation.ReadUsage(s)) }, map[string]string{
			"PRIV": "PERSONAL", "Particulier": "PERSONAL", "orga": "PROFESSIONAL", "PROFESSIONNEL": "PROFESSIONAL", "": "absent", "mixte": "unreadable",
		}},
		"debit": {func(s string) string { return word(notation.ReadDebitType(s)) }, map[string]string{
			"Débit différé": "DEFERRED", "DEBIT DIFFERE": "DEFERRED", "débit\u00a0immédiat": "IMMEDIATE", "monthly": "DEFERRED", "": "absent", "mixte": "unreadable",
		}},
		"balance type": {func(s string) string { return word(notation.ReadBalanceType(s)) }, map[string]string{
			"CLBD": "CLBD", "clbd": "CLBD", "closingBooked": "CLBD", "ClosingBooked": "CLBD", "INTERIM_AVAILABLE": "ITAV", "interimAvailable": "ITAV", "InterimBooked": "ITBD",
			"PREVIOUSLY_CLOSED_BOOKED": "PRCD", "forwardAvailable": "FWAV", "Expected": "XPCD", "XPCD": "XPCD", "VALU": "VALU", "OTHR": "OTHR", "authorised": "AUTH",
			"CLOSING_BOOKED_BALANCE": "CLBD", "Solde comptable": "CLBD", "solde disponible": "unreadable",
			"": "absent", "best": "unreadable",
		}},
		"currency": {func(s string) string { return word(notation.Currency(s)) }, map[string]string{
			"EUR": "EUR", "eur": "EUR", " Eur ": "EUR", "€": "EUR", "Euro": "EUR", "euros": "EUR", "978": "EUR", "036": "AUD", "36": "AUD", "8": "ALL", "840": "USD", "£": "GBP",
			"SLE": "SLE", "XCG": "XCG", "XXX": "absent", "xxx": "absent", "999": "absent", "": "absent", "000": "unreadable", "532": "unreadable", "E1R": "unreadable",
			"QQQ": "unreadable", "¥": "unreadable", "kr": "unreadable", "EURO2": "unreadable", "ＥＵＲ": "EUR", "&euro;": "EUR", `"EUR"`: "EUR",
		}},
		"IBAN": {func(s string) string { return word(notation.IBAN(s)) }, map[string]string{
			"FR7610907000301234567890125":                                     "FR7610907000301234567890125",
			"fr76 1090 7000 3012 3456 7890 125":                               "FR7610907000301234567890125",
			"FR76\u00a01090\u00a07000\u00a03012\u00a03456\u00a07890\u00a0125": "FR7610907000301234567890125",
			"FR76\u202f1090\u20097000 3012\t3456\u200b7890 125":               "FR7610907000301234567890125",
			"FR76-1090-7000-3012-3456-7890-125":                               "FR7610907000301234567890125",
			"FR76\u20111090\u20137000.3012 3456 7890 125":                     "FR7610907000301234567890125",
			"IBAN FR7610907000301234567890125":                                "FR7610907000301234567890125",
			"iban: FR7610907000301234567890125":                               "FR7610907000301234567890125",
			"\ufeffFR7610907000301234567890125":                               "FR7610907000301234567890125",
			"FR76 1090 7000 3012 3456 7890 125 EUR":                           "FR7610907000301234567890125",
			"GB29 NWBK 6016 1331 9268 19":                                     "GB29NWBK60161331926819",
			"":                                                                "absent", "Not Provided": "unreadable", "FR76109": "unreadable", "FR7600000000000000000000000": "unreadable", "FR76XXXXXXXXXXXXXXXXXXX0125": "unreadable",
			"FR76 1090 **** **** 3456 7890 125": "unreadable", "0000000000000000": "unreadable", "FRAA10907000301234567890125": "unreadable", "FR76/10907000301234567890125": "unreadable",
		}},
		"card number": {notation.CardNumber, map[string]string{
			"4970101234567890": "************7890", "4970 1012 3456 7890": "**** **** **** 7890", "4970\u00a01012\u202f3456-7890": "**** **** ****-7890",
			"497010******7890": "497010******7890", "4970\u00a010XX\u2009XXXX 7890": "4970 10XX XXXX 7890", "\ufeff497010xxxxxx7890": "497010xxxxxx7890",
			"12345678901": "12345678901", "CARTE 1234": "CARTE 1234", "": "", "Card 4970101234567890": "Card ************7890", "•••• 7890": "•••• 7890",
		}},
		"compact": {notation.Compact, map[string]string{
			"4970 10XX XXXX 7890": "497010XXXXXX7890", "4970\u00a010xx-xxxx.7890\u200b": "497010XXXXXX7890", "": "",
		}},
	} {
		for text, want := range kind.words {
			if got := kind.read(text); got != want {
				t.Errorf("%s: %q is %q, want %q", name, text, got, want)
			}
		}
	}
}

func TestCheckDigitsOfIBANs(t *testing.T) {
	for iban, want := range map[string]bool{
		"FR7630006000011234567890189": true, "GB29NWBK60161331926819": true, "DE89370400440532013000": true, "FR1420041010050500013M02606": true,
		"FR7630006000011234567890188": false, "AB12CDEFGHIJKLMN": false, "FR76": false, "": false, "FR76é": false,
	} {
		if got := notation.IsCheckedIBAN(iban); got != want {
			t.Errorf("%q is %t", iban, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	for code, want := range map[string]int{"EUR": 2, "JPY": 0, "KWD": 3, "TND": 3, "XOF": 0, "CLF": 4, "": 2, "QQQ": 2} {
		if got := notation.Places(code); got != want {
			t.Errorf("%q has %d places, want %d", code, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"DBIT", "Closing Booked", "978", "€", "iban FR76 1090 7000 3012 3456 7890 125", "4970101234567890", "\xff", "ſ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_ = word(notation.ReadDirection(text)) + word(notation.ReadStatus(text)) + word(notation.ReadAccountType(text)) + word(notation.ReadBalanceType(text))
		if code, ok := notation.Currency(text).Told(); ok && len(code) != 3 {
			t.Errorf("%q is the currency %q", text, code)
		}
		if iban, ok := notation.IBAN(text).Told(); ok {
			again, ok := notation.IBAN(iban).Told()
			if !ok || again != iban || len(iban) > 34 {
				t.Errorf("%q is the IBAN %q, which is %q", text, iban, again)
			}
		}
		if number := notation.CardNumber(text); utf8.ValidString(text) && notation.CardNumber(number) != number {
			t.Errorf("%q is the card %q, which is %q", text, number, notation.CardNumber(number))
		}
	})
}
