package statement

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// isOFX reports whether a file begins with the header of OFX, or with its first element.
func isOFX(start []byte) bool {
	upper := capitals(start)
	return bytes.HasPrefix(upper, []byte("OFXHEADER")) || bytes.Contains(upper, []byte("<?OFX")) || bytes.Contains(upper, []byte("<OFX>"))
}

// capitals returns a text with the letters of ASCII in capitals, byte by byte: what is at a place
// of it is there in the text too.
func capitals(text []byte) []byte {
	upper := bytes.Clone(text)
	for i, c := range upper {
		if 'a' <= c && c <= 'z' {
			upper[i] = c - 'a' + 'A'
		}
	}
	return upper
}

// ofxText returns the file in UTF-8, after its header. A header of version 1 names the
// character set in two lines, one of XML in its declaration.
func ofxText(content []byte) string {
	head := capitals(content[:min(len(content), 2048)])
	begin := bytes.Index(head, []byte("<OFX"))
	if begin < 0 || bytes.HasPrefix(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"), []byte("<?XML")) {
		return string(utf8Of(content))
	}
	label := ""
	found := ofxCharset.FindSubmatch(head[:begin])
	if found != nil {
		label = string(found[1])
	}
	return string(notation.UTF8(content[begin:], notation.Charset(label)))
}

var ofxCharset = regexp.MustCompile(`(?:^|\s)CHARSET:\s*([A-Z0-9_-]+)`)

// markup is one tag of OFX, with the text that follows it.
type markup struct {
	name       string // in capitals
	closes     bool
	text       string
	begin, end int // of the tag itself
}

// tags cuts a text into its tags, in one pass. A sign that begins no tag belongs to the
// text before it, as in "<3".
func tags(text string, each func(markup) error) error {
	const longestName = 64
	last := markup{begin: -1}
	from := 0
	give := func(until int) error {
		if last.begin < 0 {
			return nil
		}
		last.text = strings.TrimSpace(text[last.end:until])
		if strings.HasPrefix(last.text, "<![CDATA[") {
			last.text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(last.text, "<![CDATA["), "]]>"))
		}
		return each(last)
	}
	for from < len(text) {
		at := strings.IndexByte(text[from:], '<')
		if at < 0 {
			break
		}
		begin := from + at
		from = begin + 1
		if strings.HasPrefix(text[begin:], "<![CDATA[") {
			end := strings.Index(text[begin:], "]]>")
			if end < 0 {
				break
			}
			from = begin + end
			continue
		}
		if strings.HasPrefix(text[begin:], "<!") && len(text) > begin+2 && 'A' <= text[begin+2]&^0x20 && text[begin+2]&^0x20 <= 'Z' {
			return errEntities
		}
		inside := text[from:min(len(text), from+longestName)]
		end := strings.IndexByte(inside, '>')
		if end < 0 {
			continue
		}
		name := strings.TrimSpace(inside[:end])
		closes := strings.HasPrefix(name, "/")
		name = strings.ToUpper(strings.TrimSpace(strings.Trim(name, "/")))
		if !ofxName.MatchString(name) {
			continue
		}
		err := give(begin)
		if err != nil {
			return err
		}
		last = markup{name: name, closes: closes, begin: begin, end: from + end + 1}
		from = last.end
	}
	return give(len(text))
}

var ofxName = regexp.MustCompile(`^[A-Z][A-Z0-9._]*$`)

// ofxKinds are the elements that hold one account's statement.
var ofxKinds = map[string]bool{"STMTRS": true, "CCSTMTRS": true, "INVSTMTRS": true}

// ofxGroups are the elements whose members belong to them, and not to what surrounds them.
var ofxGroups = map[string]bool{
	"BANKACCTFROM": true, "CCACCTFROM": true, "INVACCTFROM": true, "BANKACCTTO": true, "CCACCTTO": true,
	"LEDGERBAL": true, "AVAILBAL": true, "BAL": true, "PAYEE": true, "CURRENCY": true, "ORIGCURRENCY": true, "IMAGEDATA": true,
}

