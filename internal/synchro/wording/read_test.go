package wording_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

func lines(amount oxlin.Amount, text ...string) bank.Transaction {
	return bank.Transaction{Amount: amount, Remittance: text}
}

// TestWords reads lines as French banks write them, without a code.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		row   bank.Transaction
		type_ oxlin.TransactionType
		label string
	}{
		// Cards.
		{lines(-1, "CB CARREFOUR MARKET 12/03"), oxlin.TypePointOfSale, "Carrefour Market"},
		{lines(-1, "CB CAFE DE LA GARE 1203"), oxlin.TypePointOfSale, "Cafe de la Gare"},
		{lines(-1, "CARTE 12/03 CARREFOUR PARIS 15"), oxlin.TypePointOfSale, "Carrefour"},
		{lines(-1, "CARTE X1234 12/03 SNCF INTERNET"), oxlin.TypePointOfSale, "SNCF Internet"},
		{lines(-1, "PAIEMENT CB 1203 PARIS BOULANGERIE CARTE 4974XXXXXXXX1234"), oxlin.TypePointOfSale, "Paris Boulangerie"},
		{lines(-1, "PAIEMENT PSC 1203 BOULANGERIE DE PSC CARTE 1234"), oxlin.TypePointOfSale, "Boulangerie de PSC"},
		{lines(-1, "PAIEMENT PAR CARTE X4321 AMAZON EU SARL 11/03"), oxlin.TypePointOfSale, "Amazon EU SARL"},
		{lines(-1, "ACHAT CB MONOPRIX 12.03.26 CARTE NUMERO 123"), oxlin.TypePointOfSale, "Monoprix"},
		{lines(-1, "FACTURE CARTE DU 120326 FNAC PARIS CARTE 4974XXXXXXXX1234"), oxlin.TypePointOfSale, "Fnac Paris"},
		{lines(-1, "CB*7401 LES BERTHOM"), oxlin.TypePointOfSale, "Les Berthom"},
		{lines(-1, "TEMPLE BAR 34MONTPELLIER", "020422 CB****7401"), oxlin.TypePointOfSale, "Temple Bar"},
		{lines(-1, "GRAND OPTICAL F92VILLENEUVE LA", "260322 CB****7401"), oxlin.TypePointOfSale, "Grand Optical"},
		{lines(-1, "CB Pâtisserie Gérard 12/03"), oxlin.TypePointOfSale, "Pâtisserie Gérard"},
		{lines(-1, "CB LA FONTAINE AUX CHIENS 75011 PARIS"), oxlin.TypePointOfSale, "La Fontaine aux Chiens"},
		{lines(-1, "CB L'ATELIER D'ANNE-MARIE"), oxlin.TypePointOfSale, "L'Atelier d'Anne-Marie"},
		{lines(1, "AVOIR CB DECATHLON"), oxlin.TypeCredit, "Decathlon"},
		{lines(1, "CB AVOIR VELO SANS SELLE"), oxlin.TypeCredit, "Velo Sans Selle"},
		// Cash.
		{lines(-1, "RETRAIT DAB 12/03 19H42 PARIS VAUGIRARD"), oxlin.TypeATM, "RETRAIT DAB 12/03 19H42 PARIS VAUGIRARD"},
		{lines(-1, "RET DAB 1203 LCL NICE"), oxlin.TypeATM, "RET DAB 1203 LCL NICE"},
		{lines(-1, "CARTE X1234 RETRAIT DAB SG 12/03"), oxlin.TypeATM, "CARTE X1234 RETRAIT DAB SG 12/03"},
		{lines(-1, "RETRAIT GUICHET"), oxlin.TypeCash, "RETRAIT GUICHET"},
		{lines(1, "VERSEMENT ESPECES GUICHET"), oxlin.TypeDeposit, "VERSEMENT ESPECES GUICHET"},
		{lines(1, "DEPOT ESPECES"), oxlin.TypeDeposit, "DEPOT ESPECES"},
		// Transfers.
		{lines(1, "VIR SEPA RECU CPAM"), oxlin.TypeCredit, "CPAM"},
		{lines(1, "VIREMENT DE MR XAVIER LIEFFROY"), oxlin.TypeCredit, "MR Xavier Lieffroy"},
		{lines(1, "VIR INST RECU BASILE MARTIN"), oxlin.TypeCredit, "Basile Martin"},
		{lines(1, "VIREMENT SALAIRE MARS"), oxlin.TypeDirectDeposit, "VIREMENT SALAIRE MARS"},
		{lines(1, "SALAIRE"), oxlin.TypeDirectDeposit, "SALAIRE"},
		{lines(-1, "VIREMENT SEPA EMIS GARAGE DES PNEUS REF: F2231"), oxlin.TypeElectronicPayment, "Garage des Pneus"},
		{lines(-1, "VIREMENT VERS VICTOR GEORGES PAUL S"), oxlin.TypeElectronicPayment, "Victor Georges Paul S"},
		{lines(-1, "VIR INST BASILE"), oxlin.TypeElectronicPayment, "Basile"},
		{lines(-1, "VIREMENT EMIS WEB POUR: M DUPONT REF: 123 MOTIF: LOYER"), oxlin.TypeElectronicPayment, "M Dupont"},
		{lines(-1, "VIR PERMANENT LOYER FONCIA"), oxlin.TypeRepeatingPayment, "Loyer Foncia"},
		{lines(-1, "VIR INTERNE COMPTE JOINT"), oxlin.TypeInternalTransfer, "VIR INTERNE COMPTE JOINT"},
		{lines(-1, "Virement vers Compte De Depot"), oxlin.TypePotentialTransfer, "Virement vers Compte De Depot"},
		{lines(-1, "VIREMENT COMPTE COMMUN"), oxlin.TypePotentialTransfer, "VIREMENT COMPTE COMMUN"},
		{lines(-1, "VIR SEPA VERS LIVRET A"), oxlin.TypePotentialTransfer, "VIR SEPA VERS LIVRET A"},
		{lines(-1, "SEPA CREDIT TRANSFER from PSD2Company1"), oxlin.TypeElectronicPayment, "PSD2Company1"},
		// Direct debits.
		{lines(-1, "PRLV SEPA Free Telecom", "Free HautDebit 1102333700"), oxlin.TypeDirectDebit, "Free Telecom"},
		{lines(-1, "PRLV SEPA EDF ECH/120326 ID EMETTEUR/FR47EDF001007 MDT/12"), oxlin.TypeDirectDebit, "EDF"},
		{lines(-1, "PRELEVEMENT EUROPEEN 1234567890 DE: MAIF ID: FR12ZZZ123456 MOTIF: AUTO"), oxlin.TypeDirectDebit, "MAIF"},
		{lines(-1, "PRELEVEMENT RATP"), oxlin.TypeDirectDebit, "RATP"},
		{lines(-1, "PRLV SEPA MMA IARD SA"), oxlin.TypeDirectDebit, "MMA IARD SA"},
		{lines(1, "PRLV SEPA REJETE MMA"), oxlin.TypeCredit, "Rejete MMA"},
		// Cheques.
		{lines(-1, "CHQ 0000123"), oxlin.TypeCheck, "CHQ 0000123"},
		{lines(-1, "CHEQUE N° 0000123"), oxlin.TypeCheck, "CHEQUE N° 0000123"},
		{lines(1, "REMISE CHEQUES 0000817"), oxlin.TypeCheck, "REMISE CHEQUES 0000817"},
		// The bank itself.
		{lines(-1, " F COTIS START J. ACTIFS"), oxlin.TypeBankFee, "F COTIS START J. ACTIFS"},
		{lines(-1, "FRAIS TENUE DE COMPTE"), oxlin.TypeBankFee, "FRAIS TENUE DE COMPTE"},
		{lines(-1, "COTISATION CARTE BANCAIRE"), oxlin.TypeBankFee, "COTISATION CARTE BANCAIRE"},
		{lines(-1, "COMMISSION INTERVENTION"), oxlin.TypeBankFee, "COMMISSION INTERVENTION"},
		{lines(-1, "COMMISSIONS D'INTERVENTION"), oxlin.TypeBankFee, "COMMISSIONS D'INTERVENTION"},
		{lines(1, "INTERETS CREDITEURS"), oxlin.TypeInterest, "INTERETS CREDITEURS"},
		{lines(-1, "INTÉRÊTS DÉBITEURS"), oxlin.TypeInterest, "INTÉRÊTS DÉBITEURS"},
		{lines(1, "DIVIDENDES CHOCOLATERIE"), oxlin.TypeDividend, "DIVIDENDES CHOCOLATERIE"},
		{lines(-1, "ECHEANCE PRET VOITURE"), oxlin.TypeRepeatingPayment, "ECHEANCE PRET VOITURE"},
		{lines(-1, "ECH PRET CAP+IN 33043 722370 07"), oxlin.TypeRepeatingPayment, "ECH PRET CAP+IN 33043 722370 07"},
		{lines(-1, "RELEVE CARTE 4970XXXXXXXX1234"), oxlin.TypeCreditCardPayment, "RELEVE CARTE 4970XXXXXXXX1234"},
		{lines(-1, "DEBIT DIFFERE MARS"), oxlin.TypeCreditCardPayment, "DEBIT DIFFERE MARS"},
		{lines(-1, "FACTURE CARTE"), oxlin.TypeCreditCardPayment, "FACTURE CARTE"},
		// Nothing that is known.
		{lines(-4, "BANK FEE"), oxlin.TypeDebit, "BANK FEE"},
		{lines(4, "courses  Franprix "), oxlin.TypeCredit, "courses Franprix"},
		{lines(-1, "CBS NEWS STORE"), oxlin.TypeDebit, "CBS NEWS STORE"},
		{lines(-1, "VIRGIN MEGASTORE"), oxlin.TypeDebit, "VIRGIN MEGASTORE"},
		{lines(-1, "CHEQUERS PUB"), oxlin.TypeDebit, "CHEQUERS PUB"},
		{lines(-1), oxlin.TypeDebit, "Débit"},
		{lines(1, " ", "\x00\xff"), oxlin.TypeCredit, "Crédit"},
		{lines(-1, "CB 12/03"), oxlin.TypePointOfSale, "CB 12/03"},
	} {
		got := wording.Read(c.row, oxlin.AccountCheckings)
		if got.Type != c.type_ || got.Label != c.label {
			t.Errorf("%q: %s %q, want %s %q", c.row.Remittance, got.Type, got.Label, c.type_, c.label)
		}
	}
}

