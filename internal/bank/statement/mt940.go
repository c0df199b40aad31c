package statement

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// isMT940 reports whether a file begins with a SWIFT message: its envelope, or a tag.
func isMT940(start []byte) bool {
	return bytes.HasPrefix(start, []byte("{1:")) || bytes.HasPrefix(start, []byte("{4:")) || tagForm.Match(firstLine(start)) ||
		bytes.Contains(start, []byte("\n:20:")) && bytes.Contains(start, []byte("\n:25:"))
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.TrimRight(line, "\r")
}

var (
	// tagForm begins a field: its tag and its text.
	tagForm = regexp.MustCompile(`^:(\d{2}[A-Z]?):(.*)$`)
	// balanceForm is the text of a balance: direction, day, currency, amount.
	balanceForm = regexp.MustCompile(`^([CD])(\d{6})([A-Z]{3})(\d+,?\d*)`)
	// entryForm is the first line of a row: value day, booking day, direction, letter of the
	// currency, amount, type, references.
	entryForm = regexp.MustCompile(`^(\d{6})(\d{4})?(R?[CD]|E[CD])([A-Z])?(\d+,?\d*)([SNF][A-Z0-9]{3})?(.*)$`)
)

// field is a tag with its lines.
type field struct{ tag, text string }

// fieldsOf splits a file into its fields. Envelopes and what follows a message are left
// out.
func fieldsOf(content []byte) (fields []field) {
	text := string(notation.UTF8(content, notation.Charset("")))
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		_, inside, enveloped := strings.Cut(line, "{4:")
		if enveloped {
			line = inside
		}
		line = strings.TrimRight(line, " \u0003")
		found := tagForm.FindStringSubmatch(line)
		switch {
		case found != nil:
			fields = append(fields, field{found[1], found[2]})
		case line == "", line == "-", strings.HasPrefix(line, "-}"), strings.HasPrefix(line, "{"), len(fields) == 0:
		default:
			fields[len(fields)-1].text += "\n" + line
		}
	}
	return fields
}

// readMT940 reads the messages of a file.
func readMT940(content []byte, options Options) (all []Statement, err error) {
	fields := fieldsOf(content)
	var current *Statement
	rows := 0
	for i, f := range fields {
		if f.tag == "20" || current == nil {
			all = append(all, Statement{Format: "MT940", Currency: options.Currency})
			current = &all[len(all)-1]
		}
		switch f.tag {
		case "25":
			current.setAccount(f.text)
		case "60F", "60M", "62F", "62M", "64", "65":
			current.addBalance(f)
		case "34F":
			current.Currency = notation.Currency(f.text[:min(len(f.text), 3)]).Or(current.Currency)
		case "61":
			rows++
			if rows > maxRows {
				return all, fmt.Errorf("%w: it holds more than %d rows", ErrLimit, maxRows)
			}
			entry := ":61:" + f.text
			if i+1 < len(fields) && fields[i+1].tag == "86" {
				entry += "\n:86:" + fields[i+1].text
			}
			r := record{MT940: entry, Currency: current.Currency}
			current.Rows = append(current.Rows, decodeMT940(r, r.raw(), options))
		}
	}
	if len(all) == 0 {
		return nil, ErrFormat
	}
	return all, nil
}

// setAccount reads the field 25: an IBAN, or a bank's code and a number.
func (s *Statement) setAccount(text string) {
	text, _, _ = strings.Cut(text, "\n")
	iban, ok := notation.IBAN(text).Told()
	if !ok && len(text) > 3 { // the currency stands behind it
		iban, ok = notation.IBAN(strings.TrimRight(text[:len(text)-3], " ")).Told()
	}
	if ok {
		s.IBAN = iban
		return
	}
	s.Number = notation.Identifier(text)
}

// balanceCodes are the tags of balances by their ISO 20022 codes.
var balanceCodes = map[string]string{
	"60F": "OPBD", "60M": "OPBD", "62F": "CLBD", "62M": "CLBD", "64": "CLAV", "65": "FWAV",
}

func (s *Statement) addBalance(f field) {
	found := balanceForm.FindStringSubmatch(f.text)
	if found == nil {
		return
	}
	s.Currency = cmp.Or(notation.Currency(found[3]).Or(""), s.Currency)
	var row bank.Decoded
	if !setAmount(&row, swiftAmount(found[4]), s.Currency, notation.ReadDirection(found[1])) {
		return
	}
	code := balanceCodes[f.tag]
	day, _ := swiftDay(found[2])
	s.Balances = append(s.Balances, Balance{code, oxlin.Balance{
		Type: TypeOf(code), Amount: row.Amount, Currency: row.Currency, Date: day,
	}})
}

// swiftAmount returns an amount with a dot: its comma is always there, and always decimal.
func swiftAmount(text string) string { return strings.Replace(text, ",", ".", 1) }

// swiftDay reads YYMMDD.
func swiftDay(text string) (oxlin.Date, bool) {
	century := "20"
	if text >= "80" {
		century = "19"
	}
	day, err := time.Parse("20060102", century+text)
	if err != nil {
		return oxlin.Date{}, false
	}
	return oxlin.NewDate(day.Year(), day.Month(), day.Day()), true
}

// bookingDay returns the day MMDD that is nearest to the value day.
func bookingDay(value oxlin.Date, text string) (oxlin.Date, bool) {
	for _, year := range []int{0, 1, -1} {
		at := value.Midnight(time.UTC).AddDate(year, 0, 0)
		day, ok := swiftDay(at.Format("06") + text)
		if ok && abs(day.DaysSince(value)) < 183 {
			return day, true
		}
	}
	return oxlin.Date{}, false
}