// readOFX reads the statements of a file, of accounts and cards. It knows a row by where it
// begins, so that an element that is not closed costs nothing.
func readOFX(content []byte, options Options) (all []Statement, err error) {
	text := ofxText(content)
	reader := ofxReader{text: text, options: options, row: -1}
	err = tags(text, reader.tag)
	reader.endRow(len(text))
	reader.endStatement()
	switch {
	case err != nil:
		return reader.all, err
	case len(reader.all) == 0:
		return nil, errors.New("the file holds no statement")
	}
	return reader.all, nil
}

type ofxReader struct {
	text    string
	options Options
	all     []Statement
	current *Statement
	group   string
	parts   map[string]string
	row     int // where the row's text begins; -1 outside of one
	pending bool
	records []record
	rows    int
}

func (r *ofxReader) tag(m markup) error {
	switch {
	case ofxKinds[m.name]:
		r.endRow(m.begin)
		r.endStatement()
		if !m.closes {
			r.all = append(r.all, Statement{Format: "OFX", Currency: r.options.Currency})
			r.current = &r.all[len(r.all)-1]
			if m.name == "CCSTMTRS" {
				r.current.Type = oxlin.AccountCreditCard
			}
			r.parts, r.group = map[string]string{}, ""
		}
		return nil
	case r.current == nil:
		return nil
	case m.name == "STMTTRN", m.name == "STMTTRNP", m.name == "BANKTRANLIST", m.name == "BANKTRANLISTP":
		r.endRow(m.begin)
		r.group = ""
		if strings.HasPrefix(m.name, "STMTTRN") && !m.closes {
			r.row, r.pending = m.end, m.name == "STMTTRNP"
			r.rows++
			if r.rows > maxRows {
				return fmt.Errorf("%w: it holds more than %d rows", ErrLimit, maxRows)
			}
		}
		return nil
	case r.row >= 0:
		if m.name != "LEDGERBAL" && m.name != "AVAILBAL" {
			return nil
		}
		r.endRow(m.begin) // a row without an end, at the end of its list
	}
	if ofxGroups[m.name] {
		r.group = m.name
		if m.closes {
			r.group = ""
		}
		return nil
	}
	key := m.name
	if r.group != "" {
		key = r.group + "." + m.name
	}
	if !m.closes && m.text != "" && r.parts[key] == "" {
		r.parts[key] = m.text
	}
	return nil
}

// endRow keeps the text of the row that has begun.
func (r *ofxReader) endRow(at int) {
	if r.row < 0 {
		return
	}
	r.records = append(r.records, record{OFX: strings.TrimSpace(r.text[r.row:at]), Pending: r.pending})
	r.row = -1
}

// endStatement reads what surrounds the rows, and then the rows: some banks write the
// currency behind them.
func (r *ofxReader) endStatement() {
	s := r.current
	if s == nil {
		return
	}
	s.Currency = notation.Currency(r.parts["CURDEF"]).Or(s.Currency)
	s.setOFXAccount(r.parts)
	s.From = ofxDay(r.parts["DTSTART"]).Or(notation.Day{}).In(r.options.Zone)
	s.To = ofxDay(r.parts["DTEND"]).Or(notation.Day{}).In(r.options.Zone)
	for _, kind := range []struct{ group, code string }{{"LEDGERBAL", "CLBD"}, {"AVAILBAL", "CLAV"}} {
		money, ok := convention.Money(r.parts[kind.group+".BALAMT"], s.Currency).Told()
		if ok {
			s.Balances = append(s.Balances, Balance{kind.code, oxlin.Balance{
				Type: TypeOf(kind.code), Amount: money.Amount, Currency: cmp.Or(money.Currency, s.Currency),
				Date: ofxDay(r.parts[kind.group+".DTASOF"]).Or(notation.Day{}).In(r.options.Zone),
			}})
		}
	}
	signed := false
	for _, one := range r.records {
		money, _ := convention.Money(ofxParts(one.OFX)["TRNAMT"], s.Currency).Told()
		signed = money.Amount < 0
		if signed {
			break
		}
	}
	for _, one := range r.records {
		one.Currency, one.Unsigned = s.Currency, !signed
		s.Rows = append(s.Rows, decodeOFX(one, one.raw(), r.options))
	}
	r.records, r.current = nil, nil
}

