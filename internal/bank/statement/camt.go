package statement

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// camtAccount is the account of a statement, in the versions 2 to 14 of the messages.
type camtAccount struct {
	ID struct {
		IBAN  string `xml:"IBAN"`
		Other string `xml:"Othr>Id"`
	} `xml:"Id"`
	Currency string `xml:"Ccy"`
	Owner    string `xml:"Ownr>Nm"`
	Servicer struct {
		BIC   string `xml:"BIC"`
		BICFI string `xml:"BICFI"`
	} `xml:"Svcr>FinInstnId"`
}

type camtAmount struct {
	Text     string `xml:",chardata"`
	Currency string `xml:"Ccy,attr"`
}

type camtDay struct {
	Day     string `xml:"Dt"`
	Instant string `xml:"DtTm"`
}

func (d camtDay) text() string { return cmp.Or(strings.TrimSpace(d.Day), strings.TrimSpace(d.Instant)) }

type camtBalance struct {
	Code      string     `xml:"Tp>CdOrPrtry>Cd"`
	Own       string     `xml:"Tp>CdOrPrtry>Prtry"`
	Amount    camtAmount `xml:"Amt"`
	Indicator string     `xml:"CdtDbtInd"`
	Day       camtDay    `xml:"Dt"`
}

type camtEntry struct {
	Reference   string        `xml:"NtryRef"`
	Amount      camtAmount    `xml:"Amt"`
	Indicator   string        `xml:"CdtDbtInd"`
	Status      camtWord      `xml:"Sts"`
	Booked      camtDay       `xml:"BookgDt"`
	Value       camtDay       `xml:"ValDt"`
	ServicerRef string        `xml:"AcctSvcrRef"`
	Code        camtCode      `xml:"BkTxCd"`
	Details     []camtDetails `xml:"NtryDtls"`
	Info        string        `xml:"AddtlNtryInf"`
	Inner       string        `xml:",innerxml"`
}

// camtDetails are payments of an entry.
type camtDetails struct {
	Parts []camtPart `xml:"TxDtls"`
}

// camtWord is a code, which later versions wrap in a further element.
type camtWord struct {
	Text  string `xml:",chardata"`
	Code  string `xml:"Cd"`
	Prtry string `xml:"Prtry"`
}

func (w camtWord) word() string {
	return cmp.Or(strings.TrimSpace(w.Code), strings.TrimSpace(w.Prtry), strings.TrimSpace(w.Text))
}

type camtCode struct {
	Domain    string `xml:"Domn>Cd"`
	Family    string `xml:"Domn>Fmly>Cd"`
	SubFamily string `xml:"Domn>Fmly>SubFmlyCd"`
	Own       string `xml:"Prtry>Cd"`
}

func (c camtCode) code() bank.Code {
	return bank.Code{
		Domain: notation.Identifier(c.Domain), Family: notation.Identifier(c.Family),
		SubFamily: notation.Identifier(c.SubFamily), Proprietary: notation.Text(c.Own),
	}
}

// camtPart is one payment of an entry.
type camtPart struct {
	References struct {
		ServicerRef string `xml:"AcctSvcrRef"`
		Instruction string `xml:"InstrId"`
		EndToEnd    string `xml:"EndToEndId"`
		Transaction string `xml:"TxId"`
		Mandate     string `xml:"MndtId"`
		Cheque      string `xml:"ChqNb"`
		Own         string `xml:"Prtry>Ref"`
	} `xml:"Refs"`
	Amount    camtAmount `xml:"Amt"`
	Detailed  camtAmount `xml:"AmtDtls>TxAmt>Amt"`
	Indicator string     `xml:"CdtDbtInd"`
	Code      camtCode   `xml:"BkTxCd"`
	Parties   struct {
		Debtor           camtParty `xml:"Dbtr"`
		UltimateDebtor   camtParty `xml:"UltmtDbtr"`
		Creditor         camtParty `xml:"Cdtr"`
		UltimateCreditor camtParty `xml:"UltmtCdtr"`
	} `xml:"RltdPties"`
	Lines      []string `xml:"RmtInf>Ustrd"`
	Structured []struct {
		Reference string   `xml:"CdtrRefInf>Ref"`
		More      []string `xml:"AddtlRmtInf"`
	} `xml:"RmtInf>Strd"`
	Info  string `xml:"AddtlTxInf"`
	Inner string `xml:",innerxml"`
}

