package statement_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/statement"
)

// camt053 is a statement of version 8, with a batch of three payments and a debit in a
// foreign currency that one row names.
const camt053 = `<?xml version="1.0" encoding="ISO-8859-1"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>7</MsgId></GrpHdr><Stmt>
<Acct><Id><IBAN>DE02 1203 0000 0000 2020 51</IBAN></Id><Ccy>EUR</Ccy><Ownr><Nm>Anna Weiß</Nm></Ownr><Svcr><FinInstnId><BICFI>BYLADEM1001</BICFI></FinInstnId></Svcr></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">20.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><DtTm>2026-11-30T23:30:00Z</DtTm></Dt></Bal>
<Ntry><NtryRef>12</NtryRef><Amt Ccy="EUR">30.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-02</Dt></BookgDt><ValDt><Dt>2026-11-03</Dt></ValDt>
<AcctSvcrRef>REF-1</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch>
<TxDtls><Refs><AcctSvcrRef>REF-1/1</AcctSvcrRef><EndToEndId>E1</EndToEndId></Refs><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>First</Nm></Pty></Cdtr></RltdPties><RmtInf><Ustrd>one</Ustrd></RmtInf></TxDtls>
<TxDtls><Refs><AcctSvcrRef>REF-1/2</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy="EUR">20.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties><Cdtr><Nm>Second</Nm></Cdtr></RltdPties></TxDtls>
<TxDtls><Refs><AcctSvcrRef>REF-1/3</AcctSvcrRef></Refs><AmtDtls><TxAmt><Amt Ccy="EUR">0.50</Amt></TxAmt></AmtDtls><RmtInf><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>
</NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts><ValDt><Dt>2026-12-01</Dt></ValDt><AcctSvcrRef>NONREF</AcctSvcrRef><AddtlNtryInf>Gutschrift f` + "\xfc" + `r M` + "\xfc" + `ller</AddtlNtryInf></Ntry>
<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>INFO</Sts></Ntry>
<Ntry><Amt Ccy="EUR">2.00</Amt><Sts>BOOK</Sts><BookgDt><Dt>2026-11-02</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="EUR">9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-05</Dt></BookgDt>
<NtryDtls><TxDtls><Amt Ccy="EUR">4.00</Amt><RmtInf><Ustrd>a</Ustrd></RmtInf></TxDtls><TxDtls><Amt Ccy="EUR">4.00</Amt><RmtInf><Ustrd>b</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>`

// mt940 has the fields 86 of three countries, a reversal, and a booking of the year before.
const mt940 = "{1:F01X}{4:\r\n:20:STARTUMS\r\n:25:12030000/2020\r\n:28C:1/1\r\n:60F:C261031EUR100,00\r\n" +
	":61:2611021102DR12,34NMSCNONREF//4711\r\n:86:105?00BASISLASTSCHRIFT?20EREF+E-77?21MREF+M-5?22SVWZ+Strom November?32STADTW?33ERKE\r\n" +
	":61:2601021231RC5,NTRFKREF+\r\n:86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/NAME/J. JANSEN/REMI/Huur\r\n maart/EREF/NOTPROVIDED\r\n" +
	":61:261104C1000,00NTRFSALARY\r\nsupplement\r\n:86:VIR SALAIRE\r\n:61:26XX04C1,00NTRF\r\n" +
	":62F:C261130EUR1082,66\r\n:64:C261130EUR1000,\r\n-}"

func lines(statements []statement.Statement) (all []string) {
	for _, s := range statements {
		all = append(all, strings.Join([]string{s.Format, s.IBAN + s.Number, s.Currency, s.Owner}, " "))
		for _, b := range s.Balances {
			all = append(all, fmt.Sprintf("%s %s %s %s", b.Code, b.Amount, b.Currency, b.Date))
		}
		for _, row := range s.Rows {
			if row.Unread != "" {
				all = append(all, "unread: "+string(row.Unread))
				continue
			}
			all = append(all, fmt.Sprintf("%s %s %s %s %s/%s %q %q", row.BankID, row.Status, row.Amount, row.Currency,
				row.BookingDate, row.ValueDate, row.Counterparty, row.Remittance))
		}
	}
	return all
}

