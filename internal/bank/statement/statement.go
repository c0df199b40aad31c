package statement

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Options say how a bank's files are read. The zero value reads euro-zone files.
type Options struct {
	// Zone is the zone of instants; nil for Europe/Paris.
	Zone *time.Location
	// IDs names the references that may identify a row, the best first: AcctSvcrRef,
	// NtryRef, InstrId, TxId, EndToEndId or Prtry in camt, bankReference or
	// customerReference in MT940, FITID in OFX, column in CSV. Nil for AcctSvcrRef,
	// bankReference, FITID and column.
	IDs []string
	// Currency is that of a file which names none.
	Currency string
	// MaxBytes limits a file, packed and unpacked; 0 for 16 MiB.
	MaxBytes int64
	// Mapping is how an earlier file of the same bank was read, or what the user has
	// answered to a Question; nil to guess. A file that it does not fit is guessed anew.
	Mapping *Mapping
	// Standards reads only camt and MT940: the interfaces of banks give no others.
	Standards bool
}

// Statement is one account's statement or report.
type Statement struct {
	// Format is camt.052, camt.053, camt.054, MT940, OFX, QIF or CSV.
	Format string
	// IBAN or Number identify the account; both are empty if the file names none. Of a card
	// number the last digits are left.
	IBAN, Number string
	// BankCode and Branch are those to which Number belongs, as in a French RIB or a British
	// sort code, if the file has them apart from it.
	BankCode, Branch string
	BIC              string
	// Name and Type are the account's, if the file tells them.
	Name     string
	Type     oxlin.AccountType
	Currency string
	Owner    string
	Balances []Balance
	// From and To are the days that the file says to cover; zero if it does not say so.
	From, To oxlin.Date
	// Mapping is how the rows of a QIF or CSV file were read; nil for the other formats.
	Mapping *Mapping
	// Rows are those that change the account, in the file's order. Of a row with Unread
	// set only the Raw is certain.
	Rows []bank.Decoded
}

// Balance is a balance with its code: CLBD, OPBD, ITBD, CLAV, FWAV, PRCD and others
// (ISO 20022 ExternalBalanceType1Code).
type Balance struct {
	Code string
	oxlin.Balance
}

// ErrFormat is in the chain of the error for a file of no format that is read here.
var ErrFormat = errors.New("neither camt, MT940, OFX, QIF, CSV nor a ZIP of them")

// ErrLimit is in the chain of the error for a file beyond a limit.
var ErrLimit = errors.New("beyond the limits of a file")

// The limits of a file.
const (
	maxBytes  = 16 << 20
	maxRows   = 200_000
	maxFiles  = 2000
	maxRatio  = 100
	smallFile = 1 << 20 // below it a ratio says nothing
)

// Kind tells a file's family by its first bytes, whatever its name: "camt", "MT940", "OFX",
// "QIF", "ZIP", or "" for another. CSV has no mark of its own: only Read finds out.
func Kind(content []byte) string {
	start := bytes.TrimLeft(bytes.TrimPrefix(content[:min(len(content), 2048)], []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")), bytes.HasPrefix(start, []byte("PK\x05\x06")):
		return "ZIP"
	case isOFX(start):
		return "OFX"
	case isQIF(start):
		return "QIF"
	case bytes.HasPrefix(start, []byte("<")), bytes.HasPrefix(start, []byte("\xff\xfe<")), bytes.HasPrefix(start, []byte("\xfe\xff\x00<")):
		return "camt"
	case isMT940(start):
		return "MT940"
	}
	return ""
}

// Read reads a file. It fails if the file as a whole cannot be read; statements before
// the fault are returned too. The error is a *Question if the file has more than one reading, and
// the user knows which one is right.
func Read(content []byte, options Options) ([]Statement, error) {
	options = options.complete()
	if int64(len(content)) > options.MaxBytes {
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrLimit, options.MaxBytes)
	}
	if Kind(content) == "ZIP" {
		return readZIP(content, options)
	}
	return readPlain(content, options)
}

// complete returns the options with what the zero value means.
func (o Options) complete() Options {
	if o.Zone == nil {
		o.Zone = oxlin.Paris
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, maxBytes)
	if len(o.IDs) == 0 {
		o.IDs = []string{"AcctSvcrRef", "bankReference", "FITID", "column"}
	}
	return o
}

func readPlain(content []byte, options Options) ([]Statement, error) {
	kind := Kind(content)
	switch {
	case kind == "camt":
		return readCamt(content, options)
	case kind == "MT940":
		return readMT940(content, options)
	case options.Standards, kind == "ZIP":
		return nil, ErrFormat
	case kind == "OFX":
		return readOFX(content, options)
	}
	text, _ := textOf(content, "")
	if isQIF([]byte(text[:min(len(text), 100)])) {
		return readQIF(content, options)
	}
	return readCSV(content, options)
}