type camtParty struct {
	Name  string `xml:"Nm"`
	Later string `xml:"Pty>Nm"`
}

func (p camtParty) name() string { return cmp.Or(notation.Text(p.Name), notation.Text(p.Later)) }

// amount returns the part's own amount; empty without one.
func (p camtPart) amount() camtAmount {
	if strings.TrimSpace(p.Amount.Text) != "" {
		return p.Amount
	}
	return p.Detailed
}

// camtKinds are the messages by the element that holds one statement.
var camtKinds = map[string]string{"Rpt": "camt.052", "Stmt": "camt.053", "Ntfctn": "camt.054"}

// errEntities refuses what no bank writes: a document type may define entities that grow.
var errEntities = errors.New("the file declares a document type")

// newXML returns a decoder that knows no entities but XML's own five. The text is UTF-8
// already, whatever its declaration names.
func newXML(text []byte) *xml.Decoder {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.CharsetReader = func(_ string, stream io.Reader) (io.Reader, error) { return stream, nil }
	return decoder
}

// utf8Of returns markup in UTF-8.
func utf8Of(content []byte) []byte {
	label := ""
	declaration, _, found := bytes.Cut(content[:min(len(content), 200)], []byte("?>"))
	if found {
		_, after, _ := bytes.Cut(declaration, []byte("encoding="))
		label = strings.Trim(string(after), `"' `)
		label, _, _ = strings.Cut(label, `"`)
		label, _, _ = strings.Cut(label, `'`)
	}
	text, err := io.ReadAll(notation.Unicode(bytes.NewReader(content)))
	if err != nil {
		text = content
	}
	return notation.UTF8(text, notation.Charset(label))
}

// readCamt reads a camt document.
func readCamt(content []byte, options Options) (all []Statement, err error) {
	decoder := newXML(utf8Of(content))
	var current *Statement
	rows := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return all, errors.New("the file is not XML")
		}
		switch element := token.(type) {
		case xml.Directive:
			return all, errEntities
		case xml.StartElement:
			kind := camtKinds[element.Name.Local]
			if kind != "" {
				all = append(all, Statement{Format: kind, Currency: options.Currency})
				current = &all[len(all)-1]
				continue
			}
			if current == nil {
				continue
			}
			added, err := current.readElement(decoder, element, options)
			if err != nil {
				return all, err
			}
			rows += added
			if rows > maxRows {
				return all, fmt.Errorf("%w: it holds more than %d rows", ErrLimit, maxRows)
			}
		case xml.EndElement:
			if camtKinds[element.Name.Local] != "" {
				current = nil
			}
		}
	}
	if len(all) == 0 {
		return nil, ErrFormat
	}
	return all, nil
}

// readElement reads an element of a statement, and returns how many rows it added.
func (s *Statement) readElement(decoder *xml.Decoder, element xml.StartElement, options Options) (added int, err error) {
	switch element.Name.Local {
	case "Acct":
		var account camtAccount
		err = decoder.DecodeElement(&account, &element)
		s.IBAN = notation.IBAN(account.ID.IBAN).Or("")
		s.Number = notation.Identifier(account.ID.Other)
		s.Currency = notation.Currency(account.Currency).Or(options.Currency)
		s.Owner = notation.Text(account.Owner)
		s.BIC = notation.Identifier(cmp.Or(account.Servicer.BICFI, account.Servicer.BIC))
	case "Bal":
		var balance camtBalance
		err = decoder.DecodeElement(&balance, &element)
		read, ok := balance.read(*s, options)
		if err == nil && ok {
			s.Balances = append(s.Balances, read)
		}
	case "Ntry":
		var entry camtEntry
		err = decoder.DecodeElement(&entry, &element)
		if err != nil {
			break
		}
		for _, row := range entry.rows(s.Currency, options) {
			added++
			if !row.Ignored {
				s.Rows = append(s.Rows, row)
			}
		}
	case "GrpHdr", "TxsSummry", "RltdAcct":
		err = decoder.Skip()
	}
	if err != nil {
		return added, errors.New("the file is not XML, or ends too early")
	}
	return added, nil
}