var wantCamt = []string{
	"camt.053 DE02120300000000202051 EUR Anna Weiß",
	"OPBD 10 EUR 2026-11-01", "CLBD -20.5 EUR 2026-12-01",
	`REF-1/1 BOOKED -10 EUR 2026-11-02/2026-11-03 "First" ["one"]`,
	`REF-1/2 BOOKED -20 EUR 2026-11-02/2026-11-03 "Second" []`,
	`REF-1/3 BOOKED -0.5 EUR 2026-11-02/2026-11-03 "" ["RF18"]`,
	` PENDING 5 EUR /2026-12-01 "" ["Gutschrift für Müller"]`,
	"unread: sign",
	` BOOKED 9 EUR 2026-11-05/ "" ["a" "b"]`,
}

var wantMT940 = []string{
	"MT940 12030000/2020 EUR ", "OPBD 100 EUR 2026-10-31", "CLBD 1082.66 EUR 2026-11-30", "CLAV 1000 EUR 2026-11-30",
	`4711 BOOKED -12.34 EUR 2026-11-02/2026-11-02 "STADTWERKE" ["Strom November"]`,
	` BOOKED -5 EUR 2025-12-31/2026-01-02 "J. JANSEN" ["Huur maart"]`,
	` BOOKED 1000 EUR 2026-11-04/2026-11-04 "" ["VIR SALAIRE"]`,
	"unread: record",
}

func latin(text string) []byte {
	return bytes.ReplaceAll([]byte(text), []byte("Weiß"), []byte("Wei\xdf"))
}

func pack(t testing.TB, files ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for i, text := range files {
		file, err := w.Create(fmt.Sprintf("%d.txt", i))
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Write([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
	}
	err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestStatements(t *testing.T) {
	for name, test := range map[string]struct {
		content []byte
		want    []string
	}{
		"camt.053":   {latin(camt053), wantCamt},
		"MT940":      {[]byte(mt940), wantMT940},
		"an archive": {pack(t, string(latin(camt053)), "a note", mt940), append(append([]string{}, wantCamt...), wantMT940...)},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := statement.Read(test.content, statement.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, lines(read)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, s := range read {
				for _, row := range s.Rows {
					again, ok := statement.Decode(row.Raw, statement.Options{})
					if diff := cmp.Diff(row, again, cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })); !ok || diff != "" {
						t.Errorf("the record %s is read otherwise again:\n%s", row.Raw, diff)
					}
				}
			}
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	bomb := `<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">]><Document><Stmt><Ntry>&a;</Ntry></Stmt></Document>`
	for name, content := range map[string][]byte{
		"a document type":       []byte(bomb),
		"an unknown entity":     []byte("<Document><Stmt><Ntry><Sts>&a;</Sts></Ntry></Stmt></Document>"),
		"a page":                []byte("<html><body>Maintenance<br></body></html>"),
		"a text":                []byte("hello"),
		"nothing":               nil,
		"an archive of texts":   pack(t, "hello"),
		"an archive that grows": pack(t, strings.Repeat(" ", 40<<20)+mt940),
		"half an archive":       pack(t, mt940)[:60],
		"half a document":       []byte(camt053[:len(camt053)/2]),
	} {
		_, err := statement.Read(content, statement.Options{})
		if err == nil {
			t.Errorf("%s is read", name)
		}
	}
	_, err := statement.Read([]byte(mt940), statement.Options{MaxBytes: 100})
	if err == nil || errors.Is(err, statement.ErrFormat) {
		t.Errorf("a file that is too large: %v", err)
	}
}

// FuzzRead reads any bytes: whatever is read has a record that is read again alike, and
// no amount without a currency that the file names.
func FuzzRead(f *testing.F) {
	f.Add(latin(camt053))
	f.Add([]byte(mt940))
	f.Add(pack(f, mt940))
	f.Add([]byte("<a><Stmt><Ntry><NtryDtls><TxDtls/></NtryDtls></Ntry></Stmt></a>"))
	f.Fuzz(func(t *testing.T, content []byte) {
		read, _ := statement.Read(content, statement.Options{MaxBytes: 1 << 20})
		for _, s := range read {
			for _, row := range s.Rows {
				again, ok := statement.Decode(row.Raw, statement.Options{})
				if !ok || again.Amount != row.Amount || again.Unread != row.Unread || again.BankID != row.BankID ||
					again.Date() != row.Date() || again.Status != row.Status {
					t.Errorf("%s is read as %+v, then as %+v", row.Raw, row, again)
				}
				if row.Ignored || row.Unread != "" && row.Unread != bank.UnreadAmount && row.Unread != bank.UnreadSign &&
					row.Unread != bank.UnreadDay && row.Unread != bank.UnreadRecord {
					t.Errorf("row %+v", row)
				}
			}
		}
	})
}