func TestCodes(t *testing.T) {
	for code, want := range map[string][2]oxlin.TransactionType{ // debit, credit
		"PMNT/CCRD/POSD": {oxlin.TypePointOfSale, oxlin.TypePointOfSale},
		"PMNT/CCRD/CWDL": {oxlin.TypeATM, oxlin.TypeCredit},
		"PMNT/CCRD/CDPT": {oxlin.TypeDebit, oxlin.TypeDeposit},
		"PMNT/CCRD/RIMB": {oxlin.TypeCreditCardPayment, oxlin.TypeCredit},
		"PMNT/CCRD/FEES": {oxlin.TypeBankFee, oxlin.TypeCredit},
		"PMNT/CCRD/OTHR": {oxlin.TypePointOfSale, oxlin.TypeCredit},
		"PMNT/RDDT/ESDD": {oxlin.TypeDirectDebit, oxlin.TypeCredit},
		"PMNT/RDDT/BBDD": {oxlin.TypeDirectDebit, oxlin.TypeCredit},
		"PMNT/ICDT/STDO": {oxlin.TypeRepeatingPayment, oxlin.TypeCredit},
		"PMNT/ICDT/BOOK": {oxlin.TypeInternalTransfer, oxlin.TypeInternalTransfer},
		"PMNT/ICDT/ESCT": {oxlin.TypeDebit, oxlin.TypeCredit},
		"PMNT/RCDT/SALA": {oxlin.TypeDebit, oxlin.TypeDirectDeposit},
		"PMNT/RCHQ/CCHQ": {oxlin.TypeCheck, oxlin.TypeCheck},
		"PMNT/ICHQ/CCHQ": {oxlin.TypeCheck, oxlin.TypeCheck},
		"PMNT/CNTR/CDPT": {oxlin.TypeCash, oxlin.TypeDeposit},
		"PMNT/CNTR/CWDL": {oxlin.TypeCash, oxlin.TypeDeposit},
		"ACMT/MDOP/CHRG": {oxlin.TypeBankFee, oxlin.TypeCredit},
		"ACMT/MDOP/COMM": {oxlin.TypeBankFee, oxlin.TypeCredit},
		"ACMT/MCOP/INTR": {oxlin.TypeInterest, oxlin.TypeInterest},
		"SECU/CORP/DVCA": {oxlin.TypeDividend, oxlin.TypeDividend},
		"LDAS/CSLN/PPAY": {oxlin.TypeRepeatingPayment, oxlin.TypeRepeatingPayment},
		"XTND/NTAV/NTAV": {oxlin.TypeDebit, oxlin.TypeCredit},
		"//":             {oxlin.TypeDebit, oxlin.TypeCredit},
	} {
		for i, amount := range []oxlin.Amount{-1, 1} {
			row := lines(amount, "SOMETHING")
			row.Code = parseCode(code)
			got := wording.Read(row, oxlin.AccountCheckings).Type
			if got != want[i] {
				t.Errorf("%s of %d: %s, want %s", code, amount, got, want[i])
			}
		}
	}
}