// readZIP reads every file of an archive, in its order. Files of other formats are left
// out; an archive with none that is read fails.
func readZIP(content []byte, options Options) (all []Statement, err error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("the archive cannot be read: %w", err)
	}
	if len(archive.File) > maxFiles {
		return nil, fmt.Errorf("%w: the archive holds more than %d files", ErrLimit, maxFiles)
	}
	left, rows, found := options.MaxBytes, 0, false
	for _, file := range archive.File {
		if file.FileInfo().IsDir() {
			continue
		}
		text, err := unpack(file, left)
		if err != nil {
			return all, err
		}
		left -= int64(len(text))
		statements, err := readPlain(text, options)
		if errors.Is(err, ErrFormat) {
			continue
		}
		found = true
		all = append(all, statements...)
		for _, s := range statements {
			rows += len(s.Rows)
		}
		if err != nil {
			return all, err
		}
		if rows > maxRows {
			return all, fmt.Errorf("%w: the archive holds more than %d rows", ErrLimit, maxRows)
		}
	}
	if !found {
		return nil, ErrFormat
	}
	return all, nil
}

// unpack returns a file of an archive, of at most left bytes.
func unpack(file *zip.File, left int64) ([]byte, error) {
	packed := int64(min(file.CompressedSize64, 1<<62))
	limit := min(left, max(smallFile, packed*maxRatio))
	stream, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("the archive cannot be read: %w", err)
	}
	defer stream.Close()
	text, err := io.ReadAll(io.LimitReader(stream, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the archive cannot be read: %w", err)
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("%w: a file of the archive is too large, or packed too well", ErrLimit)
	}
	return text, nil
}

// record is the raw record of a row: the text of its entry, and what Decode needs of the
// file around it.
type record struct {
	Camt  string `json:"camt,omitempty"`
	MT940 string `json:"mt940,omitempty"`
	OFX   string `json:"ofx,omitempty"`
	QIF   string `json:"qif,omitempty"`
	// CSV are the columns of a row.
	CSV []string `json:"csv,omitempty"`
	// Mapping is how a row of QIF or CSV is read.
	Mapping *Mapping `json:"mapping,omitempty"`
	// Part is set for one payment of an entry that holds several.
	Part bool `json:"part,omitempty"`
	// Pending is set for a row of a list of pending ones.
	Pending bool `json:"pending,omitempty"`
	// Unsigned is set for a row of a list that has no minus anywhere.
	Unsigned bool `json:"unsigned,omitempty"`
	// Currency is that of the account.
	Currency string `json:"currency,omitempty"`
}

func (r record) raw() json.RawMessage {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // texts always marshal
	}
	return text
}

// IsRecord reports whether a stored record is one of this package.
func IsRecord(raw json.RawMessage) bool {
	var r record
	return json.Unmarshal(raw, &r) == nil && r.isOne()
}

func (r record) isOne() bool {
	return r.Camt != "" || r.MT940 != "" || r.OFX != "" || r.QIF != "" || len(r.CSV) > 0
}

// Decode reads a stored record as Read does; ok is false for a record of another package.
func Decode(raw json.RawMessage, options Options) (row bank.Decoded, ok bool) {
	options = options.complete()
	var r record
	err := json.Unmarshal(raw, &r)
	switch {
	case err != nil:
		return bank.Decoded{}, false
	case r.Camt != "":
		return decodeCamt(r, raw, options), true
	case r.MT940 != "":
		return decodeMT940(r, raw, options), true
	case r.OFX != "":
		return decodeOFX(r, raw, options), true
	case r.QIF != "":
		return decodeQIF(r, raw, options), true
	case len(r.CSV) > 0:
		return decodeCSV(r, raw, options), true
	}
	return bank.Decoded{}, false
}

// convention is how both families write amounts and days.
var convention = notation.Interface(notation.UnknownOrder)

// setAmount sets the amount of a row from its written form and the direction of the
// entry, and returns false if one of them cannot be read.
func setAmount(row *bank.Decoded, amount, currency string, direction notation.Reading[notation.Direction]) bool {
	money, ok := convention.Money(amount, currency).Told()
	if !ok {
		row.Unread = bank.UnreadAmount
		return false
	}
	told, ok := direction.Told()
	if !ok {
		row.Unread = bank.UnreadSign
		return false
	}
	row.Currency = cmp.Or(money.Currency, currency)
	row.Amount = money.Amount.Abs()
	if told == notation.Debit {
		row.Amount = -row.Amount
	}
	return true
}

// setDay reads a day into a row, and notes one that cannot be read.
func setDay(row *bank.Decoded, written string, into *oxlin.Date, part bank.Unread, zone *time.Location) (given, read bool) {
	reading := convention.Day(written)
	if reading.IsUnreadable() {
		row.Transaction.Unread = append(row.Transaction.Unread, part)
	}
	day, ok := reading.Told()
	if ok {
		*into = day.In(zone)
	}
	return !reading.IsAbsent(), ok
}

// pick returns the first reference that is one, in the order of the names.
func pick(names []string, references map[string]string) string {
	for _, name := range names {
		reference := notation.Identifier(references[name])
		if reference != "" && !placeholders[strings.ToUpper(reference)] {
			return reference
		}
	}
	return ""
}

// placeholders are the words that the rules prescribe where there is no reference.
var placeholders = map[string]bool{"NONREF": true, "NOTPROVIDED": true, "NOT PROVIDED": true, "NONE": true, "N/A": true}

// reference returns a reference, or "" for a placeholder.
func reference(text string) string { return pick([]string{"it"}, map[string]string{"it": text}) }
