package statement_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/statement"
)

// shown returns what a file is read as: the golden form of testdata.
func shown(content []byte, options statement.Options) string {
	var text strings.Builder
	read, err := statement.Read(content, options)
	var question *statement.Question
	switch {
	case errors.As(err, &question):
		fmt.Fprintf(&text, "asks for %v\n%v\n%v %v\n", question.Unsure, question.Mapping.Header, question.Mapping.Columns, question.Sample)
	case err != nil:
		fmt.Fprintln(&text, err)
	}
	for _, s := range read {
		fmt.Fprintf(&text, "%s %q %q %q %q %q %s %s %s %s\n", s.Format, s.IBAN, s.BankCode, s.Branch, s.Number, s.Name, s.Type, s.Currency, s.From, s.To)
		if s.Mapping != nil {
			fmt.Fprintf(&text, "%s %q %s %s %s %v\n", s.Mapping.Charset, s.Mapping.Separator, s.Mapping.Order, s.Mapping.Decimal, s.Mapping.Sign, s.Mapping.Columns)
		}
		for _, b := range s.Balances {
			fmt.Fprintf(&text, "%s %s %s %s\n", b.Code, b.Amount, b.Currency, b.Date)
		}
		for _, row := range s.Rows {
			if row.Unread != "" {
				fmt.Fprintln(&text, "unread:", row.Unread)
				continue
			}
			after := ""
			if row.BalanceAfter != nil {
				after = row.BalanceAfter.String()
			}
			fmt.Fprintf(&text, "%q %s %s %s %s/%s/%s %q %q %q %q %s\n", row.BankID, row.Status, row.Amount, row.Currency,
				row.BookingDate, row.TransactionDate, row.ValueDate, row.Counterparty, row.Remittance, row.Code.Proprietary, row.CheckNumber, after)
		}
	}
	return text.String()
}

// TestFilesOfBanks reads files in the manner of banks' exports. Each has its reading beside it, which was
// checked by hand.
func TestFilesOfBanks(t *testing.T) {
	files, err := filepath.Glob("testdata/*.in")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".in"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".in") + ".txt"
			got := shown(content, statement.Options{})
			if os.Getenv("UPDATE") != "" {
				err = os.WriteFile(golden, []byte(got), 0o644)
				if err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for name, encoded := range map[string][]byte{
				"UTF-8 with a mark": append([]byte("\xef\xbb\xbf"), content...), "UTF-16": utf16Of(string(content)), "Windows-1252": windowsOf(string(content)),
			} {
				if bytes.HasSuffix([]byte(file), []byte(".ofx.in")) {
					continue // its header names the set
				}
				again := shown(encoded, statement.Options{})
				if withoutCharset(again) != withoutCharset(got) {
					t.Errorf("in %s:\n%s", name, cmp.Diff(withoutCharset(got), withoutCharset(again)))
				}
			}
			recordsAgain(t, content, statement.Options{})
		})
	}
}

func withoutCharset(text string) string {
	return strings.NewReplacer("UTF-16LE ", "", "UTF-8 ", "", "windows-1252 ", "").Replace(text)
}

func utf16Of(text string) []byte {
	encoded := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = append(encoded, byte(unit), byte(unit>>8))
	}
	return encoded
}

func windowsOf(text string) []byte {
	encoded, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		return []byte(text)
	}
	return []byte(encoded)
}

// recordsAgain reads the record of each row again.
func recordsAgain(t testing.TB, content []byte, options statement.Options) {
	t.Helper()
	read, _ := statement.Read(content, options)
	for _, s := range read {
		for _, row := range s.Rows {
			again, ok := statement.Decode(row.Raw, options)
			if diff := cmp.Diff(row, again, cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })); !ok || diff != "" || !statement.IsRecord(row.Raw) {
				t.Errorf("the record %s is read otherwise again:\n%s", row.Raw, diff)
			}
		}
	}
}

