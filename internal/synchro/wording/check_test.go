package wording_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

func TestCheckNumbers(t *testing.T) {
	byCode := func(line string) bank.Transaction {
		row := lines(-1, line)
		row.Code = parseCode("PMNT/ICHQ/CCHQ")
		return row
	}
	for _, c := range []struct {
		row  bank.Transaction
		want string
	}{
		{lines(-1, "CHEQUE 1234567"), "1234567"},
		{lines(-1, "CHÈQUE 1234567"), "1234567"},
		{lines(-1, "CHE\u0300QUE N\u00b0 1234567"), "1234567"},
		{lines(-1, "Chèque n°1234567"), "1234567"},
		{lines(-1, "CHEQUE EMIS 0000123"), "0000123"},
		{lines(-1, "CHÈQUE ÉMIS 0000123"), "0000123"},
		{lines(-1, "CHQ N° 1234567"), "1234567"},
		{lines(-1, "CHQ. 1234567"), "1234567"},
		{lines(-1, "CHQ.1234567"), "1234567"},
		{lines(-1, "CHEQUE N 1234567"), "1234567"},
		{lines(-1, "CHEQUE NO 1234567"), "1234567"},
		{lines(-1, "CHEQUE Nº1234567"), "1234567"},
		{lines(-1, "CHEQUE NUMERO : 1234567"), "1234567"},
		{lines(-1, "CHEQUE DE BANQUE 1234567"), "1234567"},
		{lines(-1, "CHEQUE  1234567 TRESOR PUBLIC"), "1234567"},
		{lines(-1, "CHEQUE 1234567 12/03"), "1234567"},
		{lines(-1, "CHEQUE 1234567 150,00 EUR"), "1234567"},
		{lines(-1, "CHEQUE 12345"), "12345"},
		{lines(-1, "CHEQUE 1234567890"), "1234567890"},
		{lines(-1, "CHEQUE N° 120326"), "120326"},
		{lines(-1, "CHEQUE", "CHEQUE N° 1234567"), "1234567"},
		{byCode("PAIEMENT PAR CHEQUE 1234567"), "1234567"},
		{byCode("VOTRE CHEQUE 1234567"), "1234567"},
		{byCode("CHQ1234567"), "1234567"},
		// Nothing is said.
		{lines(-1, "CHEQUE"), ""},
		{lines(-1), ""},
		{byCode("1234567"), ""},
		{byCode("KERMESSE CHEQUE 1234567"), ""},
		// Too short, too long, hidden, or part of a code.
		{lines(-1, "CHEQUE 1234"), ""},
		{lines(-1, "CHEQUE 12345678901"), ""},
		{lines(-1, "CHEQUE XXXX567"), ""},
		{lines(-1, "CHEQUE 12345**"), ""},
		{lines(-1, "CHEQUE 12345XX"), ""},
		{lines(-1, "CHEQUE 1234567-8"), ""},
		// Amounts and days.
		{lines(-1, "CHEQUE 12000,50"), ""},
		{lines(-1, "CHEQUE 12000.50"), ""},
		{lines(-1, "CHEQUE 12000 EUR"), ""},
		{lines(-1, "CHEQUE 12000€"), ""},
		{lines(-1, "CHEQUE 12 345,67"), ""},
		{lines(-1, "CHEQUE 12/03/2026"), ""},
		{lines(-1, "CHEQUE DU 12032026"), ""},
		{lines(-1, "CHEQUE 120326"), ""},
		{lines(-1, "CHEQUE 12032026"), ""},
		{lines(-1, "CHEQUE 20260312"), ""},
		// What is paid in, or came back, is not the customer's cheque.
		{lines(1, "REMISE DE CHEQUES 12 CHEQUES"), ""},
		{lines(1, "REMISE CHEQUE 0000817"), ""},
		{lines(-1, "REMISE CHEQUE 0000817"), ""},
		{lines(1, "CHEQUE 1234567"), ""},
		{lines(-1, "CHEQUE IMPAYE 1234567"), ""},
		{lines(-1, "CHEQUE REMIS 1234567"), ""},
		{lines(-1, "CHEQUES 1234567"), ""},
		// No cheque at all.
		{lines(-1, "FRAIS CHEQUE 1234567"), ""},
		{lines(-1, "CHEQUERS PUB 1234567"), ""},
		{lines(-1, "CB RESTO", "CHEQUE 1234567"), ""},
		{lines(-1, "PAIEMENT PAR CHEQUE 1234567"), ""},
	} {
		got := wording.CheckNumber(c.row, oxlin.AccountCheckings)
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.row.Remittance, got, c.want)
		}
	}
}

// A number is digits that stand in one of the bank's lines, whatever these say.
func TestACheckNumberStandsInTheWords(t *testing.T) {
	some := func(words ...string) *rapid.Generator[string] {
		return rapid.OneOf(rapid.SampledFrom(words), rapid.SampledFrom(words), rapid.String())
	}
	line := rapid.Custom(func(t *rapid.T) string {
		return some("CHEQUE", "Chèque", "CHE\u0300QUE", "CHQ", "REMISE DE CHEQUE", "CB").Draw(t, "opening") +
			some("", " ", " EMIS ", " ÉMIS ", " IMPAYÉ ", " N°", " N\u200b° ", " NO. ", "\xff").Draw(t, "announcement") +
			rapid.StringMatching(`[0-9]{1,6}`).Draw(t, "digits") + some("", "\u00ad", "\xff", " ", "٣٤", "３４").Draw(t, "hidden") +
			rapid.StringMatching(`[0-9]{0,6}`).Draw(t, "more digits") + some("", " 12/03", ",50", " EUR", "X").Draw(t, "end")
	})
	rapid.Check(t, func(t *rapid.T) {
		row := bank.Transaction{Remittance: rapid.SliceOfN(line, 0, 3).Draw(t, "lines"), Amount: oxlin.Amount(rapid.Int64Range(-1000, 100).Draw(t, "amount"))}
		row.Code = parseCode(rapid.SampledFrom([]string{"//", "PMNT/ICHQ/CCHQ"}).Draw(t, "code"))
		checkNumberIsSound(t, row)
	})
}

func checkNumberIsSound(t interface{ Fatalf(string, ...any) }, row bank.Transaction) {
	number := wording.CheckNumber(row, oxlin.AccountCheckings)
	if number == "" {
		return
	}
	if len(number) < 5 || len(number) > 10 || strings.Trim(number, "0123456789") != "" {
		t.Fatalf("%q of %q is no number of a cheque", number, row.Remittance)
	}
	if row.Amount >= 0 || wording.Read(row, oxlin.AccountCheckings).Type != oxlin.TypeCheck {
		t.Fatalf("%q of %q, which is no cheque of the customer's", number, row.Remittance)
	}
	// What nobody sees may stand between two digits.
	shown := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.Join(row.Remittance, "\n"), ""))
	if !strings.Contains(shown, number) {
		t.Fatalf("%q does not stand in %q", number, row.Remittance)
	}
}