func parseCode(code string) bank.Code {
	parts := strings.Split(code, "/")
	return bank.Code{Domain: parts[0], Family: parts[1], SubFamily: parts[2]}
}

// TestNotesAndSourceStandTogether holds contract §4.8: both are there when the
// label was rewritten, and neither otherwise.
func TestNotesAndSourceStandTogether(t *testing.T) {
	direct := lines(-7999, "PRLV SEPA TELECOM CO", "FACTURE 12")
	direct.Counterparty = "Telecom Co"
	got := wording.Read(direct, oxlin.AccountCheckings)
	want := wording.Reading{
		Type: oxlin.TypeDirectDebit, Label: "Telecom Co", SourceLabel: "Telecom Co",
		Notes: "PRLV SEPA TELECOM CO\nFACTURE 12", Category: "TELECOM",
		LabelRule: wording.LabelCounterparty, TypeRule: wording.TypeWords, CategoryRule: wording.CategoryBrand,
	}
	if got != want {
		t.Errorf("%+v", got)
	}
	got = wording.Read(lines(-400, "BANK FEE"), oxlin.AccountCheckings)
	want = wording.Reading{
		Type: oxlin.TypeDebit, Label: "BANK FEE", Category: oxlin.Uncategorized,
		LabelRule: wording.LabelLine, TypeRule: wording.TypeSign, CategoryRule: wording.CategoryNone,
	}
	if got != want {
		t.Errorf("%+v", got)
	}
	// The bank wrote the name and nothing else.
	shop := lines(-400, "Café de la Gare")
	shop.Counterparty, shop.Code = "Café de la Gare", parseCode("PMNT/CCRD/POSD")
	got = wording.Read(shop, oxlin.AccountCheckings)
	if got.Notes != "" || got.SourceLabel != "" || got.Label != "Café de la Gare" {
		t.Errorf("%+v", got)
	}
	// A program that does not know the name or the text says so, and that is no label.
	for _, filler := range []string{"NOTPROVIDED", "Not provided", "N/A", "null", "-"} {
		shop.Counterparty = filler
		got = wording.Read(shop, oxlin.AccountCheckings)
		if got.Label != "Café de la Gare" || got.Notes != "" || got.SourceLabel != "" {
			t.Errorf("beside %q: %+v", filler, got)
		}
		nobody := lines(1, "NOTPROVIDED")
		nobody.Counterparty = filler
		got = wording.Read(nobody, oxlin.AccountCheckings)
		if got.Label != "Crédit" || got.Notes != "" || got.LabelRule != wording.LabelType {
			t.Errorf("without a text, beside %q: %+v", filler, got)
		}
	}
	somebody := lines(1, "NOT PROVIDED", "REF 12")
	somebody.Counterparty = "Basile Martin"
	got = wording.Read(somebody, oxlin.AccountCheckings)
	if got.Label != "Basile Martin" || got.Notes != "REF 12" {
		t.Errorf("%+v", got)
	}
	// No lines: there is nothing to note.
	none := bank.Transaction{Amount: -1, Counterparty: "JEAN DUPONT"}
	got = wording.Read(none, oxlin.AccountCheckings)
	if got.Label != "JEAN DUPONT" || got.Notes != "" || got.SourceLabel != "" {
		t.Errorf("%+v", got)
	}
}