func abs(n int) int { return max(n, -n) }

// decodeMT940 reads a row: its field 61 and, if there is one, 86.
func decodeMT940(r record, raw []byte, options Options) (row bank.Decoded) {
	row.Raw = raw
	row.Status = oxlin.StatusBooked
	movement, information, _ := strings.Cut(strings.TrimPrefix(r.MT940, ":61:"), "\n:86:")
	first, supplement, _ := strings.Cut(movement, "\n")
	found := entryForm.FindStringSubmatch(first)
	if found == nil {
		row.Unread = bank.UnreadRecord
		return row
	}
	value, ok := swiftDay(found[1])
	row.ValueDate, row.BookingDate = value, value
	if !ok {
		row.Unread = bank.UnreadDay
		return row
	}
	if found[2] != "" {
		row.BookingDate, ok = bookingDay(value, found[2])
		if !ok {
			row.Transaction.Unread = append(row.Transaction.Unread, bank.UnreadBookingDay)
		}
	}
	direction := found[3]
	switch direction[0] {
	case 'R': // the reversal of a credit is a debit
		direction = map[string]string{"RC": "D", "RD": "C"}[direction]
	case 'E': // expected, in interim reports
		direction, row.Status = direction[1:], oxlin.StatusPending
	}
	if !setAmount(&row, swiftAmount(found[5]), r.Currency, notation.ReadDirection(direction)) {
		return row
	}
	customer, own, _ := strings.Cut(found[7], "//")
	row.Code.Proprietary = found[6]
	information = strings.TrimSpace(information)
	switch {
	case german.MatchString(flat(information)):
		describeGerman(&row, flat(information))
	case slashed.MatchString(information):
		describeSlashed(&row, flat(information))
	default:
		for _, line := range strings.Split(information, "\n") {
			row.Remittance = append(row.Remittance, linesOf(line)...)
		}
	}
	if len(row.Remittance) == 0 {
		row.Remittance = linesOf(strings.TrimSpace(supplement))
	}
	row.BankID = pick(options.IDs, map[string]string{"bankReference": own, "customerReference": customer})
	return row
}

// flat joins the lines of a field: banks break them at a width, in the middle of words.
func flat(text string) string { return strings.ReplaceAll(text, "\n", "") }

var (
	// german is the field 86 of German and Austrian banks: a code, then numbered parts.
	german = regexp.MustCompile(`^\d{3}(.)\d{2}`)
	// slashed is the field 86 of Dutch and Belgian banks: names between slashes.
	slashed = regexp.MustCompile(`^/[A-Z]{4}/`)
	// sepaTag begins a part of the purpose in a German field.
	sepaTag = regexp.MustCompile(`(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|COAM|OAMT)\+`)
	// slashTag begins a part of a Dutch field.
	slashTag = regexp.MustCompile(`/(TRTP|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|CDTRREFTP|CDTRREF|ORDP|BENM|ISDT|ID|USTD|STRD|CNTP|PURP|RTRN)/`)
)

func describeGerman(row *bank.Decoded, text string) {
	row.Code.Proprietary = cmp.Or(text[:3], row.Code.Proprietary)
	separator := text[3:4]
	var purpose, name, kind strings.Builder
	for _, part := range strings.Split(text[3:], separator) {
		if len(part) < 2 {
			continue
		}
		number, content := part[:2], part[2:]
		switch {
		case number == "00":
			kind.WriteString(content)
		case number >= "20" && number <= "29", number >= "60" && number <= "63":
			purpose.WriteString(content)
		case number == "32", number == "33":
			name.WriteString(content)
		}
	}
	row.Counterparty = notation.Text(name.String())
	rest := purpose.String()
	tags := sepaTag.FindAllStringSubmatchIndex(rest, -1)
	if len(tags) == 0 {
		row.Remittance = linesOf(rest)
	}
	for i, at := range tags {
		if i == 0 {
			row.Remittance = append(row.Remittance, linesOf(rest[:at[0]])...)
		}
		end := len(rest)
		if i+1 < len(tags) {
			end = tags[i+1][0]
		}
		content := strings.TrimSpace(rest[at[1]:end])
		switch rest[at[2]:at[3]] {
		case "EREF":
			row.EndToEndID = reference(content)
		case "MREF":
			row.MandateID = reference(content)
		case "SVWZ":
			row.Remittance = append(row.Remittance, linesOf(content)...)
		}
	}
	if len(row.Remittance) == 0 {
		row.Remittance = linesOf(kind.String())
	}
}

func describeSlashed(row *bank.Decoded, text string) {
	tags := slashTag.FindAllStringSubmatchIndex(text, -1)
	for i, at := range tags {
		end := len(text)
		if i+1 < len(tags) {
			end = tags[i+1][0]
		}
		content := strings.Trim(text[at[1]:end], "/ ")
		switch text[at[2]:at[3]] {
		case "NAME":
			row.Counterparty = notation.Text(content)
		case "EREF":
			row.EndToEndID = reference(content)
		case "MARF":
			row.MandateID = reference(content)
		case "REMI", "USTD":
			row.Remittance = append(row.Remittance, linesOf(strings.TrimPrefix(strings.TrimPrefix(content, "USTD"), "//"))...)
		}
	}
	if len(row.Remittance) == 0 {
		row.Remittance = linesOf(text)
	}
}