func (b camtBalance) read(s Statement, options Options) (read Balance, ok bool) {
	row := bank.Decoded{}
	currency := notation.Currency(b.Amount.Currency).Or(s.Currency)
	if !setAmount(&row, b.Amount.Text, currency, notation.ReadDirection(b.Indicator)) {
		return Balance{}, false
	}
	read.Code = notation.ReadBalanceType(cmp.Or(b.Code, b.Own)).Or("")
	day, _ := convention.Day(b.Day.text()).Told()
	read.Balance = oxlin.Balance{
		Type: TypeOf(read.Code), Amount: row.Amount, Currency: row.Currency, Date: day.In(options.Zone),
	}
	return read, true
}

// TypeOf returns the type of a balance with an ISO 20022 code.
func TypeOf(code string) oxlin.BalanceType {
	switch code {
	case "CLBD", "ITBD":
		return oxlin.BalanceBooked
	case "ITAV", "CLAV":
		return oxlin.BalanceAvailable
	case "XPCD":
		return oxlin.BalanceExpected
	}
	return oxlin.BalanceOther
}

func (e camtEntry) parts() (parts []camtPart) {
	for _, details := range e.Details {
		parts = append(parts, details.Parts...)
	}
	return parts
}

// rows returns the rows of an entry: one for each payment if the bank tells the amount of
// each and they make up the entry; else one for the entry.
func (e camtEntry) rows(currency string, options Options) []bank.Decoded {
	whole := record{Camt: "<Ntry>" + e.Inner + "</Ntry>", Currency: currency}
	row := e.row(whole.raw(), false, currency, options)
	parts := e.parts()
	if len(parts) < 2 || row.Unread != "" || row.Ignored {
		return []bank.Decoded{row}
	}
	around := withoutDetails(e.Inner)
	var rows []bank.Decoded
	sum := oxlin.Amount(0)
	for _, part := range parts {
		alone := e
		alone.Details = []camtDetails{{[]camtPart{part}}}
		piece := record{
			Camt: "<Ntry>" + around + "<NtryDtls><TxDtls>" + part.Inner + "</TxDtls></NtryDtls></Ntry>", Part: true, Currency: currency,
		}
		read := alone.row(piece.raw(), true, currency, options)
		if read.Unread != "" || read.Currency != row.Currency {
			return []bank.Decoded{row}
		}
		sum += read.Amount
		rows = append(rows, read)
	}
	if sum != row.Amount {
		return []bank.Decoded{row}
	}
	return rows
}

// withoutDetails returns the content of an entry without its payments.
func withoutDetails(inner string) string {
	decoder := newXML([]byte(inner))
	var kept strings.Builder
	for {
		start := decoder.InputOffset()
		token, err := decoder.Token()
		if err != nil {
			return kept.String()
		}
		element, ok := token.(xml.StartElement)
		if ok {
			err = decoder.Skip()
			if err != nil {
				return kept.String()
			}
		}
		if !ok || element.Name.Local != "NtryDtls" {
			kept.WriteString(inner[start:decoder.InputOffset()])
		}
	}
}

// decodeCamt reads a stored record.
func decodeCamt(r record, raw []byte, options Options) bank.Decoded {
	var entry camtEntry
	err := newXML([]byte(r.Camt)).Decode(&entry)
	if err != nil {
		var row bank.Decoded
		row.Raw, row.Unread = raw, bank.UnreadRecord
		return row
	}
	return entry.row(raw, r.Part, r.Currency, options)
}