// TestAnsweredQuestions reads files that ask, with the answer.
func TestAnsweredQuestions(t *testing.T) {
	for _, test := range []struct {
		name, file string
		unsure     []statement.Facet
		answer     func(m *statement.Mapping)
		want       string
	}{
		{"the order of days", "Date;Libellé;Montant\n03/04/2026;A;-1,50\n", []statement.Facet{statement.FacetOrder},
			func(m *statement.Mapping) { m.Order = "MDY" }, "-1.5 2026-03-04"},
		{"a separator of thousands or of decimals", "Date,Description,Amount\n13/04/2026,A,\"-1,234\"\n", []statement.Facet{statement.FacetDecimal},
			func(m *statement.Mapping) { m.Decimal = "." }, "-1234 2026-04-13"},
		{"years of two digits", "Date;Libellé;Montant\n21-04-26;A;-1,50\n", []statement.Facet{statement.FacetOrder},
			func(m *statement.Mapping) { m.Order = "YMD" }, "-1.5 2021-04-26"},
		{"a card's payments without a sign", "Date,Description,Amount\n13/04/2026,A,1.50\n", []statement.Facet{statement.FacetSign},
			func(m *statement.Mapping) { m.Sign = "reversed" }, "-1.5 2026-04-13"},
		{"no header", "13/04/2026;12,00;A;-1,50\n", []statement.Facet{statement.FacetColumns},
			func(m *statement.Mapping) {
				m.Columns = []statement.Role{statement.RoleDay, statement.RoleBalance, statement.RoleLabel, statement.RoleAmount}
			}, "-1.5 2026-04-13"},
		{"two amounts", "Date;Montant;Libellé;Montant\n13/04/2026;2,00;A;-1,50\n", []statement.Facet{statement.FacetColumns},
			func(m *statement.Mapping) {
				m.Columns = []statement.Role{statement.RoleDay, "", statement.RoleLabel, statement.RoleAmount}
			}, "-1.5 2026-04-13"},
		{"QIF", "!Type:Bank\nD3/ 4' 6\nT-1,234\nPA\n^\n", []statement.Facet{statement.FacetOrder, statement.FacetDecimal},
			func(m *statement.Mapping) { m.Order, m.Decimal = "DMY", "." }, "-1234 2006-04-03"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := statement.Read([]byte(test.file), statement.Options{})
			var question *statement.Question
			if !errors.As(err, &question) {
				t.Fatalf("no question: %v", err)
			}
			if diff := cmp.Diff(test.unsure, question.Unsure); diff != "" || len(question.Sample) == 0 {
				t.Errorf("asks for (-want +got) %s with %v", diff, question.Sample)
			}
			stored, err := json.Marshal(question.Mapping)
			if err != nil {
				t.Fatal(err)
			}
			var mapping statement.Mapping
			err = json.Unmarshal(stored, &mapping)
			if err != nil {
				t.Fatal(err)
			}
			test.answer(&mapping)
			read, err := statement.Read([]byte(test.file), statement.Options{Mapping: &mapping})
			if err != nil {
				t.Fatal(err)
			}
			row := read[0].Rows[0]
			if got := fmt.Sprint(row.Amount, " ", row.BookingDate); got != test.want {
				t.Errorf("read as %s, want %s", got, test.want)
			}
			recordsAgain(t, []byte(test.file), statement.Options{Mapping: &mapping})
			// The mapping of the reading is the one to remember: a file of the next month has no question.
			again, err := statement.Read([]byte(test.file), statement.Options{Mapping: read[0].Mapping})
			if err != nil || again[0].Rows[0].Amount != row.Amount {
				t.Errorf("the remembered mapping: %v", err)
			}
		})
	}
}

