package notation

import (
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
)

// Direction is a movement's effect on the account.
type Direction string

const (
	// Credit increases the account's balance.
	Credit Direction = "CREDIT"
	// Debit decreases it.
	Debit Direction = "DEBIT"
)

// Status is the state of a transaction at the bank.
type Status string

const (
	// Booked transactions are in the bank's books.
	Booked Status = "BOOKED"
	// Pending transactions will be booked, or expire.
	Pending Status = "PENDING"
	// Rejected and Informative transactions do not change the account.
	Rejected    Status = "REJECTED"
	Informative Status = "INFORMATIVE"
	// OtherStatus is the bank's own word for none of these.
	OtherStatus Status = "OTHER"
)

// When a card's payments are debited.
const (
	ImmediateDebit = "IMMEDIATE"
	DeferredDebit  = "DEFERRED"
)

// The words are compared in capitals, without accents and without anything but letters:
// "Interim Available", "interimAvailable" and "INTERIM_AVAILABLE" are one word.
var (
	directions = words(map[Direction]string{
		Credit: "C CR CRD CRDT CRED CREDIT CREDITED CREDITE CREDITEE CREDITEUR INCOMING IN HABEN GUTSCHRIFT HABER ABONO AVERE CREDITO",
		Debit:  "D DR DB DBT DBIT DEB DEBIT DEBITED DEBITE DEBITEE DEBITEUR OUTGOING OUT SOLL LASTSCHRIFT DEBE CARGO DARE DEBITO ADDEBITO",
	})
	statuses = words(map[Status]string{
		Booked:      "BOOK BOOKED BKD POSTED SETTLED COMPLETED EXECUTED PROCESSED CLEARED COMPTABILISE COMPTABILISEE GEBUCHT CONTABILIZADO CONTABILIZZATO",
		Pending:     "PDNG PEND PENDING FUTR FUTURE UPCOMING SCHEDULED EXPECTED RESERVED AUTHORISED AUTHORIZED PREAUTH PREAUTHORISED PREAUTHORIZED HOLD ONHOLD AVENIR ENCOURS ENATTENTE VORGEMERKT PENDIENTE",
		Rejected:    "RJCT REJECTED DECLINED FAILED CANC CANCELLED CANCELED REJETE REJETEE ANNULE ANNULEE REFUSE REFUSEE",
		Informative: "INFO INFORMATION INFORMATIVE",
		OtherStatus: "OTHR OTHER AUTRE",
	})
	accountTypes = words(map[oxlin.AccountType]string{
		oxlin.AccountCheckings:  "CACC TRAN CURRENT CURRENTACCOUNT CHECKING CHECKINGS CHECKINGACCOUNT COMPTECOURANT COMPTECHEQUE COMPTECHEQUES COMPTEDEDEPOT COMPTEDEDEPOTS COMPTEAVUE GIROKONTO",
		oxlin.AccountSavings:    "SVGS SAVINGS SAVINGSACCOUNT LLSV LIVRET LIVRETA LIVRETJEUNE LDD LDDS LEP PEL CEL EPARGNE COMPTEEPARGNE COMPTEDEPARGNE COMPTESURLIVRET",
		oxlin.AccountCreditCard: "CARD CREDITCARD CARDACCOUNT CARTE CARTEBANCAIRE CARTEDECREDIT CARTEADEBITDIFFERE",
		oxlin.AccountLoan:       "LOAN MORTGAGE PRET EMPRUNT CREDITIMMOBILIER PRETIMMOBILIER",
	})
	usages = words(map[oxlin.Usage]string{
		oxlin.UsagePersonal:     "PRIV PRIVATE PERSONAL PARTICULIER PARTICULIERS PRIVE",
		oxlin.UsageProfessional: "ORGA ORGANISATION PROFESSIONAL BUSINESS PRO PROFESSIONNEL PROFESSIONNELS ENTREPRISE",
	})
	debitTypes = words(map[string]string{
		ImmediateDebit: "IMMEDIATE IMMEDIATEDEBIT IMMEDIAT DEBITIMMEDIAT ATONCE",
		DeferredDebit:  "DEFERRED DEFERREDDEBIT DIFFERE DEBITDIFFERE MONTHLY",
	})
	balanceTypes = words(map[string]string{
		"CLBD": "CLBD CLOSINGBOOKED CLOSINGBOOKEDBALANCE SOLDECOMPTABLE", "CLAV": "CLAV CLOSINGAVAILABLE", "XPCD": "XPCD EXPECTED",
		"ITBD": "ITBD INTERIMBOOKED", "ITAV": "ITAV INTERIMAVAILABLE", "OPBD": "OPBD OPENINGBOOKED", "OPAV": "OPAV OPENINGAVAILABLE",
		"PRCD": "PRCD PREVIOUSLYCLOSEDBOOKED", "FWAV": "FWAV FORWARDAVAILABLE", "VALU": "VALU VALUEDATE",
		"CRLM": "CRLM CREDITLIMIT CREDITLINE OVERDRAFTLIMIT PLAFOND AUTORISATIONDEDECOUVERT", "OTHR": "OTHR OTHER", "INFO": "INFO INFORMATION", "AUTH": "AUTHORISED AUTHORIZED",
	})
)

// words turns a table of spellings around.
func words[T ~string](spellings map[T]string) map[string]T {
	all := map[string]T{}
	for value, names := range spellings {
		for _, name := range strings.Fields(names) {
			all[name] = value
		}
	}
	return all
}

// ReadDirection reads an indicator of credit or debit.
func ReadDirection(text string) Reading[Direction] {
	text, ok := line(text)
	switch {
	case ok && text == "+":
		return Told(Credit)
	case ok && len(text) > 0 && strings.Contains(minuses, text):
		return Told(Debit)
	}
	return lookUp(directions, text, ok)
}

// ReadStatus reads the state of a transaction.
func ReadStatus(text string) Reading[Status] {
	text, ok := line(text)
	return lookUp(statuses, text, ok)
}

// ReadAccountType reads the type of an account.
func ReadAccountType(text string) Reading[oxlin.AccountType] {
	text, ok := line(text)
	return lookUp(accountTypes, text, ok)
}

// ReadUsage reads the usage of an account.
func ReadUsage(text string) Reading[oxlin.Usage] {
	text, ok := line(text)
	return lookUp(usages, text, ok)
}

// ReadDebitType reads when a card's payments are debited.
func ReadDebitType(text string) Reading[string] {
	text, ok := line(text)
	return lookUp(debitTypes, text, ok)
}

// ReadBalanceType reads the type of a balance, and returns its ISO 20022 code. VALU,
// OTHR and AUTH are codes of banks.
func ReadBalanceType(text string) Reading[string] {
	text, ok := line(text)
	return lookUp(balanceTypes, text, ok)
}

func lookUp[T ~string](known map[string]T, text string, ok bool) Reading[T] {
	if ok && text == "" {
		return Absent[T]()
	}
	value, found := known[strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToUpper(r)
		}
		if unicode.IsDigit(r) {
			return r // C1 is not C
		}
		return -1
	}, Folded(text))]
	if !ok || !found {
		return Unreadable[T]()
	}
	return Told(value)
}