func TestADebitOnACardIsAPurchase(t *testing.T) {
	got := wording.Read(lines(-100, "RESTO LA NAPPE"), oxlin.AccountCreditCard)
	if got.Type != oxlin.TypePointOfSale || got.Label != "Resto la Nappe" {
		t.Errorf("%+v", got)
	}
}

func TestCategories(t *testing.T) {
	known := make(map[string]oxlin.Category)
	for _, c := range wording.Categories() {
		if c.Parent != "" && known[c.Parent].ID == "" {
			t.Errorf("%s: its parent %s does not stand before it", c.ID, c.Parent)
		}
		if c.Label == "" || c.Type != "EXPENSE" && c.Type != "INCOME" || known[c.ID].ID != "" {
			t.Errorf("%+v", c)
		}
		known[c.ID] = c
	}
	merchant := func(code string) bank.Transaction {
		return bank.Transaction{Amount: -1, MerchantCategory: code, Remittance: []string{"X"}}
	}
	for want, row := range map[string]bank.Transaction{
		"SUPERMARKET":         lines(-1, "CB CARREFOUR MARKET"),
		"TELECOM":             lines(-1, "PRLV SEPA Free Telecom"),
		"PETS":                merchant("0742"),
		"DRESSING":            merchant("5661"),
		"SNAKS_ANDWORK_MEALS": merchant("5814"),
		"CONSUMER_LOAN":       lines(-1, "PRLV SEPA COFIDIS"),
		oxlin.Uncategorized:   lines(1, "AVOIR CARREFOUR"), // income is nobody's shopping
	} {
		got := wording.Read(row, oxlin.AccountCheckings).Category
		if got != want || known[want].ID == "" {
			t.Errorf("%q: %s, want %s", row.Remittance, got, want)
		}
	}
}