// TestAForeignMapping gives mappings that are not the file's: it is read as without them, or asks.
func TestAForeignMapping(t *testing.T) {
	const file = "Date;Libellé;Montant\n13/04/2026;A;-1,50\n"
	plain := shown([]byte(file), statement.Options{})
	for name, mapping := range map[string]statement.Mapping{
		"empty":              {},
		"of another format":  {Format: "QIF", Order: "MDY"},
		"of another header":  {Format: "CSV", Separator: ",", Header: []string{"Date", "Amount"}, Columns: []statement.Role{"day", "amount"}, Order: "DMY", Decimal: ","},
		"without an amount":  {Format: "CSV", Separator: ";", Header: []string{"Date", "Libellé", "Montant"}, Columns: []statement.Role{"day", "label", "label"}},
		"of unknown roles":   {Format: "CSV", Separator: ";", Header: []string{"Date", "Libellé", "Montant"}, Columns: []statement.Role{"day", "what", "amount"}},
		"against the file":   {Format: "CSV", Separator: ";", Header: []string{"Date", "Libellé", "Montant"}, Columns: []statement.Role{"day", "label", "amount"}, Order: "MDY", Decimal: "."},
		"of unknown notions": {Format: "CSV", Separator: ";;", Charset: "none", Order: "XYZ", Decimal: "x", Sign: "x"},
	} {
		got := shown([]byte(file), statement.Options{Mapping: &mapping})
		if got != plain {
			t.Errorf("a mapping %s reads (-without +with):\n%s", name, cmp.Diff(plain, got))
		}
	}
}

// written is a row as the property below writes it.
type written struct {
	day, value oxlin.Date
	amount     oxlin.Amount
	label, id  string
}

func drawRows(t *rapid.T) (rows []written) {
	n := rapid.IntRange(1, 12).Draw(t, "n")
	for i := range n {
		day := oxlin.NewDate(2026, 1, 1).AddDays(rapid.IntRange(0, 360).Draw(t, "day"))
		cents := rapid.Int64Range(-9_999_999, 9_999_999).Filter(func(n int64) bool { return n != 0 }).Draw(t, "cents")
		amount, err := oxlin.ParseAmount(fmt.Sprintf("%de-2", cents))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, written{day, day.AddDays(rapid.IntRange(0, 3).Draw(t, "later")), amount,
			rapid.StringMatching(`[A-Z]{1,8}( [A-Zé0-9;,"'&]{1,8}){0,3}`).Draw(t, "label"), fmt.Sprintf("ID%d", i)})
	}
	// One row that decides order, separator and sign, as any longer file has it.
	return append(rows, written{oxlin.NewDate(2026, 11, 27), oxlin.NewDate(2026, 11, 27), -123_400_000, "LAST", "LAST"})
}

// figure writes an amount with two places, and with separators of thousands.
func figure(amount oxlin.Amount, decimal, group string) string {
	whole, cents, _ := strings.Cut(amount.Abs().String(), ".")
	cents = (cents + "00")[:2]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + group + whole[at:]
	}
	return whole + decimal + cents
}