// row converts an entry, or one payment of it.
func (e camtEntry) row(raw []byte, isPart bool, account string, options Options) (row bank.Decoded) {
	row.Raw = raw
	status := notation.ReadStatus(e.Status.word())
	switch status.Or(notation.OtherStatus) {
	case notation.Rejected, notation.Informative:
		row.Ignored = true
		return row
	case notation.Booked:
		row.Status = oxlin.StatusBooked
	case notation.Pending:
		row.Status = oxlin.StatusPending
	default:
		row.Status = oxlin.StatusOther
	}
	if status.IsAbsent() {
		row.Status = oxlin.StatusBooked
	}
	if status.IsUnreadable() {
		row.Transaction.Unread = append(row.Transaction.Unread, bank.UnreadStatus)
	}
	bookedGiven, bookedRead := setDay(&row, e.Booked.text(), &row.BookingDate, bank.UnreadBookingDay, options.Zone)
	valueGiven, valueRead := setDay(&row, e.Value.text(), &row.ValueDate, bank.UnreadValueDay, options.Zone)
	amount, indicator := e.Amount, e.Indicator
	part := camtPart{}
	parts := e.parts()
	if len(parts) > 0 {
		part = parts[0]
	}
	if isPart {
		amount = part.amount()
		indicator = cmp.Or(part.Indicator, e.Indicator)
	}
	currency := notation.Currency(amount.Currency).Or(account)
	switch {
	case !setAmount(&row, amount.Text, currency, notation.ReadDirection(indicator)):
		return row
	case (bookedGiven || valueGiven) && !bookedRead && !valueRead:
		row.Unread = bank.UnreadDay
		return row
	}
	row.Code = e.Code.code()
	if row.Code == (bank.Code{}) && len(parts) > 0 {
		row.Code = part.Code.code()
	}
	references := map[string]string{"NtryRef": e.Reference, "AcctSvcrRef": e.ServicerRef}
	if len(parts) == 1 || isPart {
		e.describe(&row, part, references)
	}
	if len(parts) > 1 && !isPart {
		for _, one := range parts[:min(len(parts), 20)] {
			row.Remittance = append(row.Remittance, one.lines()...)
		}
	}
	if len(row.Remittance) == 0 {
		row.Remittance = append(row.Remittance, linesOf(e.Info)...)
	}
	row.BankID = pick(options.IDs, references)
	return row
}

// describe sets what a single payment tells.
func (e camtEntry) describe(row *bank.Decoded, part camtPart, references map[string]string) {
	own := part.References
	references["AcctSvcrRef"] = cmp.Or(reference(own.ServicerRef), references["AcctSvcrRef"])
	references["InstrId"], references["TxId"], references["EndToEndId"] = own.Instruction, own.Transaction, own.EndToEnd
	references["Prtry"] = own.Own
	row.EndToEndID, row.MandateID = reference(own.EndToEnd), reference(own.Mandate)
	row.CheckNumber = reference(own.Cheque)
	row.Remittance = part.lines()
	who, final := part.Parties.Creditor, part.Parties.UltimateCreditor
	if row.Amount > 0 {
		who, final = part.Parties.Debtor, part.Parties.UltimateDebtor
	}
	row.Counterparty = cmp.Or(who.name(), final.name())
}

// lines returns what a payment says for people.
func (p camtPart) lines() (lines []string) {
	for _, line := range p.Lines {
		lines = append(lines, linesOf(line)...)
	}
	for _, structured := range p.Structured {
		for _, line := range append([]string{structured.Reference}, structured.More...) {
			lines = append(lines, linesOf(line)...)
		}
	}
	if len(lines) == 0 {
		lines = linesOf(p.Info)
	}
	return lines
}

func linesOf(text string) []string {
	text = notation.Text(text)
	if text == "" {
		return nil
	}
	return []string{text}
}