// ofxTypes are the types of accounts.
var ofxTypes = map[string]oxlin.AccountType{
	"CHECKING": oxlin.AccountCheckings, "SAVINGS": oxlin.AccountSavings, "MONEYMRKT": oxlin.AccountSavings, "CD": oxlin.AccountSavings,
}

// setOFXAccount reads the account. French banks write a RIB in its parts, whose key
// proves that they make up an IBAN.
func (s *Statement) setOFXAccount(parts map[string]string) {
	s.BIC = notation.Identifier(parts["FI.BIC"])
	for _, group := range []string{"BANKACCTFROM.", "CCACCTFROM.", "INVACCTFROM."} {
		number := notation.Identifier(entities.Replace(parts[group+"ACCTID"]))
		if number == "" {
			continue
		}
		s.Type = cmp.Or(s.Type, ofxTypes[strings.ToUpper(parts[group+"ACCTTYPE"])])
		s.BankCode, s.Branch = notation.Identifier(parts[group+"BANKID"]), notation.Identifier(parts[group+"BRANCHID"])
		iban, ok := notation.IBAN(number).Told()
		if !ok || !notation.IsCheckedIBAN(iban) {
			iban, ok = ibanOfRIB(s.BankCode, s.Branch, number, notation.Identifier(parts[group+"ACCTKEY"]))
		}
		switch {
		case ok:
			s.IBAN = iban
		case s.Type == oxlin.AccountCreditCard:
			s.Number = notation.CardNumber(number)
		default:
			s.Number = number
		}
		return
	}
}

// ribForm is a RIB in capitals: bank, branch, account and key.
var ribForm = regexp.MustCompile(`^\d{10}[0-9A-Z]{11}\d{2}$`)

// ibanOfRIB returns the IBAN of a French account whose key is right.
func ibanOfRIB(bankCode, branch, account, key string) (iban string, ok bool) {
	const modulus = 97
	rib := notation.Compact(bankCode + branch + account + key)
	if !ribForm.MatchString(rib) {
		return "", false
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= 'S': // S is 2
			return (r-'S')%9 + '2'
		case r >= 'A':
			return (r-'A')%9 + '1'
		}
		return r
	}, rib)
	number, _ := new(big.Int).SetString(digits, 10)
	if new(big.Int).Mod(number, big.NewInt(modulus)).Sign() != 0 {
		return "", false
	}
	for check := 2; check <= 98; check++ {
		iban = fmt.Sprintf("FR%02d%s", check, rib)
		if notation.IsCheckedIBAN(iban) {
			return iban, true
		}
	}
	return "", false
}

// entities are the references that both versions know.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&nbsp;", " ", "&quot;", `"`, "&apos;", "'")

// ofxParts returns the members of a row, and those of its groups behind the group's name.
// Of two members of one name the first counts.
func ofxParts(text string) map[string]string {
	parts, group := map[string]string{}, ""
	_ = tags(text, func(m markup) error {
		switch {
		case ofxGroups[m.name] && m.text == "":
			group = m.name
			if m.closes {
				group = ""
			}
		case m.closes:
		default:
			key := m.name
			if group != "" {
				key = group + "." + m.name
			}
			if parts[key] == "" {
				parts[key] = m.text
			}
		}
		return nil
	})
	return parts
}