func sign(amount oxlin.Amount) string {
	if amount < 0 {
		return "-"
	}
	return ""
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// formats write the same rows in each format. Those without a value day or an id leave them out.
var formats = map[string]func(rows []written) string{
	"OFX 1": func(rows []written) string {
		text := "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nCHARSET:1252\n\n<OFX><STMTRS><CURDEF>EUR<BANKTRANLIST>\n"
		for _, row := range rows {
			text += fmt.Sprintf("<STMTTRN><TRNTYPE>OTHER<DTPOSTED>%s<DTAVAIL>%s120000<TRNAMT>%s%s<FITID>%s<NAME>%s\n",
				compact(row.day), compact(row.value), sign(row.amount), figure(row.amount, ",", ""), row.id, escaped(row.label))
		}
		return string(windowsOf(text + "</BANKTRANLIST></STMTRS></OFX>"))
	},
	"OFX 2": func(rows []written) string {
		text := `<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211"?><OFX><CCSTMTRS><CURDEF>EUR</CURDEF><BANKTRANLIST>`
		for _, row := range rows {
			text += fmt.Sprintf("<STMTTRN><TRNTYPE>OTHER</TRNTYPE><DTPOSTED>%s</DTPOSTED><DTAVAIL>%s</DTAVAIL><TRNAMT>%s%s</TRNAMT><FITID>%s</FITID><NAME/><MEMO>%s</MEMO></STMTTRN>",
				compact(row.day), compact(row.value), sign(row.amount), figure(row.amount, ".", ""), row.id, escaped(row.label))
		}
		return text + "</BANKTRANLIST></CCSTMTRS></OFX>"
	},
	"QIF": func(rows []written) string {
		text := "!Type:Bank\r\n"
		for _, row := range rows {
			text += fmt.Sprintf("D%s\r\nT%s%s\r\nP%s\r\n^\r\n", slashed(row.day, "%[2]d/%[1]d'%02[4]d"), sign(row.amount), figure(row.amount, ".", ","), row.label)
		}
		return text
	},
	"French CSV": func(rows []written) string {
		text := "Compte;12345678901\n\nDate;Date de valeur;Libellé;Débit euros;Crédit euros;\n"
		for _, row := range rows {
			debit, credit := figure(row.amount, ",", " "), ""
			if row.amount > 0 {
				debit, credit = credit, debit
			}
			text += fmt.Sprintf("%s;%s;%s;%s;%s;\n", slashed(row.day, "%02d/%02d/%d"), slashed(row.value, "%02d/%02d/%d"), quoted(row.label), debit, credit)
		}
		return string(windowsOf(text))
	},
	"German CSV": func(rows []written) string {
		text := "\"Konto\";\"1\"\n\"Buchungstag\";\"Wertstellung\";\"Verwendungszweck\";\"Betrag\";\"Soll/Haben\";\"Währung\"\n"
		for _, row := range rows {
			mark := "H"
			if row.amount < 0 {
				mark = "S"
			}
			text += fmt.Sprintf("%q;%q;%s;%q;%q;\"EUR\"\n", slashed(row.day, "%02d.%02d.%d"), slashed(row.value, "%02d.%02d.%d"), quoted(row.label), figure(row.amount, ",", "."), mark)
		}
		return string(utf16Of(text + "Summe;;;1,00;S\n"))
	},
	"English CSV": func(rows []written) string {
		text := "Transaction ID,Booking Date,Value Date,Description,Money Out,Money In,Currency\n"
		for _, row := range rows {
			out, in := "£"+figure(row.amount, ".", ","), ""
			if row.amount > 0 {
				out, in = in, out
			}
			text += fmt.Sprintf("%s,%s,%s,%s,%q,%q,GBP\n", row.id, row.day, row.value, quoted(row.label), out, in)
		}
		return text
	},
	"a table between strokes": func(rows []written) string {
		text := "sep=|\nDate|Amount (USD)|Memo\n"
		for _, row := range rows {
			text += fmt.Sprintf("%s|%s%s USD|%s\n", slashed(row.day, "%02[2]d/%02[1]d/%[3]d"), plus(row.amount), figure(row.amount, ".", ","), quoted(row.label))
		}
		return text
	},
}

func compact(day oxlin.Date) string { return strings.ReplaceAll(day.String(), "-", "") }

// slashed writes a day: 1 is the day, 2 the month, 3 the year and 4 its last two digits.
func slashed(day oxlin.Date, form string) string {
	var year, month, of int
	_, err := fmt.Sscanf(day.String(), "%d-%d-%d", &year, &month, &of)
	if err != nil {
		panic(err)
	}
	text := fmt.Sprintf(form, of, month, year, year%100)
	text, _, _ = strings.Cut(text, "%!(EXTRA")
	return text
}

// TestWrittenAndRead writes the same rows in each format: they are read as they are, in
// their order.
func TestWrittenAndRead(t *testing.T) {
	for name, write := range formats {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				rows := drawRows(t)
				text := write(rows)
				read, err := statement.Read([]byte(text), statement.Options{})
				if err != nil {
					t.Fatalf("%v:\n%s", err, text)
				}
				if len(read) != 1 || len(read[0].Rows) != len(rows) {
					t.Fatalf("%d statements, of %d rows:\n%s\n%s", len(read), len(rows), text, shown([]byte(text), statement.Options{}))
				}
				for i, row := range read[0].Rows {
					want := rows[i]
					label := strings.Join(row.Remittance, " ")
					if row.Unread != "" || row.Amount != want.amount || row.BookingDate != want.day || !row.ValueDate.IsZero() && row.ValueDate != want.value ||
						row.BankID != "" && row.BankID != want.id || label != want.label {
						t.Errorf("%+v is read as %s %s %s %q %q", want, row.Amount, row.BookingDate, row.ValueDate, row.BankID, label)
					}
				}
			})
		})
	}
}