// TestTheDefaultFileHasManyTypes reads the Linxo Test Bank's file as its STET
// side tells it: code, lines and counterparty.
func TestTheDefaultFileHasManyTypes(t *testing.T) {
	file, err := os.ReadFile("../../../testbank/test-bank.txt")
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[oxlin.TransactionType]int)
	for line := range strings.SplitSeq(string(file), "\n") {
		fields := append(strings.Split(strings.TrimSpace(line), "|"), make([]string, 12)...)
		recurring := 0
		switch fields[0] {
		case "RECURRING":
			recurring = 1 // its frequency stands before the memo
		case "TRANSACTION":
		default:
			continue
		}
		amount, err := oxlin.ParseAmount(strings.Split(fields[1], "/")[0])
		if err != nil {
			t.Fatal(err)
		}
		row := bank.Transaction{
			Amount: amount, Remittance: []string{fields[3], fields[4+recurring]},
			MerchantCategory: fields[10+recurring], Counterparty: fields[11+recurring],
		}
		code := fields[6+recurring]
		if strings.Count(code, "/") == 2 {
			row.Code = parseCode(code)
		}
		got := wording.Read(row, oxlin.AccountCheckings)
		if got.Type == oxlin.TypeDebit || got.Type == oxlin.TypeOther {
			t.Errorf("nothing is known of %q %s", fields[3], code)
		}
		types[got.Type]++
	}
	if len(types) < 10 {
		t.Errorf("%d types: %v", len(types), types)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("CB CARREFOUR 12/03", "020422 CB****7401", "Carrefour", "PMNT", "CCRD", "POSD", int64(-100))
	f.Add("PRLV SEPA \xff\u0301", "", "\u200b", "", "", "", int64(0))
	f.Add("CHÈQUE N° 1234567", "CHQ. 0000123", "", "PMNT", "ICHQ", "CCHQ", int64(-8600))
	f.Add("VIR É'’- ß X1234", "REF: 1", "", "LDAS", "CSLN", "PPAY", int64(1))
	f.Fuzz(func(t *testing.T, first, second, name, domain, family, sub string, amount int64) {
		row := bank.Transaction{
			Amount: oxlin.Amount(amount), Remittance: []string{first, second}, Counterparty: name,
			Code: bank.Code{Domain: domain, Family: family, SubFamily: sub},
		}
		got := wording.Read(row, oxlin.AccountCreditCard)
		if got.Label == "" || got.Type == "" || got.Category == "" {
			t.Fatalf("nothing to show: %+v", got)
		}
		if !utf8.ValidString(fmt.Sprint(got)) {
			t.Fatalf("not UTF-8: %q", got)
		}
		if (got.Notes == "") != (got.SourceLabel == "") {
			t.Fatalf("notes and source do not stand together: %+v", got)
		}
		checkNumberIsSound(t, row)
	})
}
