package wording_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// TestFrenchBanks reads lines as each of the large French banks writes them.
func TestFrenchBanks(t *testing.T) {
	type line struct {
		row   bank.Transaction
		type_ oxlin.TransactionType
		label string
	}
	for name, rows := range map[string][]line{
		"BNP Paribas, Hello bank": {
			{lines(1, "VIR SEPA RECU /DE M DUPONT JEAN /MOTIF LOYER MARS /REF 123"), oxlin.TypeCredit, "M Dupont Jean"},
			{lines(1, "VIREMENT SEPA RECU /DE CPAM DU RHONE /MOTIF REMB SOINS /REF"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA INST RECU /DE MME MARTIN LEA /REF ABC /MOTIF CADEAU"), oxlin.TypeCredit, "Mme Martin Lea"},
			{lines(1, "VIR SEPA RECU /DE AXA FRANCE /MOTIF  /REF AXA 1961870275237171845034602"), oxlin.TypeCredit, "AXA France"},
			{lines(1, "VIREMENT INSTANTANE RECU /DE M DUPONT"), oxlin.TypeCredit, "M Dupont"},
			{lines(-1, "VIREMENT SEPA EMIS /MOTIF LOYER /BEN FONCIA PARIS /REFDO 12 /REFBEN"), oxlin.TypeElectronicPayment, "Foncia Paris"},
			{lines(-1, "VIR SEPA EMIS /BEN M DUPONT JEAN/MOTIF LOYER/REF 7"), oxlin.TypeElectronicPayment, "M Dupont Jean"},
			{lines(-1, "VIR INST EMIS /DE M CLIENT /BEN BASILE MARTIN /MOTIF DINER"), oxlin.TypeElectronicPayment, "Basile Martin"},
			{lines(-1, "VIR SEPA PERMANENT /BEN FONCIA /MOTIF LOYER"), oxlin.TypeRepeatingPayment, "Foncia"},
			{lines(1, "VIR CPTE A CPTE RECU /DE MLLE PETIT ANNE /MOTIF RESTO"), oxlin.TypeInternalTransfer, "Mlle Petit Anne"},
			{lines(-1, "PRLV SEPA FREE MOBILE ECH/121126 ID EMETTEUR/FR18ZZZ459654 MDT/FM-1 REF/REF LIB/FORFAIT"), oxlin.TypeDirectDebit, "Free Mobile"},
			{lines(-1, "PRLV SEPA ENGIE ECH/050226 MANDAT ABCDEF"), oxlin.TypeDirectDebit, "Engie"},
			{lines(1, "VIR SEPA INST RECU /FRM M DUPONT /EID NOTPROVIDED /RNF CADEAU"), oxlin.TypeCredit, "M Dupont"},
			{lines(-1, "FACTURE CARTE DU 121126 LE PETIT CASINO CARTE 4974XXXXXXXX1234"), oxlin.TypePointOfSale, "Le Petit Casino"},
			{lines(-1, "FACTURE CARTE DU 150126 DELIVEROO CARTE 0000XXXXXXXX0000 FRA 35,94EUR"), oxlin.TypePointOfSale, "Deliveroo"},
		},
		"Société Générale": {
			{lines(1, "VIR RECU 9876543210S DE: CPAM DU RHONE MOTIF: REMB SOINS REF: 123"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR RECU 9876543210S", "DE: M DUPONT JEAN", "MOTIF: LOYER", "REF: 7"), oxlin.TypeCredit, "M Dupont Jean"},
			{lines(1, "VIR INSTANTANE RECU DE : MME MARTIN MOTIF : CADEAU"), oxlin.TypeCredit, "Mme Martin"},
			{lines(-1, "000001 VIR EUROPEEN EMIS LOGITEL POUR: M. MARTIN PAUL 25 02 SG 00991 CPT 00050293571 REF: 12 MOTIF: LOYER CHEZ: ING"), oxlin.TypeElectronicPayment, "M. Martin Paul"},
			{lines(-1, "VIR INSTANTANE EMIS POUR: GARAGE DES PNEUS DATE: 12/03/2026 11:02 REF: 1"), oxlin.TypeElectronicPayment, "Garage des Pneus"},
			{lines(-1, "PRELEVEMENT EUROPEEN 1234567890 DE: EDF CLIENTS ID: FR47EDF001007 MOTIF: 42 REF: 7 MANDAT 9"), oxlin.TypeDirectDebit, "EDF Clients"},
			{lines(-1, "CARTE X1234 25/02 PICARD"), oxlin.TypePointOfSale, "Picard"},
			{lines(1, "VIR INST RE 123456789 DE: M DUPONT MOTIF: CADEAU"), oxlin.TypeCredit, "M Dupont"},
			{lines(1, "CARTE X1234 REMBT 12/03 PICARD"), oxlin.TypeCredit, "Picard"},
			{lines(-1, "CARTE X1234 12/03 PICARD COMMERCE ELECTRONIQUE"), oxlin.TypePointOfSale, "Picard"},
			{lines(-1, "CARTE X1234 RETRAIT DAB 12/03"), oxlin.TypeATM, "CARTE X1234 RETRAIT DAB 12/03"},
		},
		"Crédit Agricole": {
			{lines(1, "VIREMENT EN VOTRE FAVEUR CPAM"), oxlin.TypeCredit, "CPAM"},
			{lines(-1, "VIREMENT EMIS VERS M DUPONT JEAN REF : 12"), oxlin.TypeElectronicPayment, "M Dupont Jean"},
			{lines(-1, "PRELEVEMENT MAIF", "REF : 1"), oxlin.TypeDirectDebit, "MAIF"},
			{lines(-1, "PAIEMENT PAR CARTE X4321 LE FOURNIL 11/03"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "CHEQUE EMIS 1234567"), oxlin.TypeCheck, "CHEQUE EMIS 1234567"},
		},
		"Crédit Mutuel, CIC": {
			{lines(-1, "PAIEMENT CB 1211 PARIS LE FOURNIL"), oxlin.TypePointOfSale, "Paris le Fournil"},
			{lines(-1, "PAIEMENT PSC 1211 LYON LE FOURNIL CARTE 1234"), oxlin.TypePointOfSale, "Lyon le Fournil"},
			{lines(-1, "LE FOURNIL DE PSC", "LYON 3"), oxlin.TypePointOfSale, "Le Fournil De"},
			{lines(-1, "CHEZ MARTIN PSC"), oxlin.TypePointOfSale, "Chez Martin"},
			{lines(1, "REM 2 CHQ LYON"), oxlin.TypeCheck, "REM 2 CHQ LYON"},
			{lines(1, "VIR VIREMENT DE M DUPONT JEAN"), oxlin.TypeCredit, "M Dupont Jean"},
			{lines(1, "VIR M OREL RIVALS"), oxlin.TypeCredit, "M Orel Rivals"},
			{lines(-1, "PRLV SEPA LA POSTE TELEC", "MANDAT 12", "ICS FR12ZZZ1"), oxlin.TypeDirectDebit, "La Poste Telec"},
			{lines(-1, "RETRAIT DAB 1211 PARIS CARTE 1234"), oxlin.TypeATM, "RETRAIT DAB 1211 PARIS CARTE 1234"},
		},
		"LCL": {
			{lines(-1, "CB  LE FOURNIL      11/03/26"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "VIR.PERMANENT FONCIA"), oxlin.TypeRepeatingPayment, "Foncia"},
			{lines(1, "VIREMENT M DUPONT JEAN"), oxlin.TypeCredit, "M Dupont Jean"},
		},
		"La Banque Postale": {
			{lines(1, "VIREMENT DE CPAM DU RHONE REFERENCE : 1234"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(-1, "VIREMENT INSTANTANE A M DUPONT JEAN REFERENCE : 7"), oxlin.TypeElectronicPayment, "M Dupont Jean"},
			{lines(-1, "PRELEVEMENT DE EDF REF : 12"), oxlin.TypeDirectDebit, "EDF"},
			{lines(-1, "ACHAT CB LE FOURNIL 12.03.26 CARTE NUMERO 123"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "ACHAT CB MC DONALD'S 12.03.26 EUR 12,50 CARTE NO 123"), oxlin.TypePointOfSale, "MC Donald's"},
			{lines(1, "CREDIT CARTE BANCAIRE FNAC 12.03.26 CARTE NUMERO 123"), oxlin.TypeCredit, "Fnac"},
			{lines(1, "VIREMENT DE DRFIP ILE DE FRANCE REFERENCE : PENSION"), oxlin.TypeCredit, "DRFIP Ile de France"},
			{lines(-1, "RETRAIT DU 12.03.26 LYON CARTE NUMERO 123"), oxlin.TypeATM, "RETRAIT DU 12.03.26 LYON CARTE NUMERO 123"},
			{lines(-1, "CHEQUE N° 1234567"), oxlin.TypeCheck, "CHEQUE N° 1234567"},
		},
		"BPCE": {
			{lines(1, "VIREMENT RECU DE: COUPLE VUDO REF: 1000000410244 "), oxlin.TypeCredit, "Couple Vudo"},
			{lines(-1, "120326 CB****1234", "LE FOURNIL 69LYON"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "*FRAIS DE TENUE DE COMPTE"), oxlin.TypeBankFee, "*FRAIS DE TENUE DE COMPTE"},
			{lines(-1, "CB LE FOURNIL FACT 120326"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "PRLV SEPA EDF CLIENTS", "REF: 1"), oxlin.TypeDirectDebit, "EDF Clients"},
		},
		"Boursorama, Fortuneo": {
			{lines(-1, "CARTE 12/11 LE FOURNIL LYON CB*1234"), oxlin.TypePointOfSale, "Le Fournil Lyon"},
			{lines(-1, "CARTE 12/11/26 LE FOURNIL CB*1234"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(1, "AVOIR 12/11/26 LE FOURNIL CB*1234"), oxlin.TypeCredit, "Le Fournil"},
			{lines(-1, "RET DAB 12/11/26 BNP CB*1234"), oxlin.TypeATM, "RET DAB 12/11/26 BNP CB*1234"},
			{lines(-1, "VIR INST M DUPONT JEAN"), oxlin.TypeElectronicPayment, "M Dupont Jean"},
			{lines(-1, "CHEQUE N. 1234567"), oxlin.TypeCheck, "CHEQUE N. 1234567"},
		},
		"by telephone, without contact": {
			{lines(-1, "PAIEMENT SANS CONTACT LE FOURNIL 12/03"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "CB SANS CONTACT 12/03 LE FOURNIL"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(-1, "Carte bancaire Le Fournil 12/03"), oxlin.TypePointOfSale, "Le Fournil"},
			{lines(1, "PAIEMENT WERO RECU DE MME MARTIN"), oxlin.TypeCredit, "Mme Martin"},
			{lines(-1, "VIREMENT WERO EMIS VERS M DUPONT"), oxlin.TypeElectronicPayment, "M Dupont"},
			{lines(1, "VIREMENT RECU TIERS M DUPONT"), oxlin.TypeCredit, "M Dupont"},
		},
		"cut into lines": {
			{lines(1, "VIR SEPA RECU /DE M DUPONT", "JEAN /MOTIF LOYER MARS", "/REF 123"), oxlin.TypeCredit, "M Dupont Jean"},
			{lines(1, "VIR SEPA RECU /DE M DUPONT JEAN /MO", "TIF LOYER MARS /REF 123"), oxlin.TypeCredit, "M Dupont Jean"},
			{lines(1, "VIR SEPA RECU /D", "E CPAM DU RHONE /", "MOTIF REMB"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU", "/DE CPAM DU RHONE", "/MOTIF REMB"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU /DE", "CPAM DU RHONE"), oxlin.TypeCredit, "CPAM du Rhone"},
			// Without another tag nobody knows that the next line still is the name.
			{lines(1, "VIR SEPA RECU /DE CPAM DU RHONE", "REMB SOINS"), oxlin.TypeCredit, "CPAM du Rhone"},
		},
		"sloppy": {
			{lines(1, "vir sepa recu /de m dupont jean /motif loyer"), oxlin.TypeCredit, "M Dupont Jean"},
			{lines(1, "Virement SEPA reçu /De Jean Dupont /Motif Loyer"), oxlin.TypeCredit, "Jean Dupont"},
			{lines(1, "VIR  SEPA   RECU  /DE   CPAM   DU RHONE   /MOTIF"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU /DE: CPAM DU RHONE / MOTIF: REMB"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU/DE CPAM DU RHONE/MOTIF REMB"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU /MOTIF REMB /REF 1 /DE CPAM DU RHONE"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU CPAM DU RHONE /MOTIF REMB SOINS /RNF 12"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU /DE CPAM DU RHONE /NEUF RIEN /REF 1"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(1, "VIR SEPA RECU /DE M /MME DUPONT /MOTIF LOYER"), oxlin.TypeCredit, "M /Mme Dupont"},
			{lines(1, "/DE CPAM DU RHONE /MOTIF REMB"), oxlin.TypeCredit, "CPAM du Rhone"},
			{lines(-1, "cb le fournil 12/03"), oxlin.TypePointOfSale, "Le Fournil"},
		},
		"no name": {
			{lines(1, "VIR SEPA RECU /DE /MOTIF LOYER /REF"), oxlin.TypeCredit, "VIR SEPA RECU /DE /MOTIF LOYER /REF"},
			{lines(1, "VIR SEPA RECU /MOTIF LOYER"), oxlin.TypeCredit, "VIR SEPA RECU /MOTIF LOYER"},
			{lines(1, "VIR SEPA RECU /DE 0012 /REF 1"), oxlin.TypeCredit, "VIR SEPA RECU /DE 0012 /REF 1"},
			// The account's own side.
			{lines(-1, "VIR SEPA EMIS /DE M CLIENT /MOTIF LOYER"), oxlin.TypeElectronicPayment, "VIR SEPA EMIS /DE M CLIENT /MOTIF LOYER"},
			{lines(1, "VIR SEPA RECU /BEN M CLIENT /MOTIF LOYER"), oxlin.TypeCredit, "VIR SEPA RECU /BEN M CLIENT /MOTIF LOYER"},
		},
		"unknown": {
			{lines(1, "ZORGL: CPAM"), oxlin.TypeCredit, "ZORGL: CPAM"},
			{lines(-1, "REGUL POUR: ERREUR"), oxlin.TypeDebit, "REGUL POUR: ERREUR"},
			{lines(-1, "FRAIS VIR /DE M DUPONT"), oxlin.TypeBankFee, "FRAIS VIR /DE M DUPONT"},
			{lines(-1, "CB AC/DC STORE"), oxlin.TypePointOfSale, "Ac/DC Store"},
			{lines(-1, "CB AT&T STORE"), oxlin.TypePointOfSale, "AT&T Store"},
			{lines(-1, "CB C&A PARIS"), oxlin.TypePointOfSale, "C&A Paris"},
			{lines(-1, "CB MARKS&SPENCER"), oxlin.TypePointOfSale, "Marks&Spencer"},
			{lines(-1, "CB CHEZ \U0001F468\u200d\U0001F469\u200d\U0001F467 BIS"), oxlin.TypePointOfSale, "Chez \U0001F468\u200d\U0001F469\u200d\U0001F467 Bis"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range rows {
				got := wording.Read(c.row, oxlin.AccountCheckings)
				if got.Type != c.type_ || got.Label != c.label {
					t.Errorf("%q: %s %q, want %s %q", c.row.Remittance, got.Type, got.Label, c.type_, c.label)
				}
			}
		})
	}
}

func TestTheCounterpartyFieldWins(t *testing.T) {
	row := lines(1, "VIR SEPA RECU /DE CPAM DU RHONE /MOTIF REMB")
	row.Counterparty = "Caisse primaire"
	got := wording.Read(row, oxlin.AccountCheckings)
	if got.Label != "Caisse primaire" || got.SourceLabel != got.Label || got.Notes != row.Remittance[0] {
		t.Errorf("%+v", got)
	}
}

// A name between two tags is the label, wherever the bank breaks its lines between words.
func TestATaggedNameIsTheLabelHoweverItsLinesAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`M(ME)? [B-Z][a-z]{3,9} [B-Z][a-z]{3,9}`).Draw(t, "name")
		members := rapid.Permutation([]string{"/DE " + name, "/MOTIF " + rapid.SampledFrom([]string{"", "LOYER", "REMB SOINS"}).Draw(t, "motif"), "/REF 12", "/RNF"}).Draw(t, "members")
		words := strings.Fields("VIR SEPA RECU " + strings.Join(members, " ") + " /ID 7")
		var rows []string
		row := words[0]
		for _, word := range words[1:] {
			if rapid.IntRange(0, 3).Draw(t, "cut") == 0 {
				rows, row = append(rows, row), word
			} else {
				row += " " + word
			}
		}
		got := wording.Read(lines(1, append(rows, row)...), oxlin.AccountCheckings)
		if got.Label != name {
			t.Fatalf("%q: %q, want %q", append(rows, row), got.Label, name)
		}
	})
}