// TestLimits reads files made to cost time or memory.
func TestLimits(t *testing.T) {
	const size = 4 << 20
	for name, content := range map[string]string{
		"rows":               "Date;Montant\n" + strings.Repeat("27/11/2026;-1,00\n", 200_300),
		"rows of QIF":        "!Type:Bank\n" + strings.Repeat("T1\n^\n", 200_001),
		"rows of OFX":        "<OFX><STMTRS>" + strings.Repeat("<STMTTRN>", 200_001),
		"a document type":    `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><?OFX?><OFX><STMTRS></STMTRS></OFX>`,
		"opened quotes":      strings.Repeat(`"a;`, size/3),
		"only quotes":        "Date;Montant\n" + strings.Repeat(`"`, size),
		"one long text":      strings.Repeat("1 ", size/2) + ";2\n",
		"brackets":           strings.Repeat("<", size) + "<OFX>",
		"open sections":      "<OFX>" + strings.Repeat("<![CDATA[", size/9),
		"a program":          "\x7fELF\x00\x00;27/11/2026;-1,00\n",
		"more than 16 MiB":   "Date;Montant\n27/11/2026;-1,00\n" + strings.Repeat(";", 16<<20),
		"a page of an error": "Error 500\nInternal; server, error\n",
	} {
		_, err := statement.Read([]byte(content), statement.Options{})
		if err == nil {
			t.Errorf("%s are read", name)
		}
	}
	// A text that begins in quotes and never ends costs no other row.
	read, err := statement.Read([]byte("Date;Libellé;Montant\n27/11/2026;\"A;-1,00\n28/11/2026;B;-2,00\n"), statement.Options{})
	if err != nil || len(read[0].Rows) != 2 || read[0].Rows[1].Amount != -200_000 {
		t.Errorf("%v, %v", read, err)
	}
}

// FuzzMapping reads any text with any mapping: nothing is read that its record does not
// say, and a reading by its own mapping is the same.
func FuzzMapping(f *testing.F) {
	files, err := filepath.Glob("testdata/*.in")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content, []byte(`{"format":"CSV","separator":";","columns":["day","label","amount"],"order":"DMY","decimal":","}`))
	}
	f.Fuzz(func(t *testing.T, content, stored []byte) {
		if len(content) > 1<<16 {
			return
		}
		var mapping statement.Mapping
		_ = json.Unmarshal(stored, &mapping)
		read, err := statement.Read(content, statement.Options{Mapping: &mapping})
		var question *statement.Question
		if errors.As(err, &question) && len(question.Unsure) == 0 {
			t.Error("a question about nothing")
		}
		recordsAgain(t, content, statement.Options{Mapping: &mapping})
		for _, s := range read {
			for _, row := range s.Rows {
				if row.Unread == "" && row.Date().IsZero() && s.Mapping != nil {
					t.Errorf("a row without a day: %s", row.Raw)
				}
				if row.Ignored || row.Unread == bank.UnreadID {
					t.Errorf("row %+v", row)
				}
			}
			if s.Mapping == nil || len(read) > 1 {
				continue
			}
			again, err := statement.Read(content, statement.Options{Mapping: s.Mapping})
			if err != nil || len(again) != 1 || len(again[0].Rows) != len(s.Rows) {
				t.Errorf("with its own mapping: %v", err)
			}
		}
	})
}

func plus(amount oxlin.Amount) string {
	if amount < 0 {
		return "-"
	}
	return "+"
}