// decodeOFX reads a row.
func decodeOFX(r record, raw []byte, options Options) (row bank.Decoded) {
	parts := ofxParts(r.OFX)
	row.Raw, row.Status = raw, oxlin.StatusBooked
	if r.Pending {
		row.Status = oxlin.StatusPending
	}
	if len(parts) == 0 {
		row.Unread = bank.UnreadRecord
		return row
	}
	currency := notation.Currency(parts["CURRENCY.CURSYM"]).Or(r.Currency)
	money, ok := convention.Money(parts["TRNAMT"], currency).Told()
	if !ok {
		row.Unread = bank.UnreadAmount
		return row
	}
	row.Amount, row.Currency = money.Amount, cmp.Or(money.Currency, currency)
	kind := strings.ToUpper(parts["TRNTYPE"])
	// An amount has its sign, says the standard. In a list without any minus the type has it.
	switch {
	case kind == "DEBIT" && row.Amount > 0 && r.Unsigned && !money.Signed:
		row.Amount = -row.Amount
	case kind == "DEBIT" && row.Amount > 0, kind == "CREDIT" && row.Amount < 0:
		row.SignDisagreed = true
	}
	read := false
	for _, day := range []struct {
		name   string
		into   *oxlin.Date
		unread bank.Unread
	}{
		{"DTPOSTED", &row.BookingDate, bank.UnreadBookingDay}, {"DTUSER", &row.TransactionDate, bank.UnreadOperationDay},
		{"DTTRAN", &row.TransactionDate, bank.UnreadOperationDay}, {"DTAVAIL", &row.ValueDate, bank.UnreadValueDay},
	} {
		reading := ofxDay(parts[day.name])
		told, ok := reading.Told()
		if ok {
			*day.into, read = told.In(options.Zone), true
		}
		if reading.IsUnreadable() {
			row.Transaction.Unread = append(row.Transaction.Unread, day.unread)
		}
	}
	if !read {
		row.Unread = bank.UnreadDay
		return row
	}
	row.Code.Proprietary = notation.Identifier(kind)
	row.CheckNumber = reference(entities.Replace(parts["CHECKNUM"]))
	row.MerchantCategory = notation.Identifier(parts["SIC"])
	row.Counterparty = notation.Text(clip(parts["PAYEE.NAME"]))
	row.Remittance = labelOf(cmp.Or(parts["EXTDNAME"], parts["NAME"]), parts["MEMO"])
	row.BankID = pick(options.IDs, map[string]string{"FITID": entities.Replace(parts["FITID"])})
	if strings.Trim(row.BankID, "0") == "" {
		row.BankID = ""
	}
	return row
}

// labelOf returns what a name and a memo say: the memo alone if the name is its beginning, cut.
func labelOf(name, memo string) []string {
	all := append(linesOf(clip(name)), linesOf(clip(memo))...)
	if len(all) == 2 && strings.HasPrefix(all[1], all[0]) {
		return all[1:]
	}
	return all
}

// ofxDayForm is a day with its time, and the zone as the hours from Greenwich and a name.
var ofxDayForm = regexp.MustCompile(`^(\d{8})(\d{2,6})?(?:\.\d{1,12})?(?:\[\s*([+-]?\d{1,2}(?:\.\d{1,2})?)?(?::[^\]]*)?\]?)?$`)

// ofxDay reads a day. One with a time in the zone of Greenwich is an instant, unless the time is
// midnight or noon, which programs write for a day without a time.
func ofxDay(text string) notation.Reading[notation.Day] {
	found := ofxDayForm.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil {
		return convention.Day(text)
	}
	day, clock, zone := found[1], found[2], strings.Trim(found[3], "+-0.")
	if found[3] == "" || zone != "" || len(clock) < 6 || clock == "000000" || clock == "120000" {
		return convention.Day(day)
	}
	return convention.Day(day + clock + "z")
}
