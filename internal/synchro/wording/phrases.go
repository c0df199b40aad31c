package wording

import (
	"regexp"

	"github.com/oxlin/oxlin"
)

// phrase is a beginning of a line at French banks. Its pattern matches, in capitals
// without accents, the text that the bank put in front of a name.
type phrase struct {
	begins *regexp.Regexp
	kind   kind
	// whole reports that no name follows: the line itself is the best label.
	whole bool
}

func names(pattern string, k kind) phrase {
	return phrase{begins: regexp.MustCompile(`^(?:` + pattern + `)(?:\b|$)[ :.-]*`), kind: k}
}

func says(pattern string, k kind) phrase {
	return phrase{begins: regexp.MustCompile(`^(?:` + pattern + `)(?:\b|$)`), kind: k, whole: true}
}

// card matches the day and the card number that many banks write between the phrase and
// the shop.
const card = `(?: N[O°]?)?(?: (?:X|\*+|[X\d*]*[X*][X\d*]*)\d{2,6})?(?: DU)?(?: \d{2}[/.]\d{2}(?:[/.]\d{2,4})?| \d{6}\b| \d{4}\b)?`

// phrases are tried in this order.
var phrases = []phrase{
	// The deferred card's monthly settlement, before single purchases.
	says(`RELEVE (?:DE )?(?:CARTE|CB)|(?:TOTAL|ARRETE) (?:CARTE|CB)|DEBIT DIFFERE|DEB(?:IT)? DIFF|FACTURES? CARTES? (?:BANCAIRES? )?DIFFERE|FACTURE CARTE(?:$| [X\d*]+$)|DEPENSES? CARTE|CARTE (?:A )?DEBIT DIFFERE|PRELEVEMENT CARTE(?: DEPENSES)?|REGLEMENT (?:CARTE|CB)`,
		either(oxlin.TypeCreditCardPayment)),
	// Cash.
	says(`(?:CARTE (?:[X\d*]+ )?)?(?:RETRAIT|RET)\.? (?:D ?A ?B|GAB|CB|CARTE|ESPECES? DAB|DISTRIBUTEUR)|RETRAIT (?:AU )?DISTRIBUTEUR|RETRAIT (?:DU )?\d{2}[/.]\d{2}|CARTE (?:[X\d*]+ )?RETRAIT|DAB`,
		kind{oxlin.TypeATM, oxlin.TypeCredit}),
	says(`RETRAIT (?:D'?)?(?:ESPECES?|GUICHET|AGENCE)|RETRAIT`, kind{oxlin.TypeCash, oxlin.TypeCredit}),
	says(`(?:VERSEMENT|VERS|DEPOT|VRST|REMISE)(?: D)?['. ](?:ESPECES?|BILLETS?|PIECES)|VERSEMENT GUICHET`, kind{oxlin.TypeCash, oxlin.TypeDeposit}),
	// Cheques.
	says(`REM(?:ISE)?\.? (?:DE )?(?:\d{1,3} )?(?:CHQ|CHEQUES?)S?|(?:CHQ|CHEQUE)S?(?: (?:BANQUE|EMIS|REMIS|IMPAYE))?`, either(oxlin.TypeCheck)),
	// Fees and interest.
	says(`COTIS(?:ATION)?\.? (?:CARTE|CB|VISA|MASTERCARD|MENSUELLE|ANNUELLE|TRIMESTRIELLE|COMPTE|JAZZ|ESPRIT|EUROCOMPTE|FORMULE|BOUQUET|OFFRE|PACK|ZEN)|F\.? COTIS(?:ATION)?|\* ?COTIS(?:ATION)?|\* ?FRAIS|FRAIS|COM(?:MISSIONS?)?\.? (?:D'?)?(?:INTERVENTION|INTERV|MOUVEMENT|CHANGE|RETRAIT|PAIEMENT|PAYS)|COMMISSIONS?|TENUE DE COMPTE|ABONNEMENT (?:BANQUE|INTERNET BANQUE)`,
		kind{oxlin.TypeBankFee, oxlin.TypeCredit}),
	says(`(?:INTERETS?|INT\.?)(?: (?:CREDITEURS?|DEBITEURS?|ANNUELS?|ACQUIS|SUR|LIVRET|\d{4}))?|AGIOS`, either(oxlin.TypeInterest)),
	says(`DIVIDENDES?|COUPONS?`, kind{oxlin.TypeOther, oxlin.TypeDividend}),
	// Loans.
	says(`(?:ECH(?:EANCE)?|REMB(?:OURSEMENT)?|REMBOURST?|PRLV ECHEANCE)\.? (?:DE )?(?:PRET|CREDIT|EMPRUNT)`, either(oxlin.TypeRepeatingPayment)),
	// Shops.
	names(`(?:PAIEMENT|PAIMT|ACHAT|FACTURE|PAI|AVOIR|REMBOURSEMENT|ANNULATION|OPERATION)S? (?:PAR )?(?:CB|CARTE(?: BANCAIRE)?|PSC|SANS CONTACT)(?: SANS CONTACT)?`+card+`|CREDIT (?:CB|CARTE(?: BANCAIRE)?)`+card+`|CB AVOIR|AVOIR (?:CB|CARTE)?`,
		kind{oxlin.TypePointOfSale, oxlin.TypeCredit}),
	names(`(?:CB|CARTE) (?:X\d{4} )?(?:REMBT|SANS CONTACT)(?: \d{2}/\d{2}(?:/\d{2,4})?)?`, kind{oxlin.TypePointOfSale, oxlin.TypeCredit}),
	names(`(?:\d{6} )?CB ?\*+\d{4}|(?:CB|CARTE(?: BANCAIRE)?)`+card, kind{oxlin.TypePointOfSale, oxlin.TypeCredit}),
	names(`EMPREINTE (?:CB|CARTE)|AUTORISATION (?:CB|CARTE)|PSC`+card, kind{oxlin.TypePointOfSale, oxlin.TypeCredit}),
	// Direct debits.
	names(`(?:PRLV|PRELEVEMENT|PRELEVT|PRELVT|PRVL|PREL)\.?(?: (?:SEPA|EUROPEEN|EMIS|AUTO|B2B|CORE))*(?: \d{6,})?(?: DE)?|SEPA DIRECT DEBIT(?: FROM)?`,
		kind{oxlin.TypeDirectDebit, oxlin.TypeCredit}),
	// Transfers: salaries, standing orders and one's own accounts first.
	says(`(?:(?:VIR(?:EMENT)?|VIRT)\.? (?:SEPA )?(?:RECU )?(?:DE )?)?(?:SALAIRES?|PAIE)`, kind{oxlin.TypePotentialTransfer, oxlin.TypeDirectDeposit}),
	names(`(?:VIR(?:EMENT)?|VIRT)(?:\. ?| )(?:SEPA )?(?:PERMANENT|PERM|PERIODIQUE|MENSUEL|AUTOMATIQUE|AUTO)(?: (?:POUR|VERS|A|EMIS))?`, kind{oxlin.TypeRepeatingPayment, oxlin.TypeCredit}),
	says(`(?:VIR(?:EMENT)?|VIRT)\.? (?:SEPA |INST(?:ANTANE)? )?(?:INTERNE|COMPTE A COMPTE|CPTE A CPTE|DE COMPTE)`, either(oxlin.TypeInternalTransfer)),
	says(`(?:VIR(?:EMENT)?|VIRT)\.? (?:SEPA |INST(?:ANTANE)? )?(?:(?:RECU|EMIS) )?(?:(?:DE|DEPUIS|VERS|SUR|POUR) )?(?:(?:MON|LE|VOTRE) )?(?:COMPTE|LIVRET|LDDS?|PEL|CEL|PEA|EPARGNE)`,
		either(oxlin.TypePotentialTransfer)),
	names(`(?:\d{6} )?(?:VIR(?:EMENT)?S?|VIRT)\.?(?: (?:SEPA|INST(?:ANTANE)?|EUROPEEN|WEB|RECU|RE|EMIS|FAVEUR|EN VOTRE FAVEUR|LOGITEL|MOBILE|TIERS|WERO|PAYLIB|VIREMENT))*(?: \d{5,}[A-Z]?)?(?: (?:DE|VERS|POUR|A|FROM|TO))?|SEPA CREDIT TRANSFER(?: (?:FROM|TO))?|(?:PAIEMENT )?(?:WERO|PAYLIB)(?: (?:RECU|EMIS))?(?: (?:DE|VERS|A))?`,
		kind{oxlin.TypeElectronicPayment, oxlin.TypeCredit}),
}

// contactless matches the end of the first line of a payment without contact at Crédit
// Mutuel and CIC, behind the shop.
var contactless = regexp.MustCompile(` PSC$`)

// cardLine matches a second line that only card operations have: "020422 CB****7401".
var cardLine = regexp.MustCompile(`^(?:\d{6} )?CB ?\*+\d{4}\b`)
