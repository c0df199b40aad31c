package notation

import (
	"bufio"
	"bytes"
	"html"
	"io"
	"mime"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"
)

// Text returns a label, a name or another text for people as its author meant it:
// markup entities and a wrong character set are undone, tags of markup become spaces, marks
// are removed, and the result is in Unicode's form C. Joiners are kept, because scripts and emoji need them.
// A text is read once: a second call would undo an entity that the author wrote.
func Text(s string) string {
	if isPlain(s) {
		return strings.TrimSpace(s)
	}
	return Shown(tag.ReplaceAllLiteralString(decodeEntities(unescaped(strings.ToValidUTF8(s, ""))), " "))
}

// Name returns the name of a person or an account as Text does; empty for a text that programs write in
// the place of a name.
func Name(s string) string {
	name := Text(s)
	if IsFiller(name) {
		return ""
	}
	return name
}

// IsFiller reports whether a text stands in the place of a name that its author does not know: it
// has neither letter nor digit, or is a word of programs. A word that some people bear as their
// name, such as Inconnu, is no filler.
func IsFiller(name string) bool {
	if !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return true
	}
	return fillerNames[strings.Trim(strings.ToLower(strings.Join(strings.FieldsFunc(name, isBetweenWords), " ")), "()[]<>")]
}

func isBetweenWords(r rune) bool { return r == ' ' || r == '_' || r == '-' }

// fillerNames are the words in small letters, and each prescribed one that SEPA's rules have.
var fillerNames = map[string]bool{
	"null": true, "undefined": true, "none": true, "nil": true, "nan": true, "n/a": true, "n.a.": true, "string": true, "unknown": true,
	"notprovided": true, "not provided": true, "notavailable": true, "not available": true, "not applicable": true, "no name": true, "noname": true,
	"non renseigné": true, "non renseigne": true, "non communiqué": true, "non communique": true, "non disponible": true, "sans nom": true,
}

// isPlain reports whether a text has nothing to be undone: printable ASCII without the marks of
// entities, tags and escapes. Most texts are, and need no pattern.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '&', c == '<', c == '>', c == '\\':
			return false
		}
	}
	return true
}

// escape is a character that a program has escaped for JSON twice.
var escape = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)

func unescaped(s string) string {
	return escape.ReplaceAllStringFunc(s, func(written string) string {
		code, err := strconv.ParseUint(written[2:], 16, 16)
		if err != nil || !utf8.ValidRune(rune(code)) {
			return written
		}
		return string(rune(code))
	})
}

// tag matches the tags that programs for pages leave in texts. Other angle brackets belong
// to the text.
var tag = regexp.MustCompile(`(?i)</?(?:br|p|div|span|b|i|u|em|strong|font|small|li|ul|td|tr|hr)(?:\s[^<>]*)?/?>|<!--.*?-->|<!\[CDATA\[|\]\]>`)

// Shown is Text for the text of a page, in which a browser has decoded the entities.
func Shown(s string) string {
	s = unmix(withoutMarks(strings.ToValidUTF8(s, "")))
	return strings.TrimSpace(norm.NFC.String(strings.Map(func(r rune) rune {
		r = windows(r)
		switch {
		case isMark(r):
			return -1
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)))
}

// windows returns the character of Windows-1252 for a control character of Latin-1: texts
// have no such controls, but programs confuse the sets. The exception is the next line,
// which mainframes write.
func windows(r rune) rune {
	if r < 0x80 || r > 0x9F || r == 0x85 {
		return r
	}
	decoded := charmap.Windows1252.DecodeByte(byte(r))
	if decoded == utf8.RuneError {
		return r // the set has no such character
	}
	return decoded
}

// withoutMarks removes the marks that another character set cannot contain, so that they
// do not hide a mistaken one.
func withoutMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xFF && isMark(r) {
			return -1
		}
		return r
	}, s)
}

// Identifier returns an id as the bank wrote it. Control characters become spaces,
// because databases and headers refuse them, and the ends are trimmed; nothing else
// changes, because the bank compares ids byte for byte.
func Identifier(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// isMark reports whether a character is invisible and has no meaning in a text: byte
// order marks, soft hyphens, directions, spaces without width.
func isMark(r rune) bool {
	switch {
	case r == 0xFEFF, r == 0x00AD, r == 0x200B, r == 0x061C, r == 0x180E:
		return true
	case 0x200E <= r && r <= 0x200F, 0x202A <= r && r <= 0x202E, 0x2060 <= r && r <= 0x206F, 0xFFF9 <= r && r <= 0xFFFB:
		return true
	case 0xFDD0 <= r && r <= 0xFDEF, r&0xFFFE == 0xFFFE: // not characters
		return true
	}
	return false
}

// isJoiner reports whether a character joins its neighbours, or keeps them apart.
func isJoiner(r rune) bool { return r == 0x200C || r == 0x200D }

// entity is a complete reference. HTML also knows references without a semicolon, but
// "AT&T" and "R&COPY" are names.
var entity = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});`)

// decodeEntities decodes each reference once.
func decodeEntities(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return entity.ReplaceAllStringFunc(s, func(reference string) string {
		decoded := html.UnescapeString(reference)
		if strings.HasSuffix(decoded, ";") && decoded != ";" {
			return reference // a prefix of it is an old reference, but it is not one
		}
		return decoded
	})
}

// unmix undoes a character set that was mistaken: UTF-8 that a program read as
// Windows-1252 or Latin-1 ("CAFÃ©"). That is certain if every character of the text
// takes part in it, and if the result is written with the characters of western Europe.
func unmix(s string) string {
	const most = 2 // two programs made the mistake, one after the other
	for range most {
		decoded, ok := decodeMixed(s)
		if !ok {
			return s
		}
		s = decoded
	}
	return s
}

func decodeMixed(s string) (decoded string, ok bool) {
	var raw []byte
	mixed := false
	for _, r := range s {
		b, ok := charmap.Windows1252.EncodeRune(r)
		if !ok && r <= 0xFF {
			b, ok = byte(r), true // a control character of Latin-1
		}
		if !ok {
			return s, false
		}
		mixed = mixed || b >= utf8.RuneSelf
		raw = append(raw, b)
	}
	if !mixed || !utf8.Valid(raw) {
		return s, false
	}
	for _, r := range string(raw) {
		if r >= utf8.RuneSelf && !isWestern(r) {
			return s, false
		}
	}
	return string(raw), true
}

// isWestern reports whether a character is a letter or a sign of western European
// texts, outside of ASCII.
func isWestern(r rune) bool {
	return 0xA0 <= r && r <= 0x17F || 0x2010 <= r && r <= 0x2026 || strings.ContainsRune("‹›€™", r)
}

// Charset returns the eight-bit character set of a label such as that of a Content-Type.
// French banks that name no set, or none that is known here, use Windows-1252.
func Charset(label string) *charmap.Charmap {
	set, known := charsets[charsetName(label)]
	if !known {
		return charmap.Windows1252
	}
	return set
}

// DeclaredCharset returns the label of the character set in a Content-Type, or "".
func DeclaredCharset(contentType string) string {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return parameters["charset"]
}

// charsets are the eight-bit sets by their names. Multi-byte sets other than Unicode are
// left out: no bank of the catalogue uses them, and their tables are large.
var charsets = func() map[string]*charmap.Charmap {
	sets := map[string]*charmap.Charmap{}
	for _, set := range charmap.All {
		set, eightBit := set.(*charmap.Charmap)
		if eightBit {
			sets[charsetName(set.String())] = set
		}
	}
	// Programs write these names and mean the set of Windows, which has more characters.
	sets["iso88591"], sets["iso88599"] = charmap.Windows1252, charmap.Windows1254
	for latin, part := range map[string]string{
		"1": "1", "2": "2", "3": "3", "4": "4", "5": "9", "6": "10", "7": "13", "8": "14", "9": "15", "10": "16",
	} {
		sets["latin"+latin], sets["l"+latin] = sets["iso8859"+part], sets["iso8859"+part]
	}
	return sets
}()

// codePage is the name of a code page of IBM or Windows, which differ by their numbers.
var codePage = regexp.MustCompile(`^(?:x?cp|ibm|windows|codepage|ibmcodepage|windowscodepage)(\d+)$`)

// charsetName returns the form in which two spellings of a set's name are equal.
func charsetName(label string) string {
	name := strings.NewReplacer("-", "", "_", "", " ", "", ":", "").Replace(strings.ToLower(strings.TrimSpace(label)))
	return codePage.ReplaceAllString(name, "$1")
}

// UTF8 returns a record in UTF-8. A record that holds no complete character of UTF-8
// outside of ASCII is decoded from the eight-bit set. In others the stray bytes, such as
// half a character at the place where a program cut a text, are removed.
func UTF8(record []byte, set encoding.Encoding) []byte {
	if utf8.Valid(record) {
		return record
	}
	for rest := record; len(rest) > 0; {
		_, size := utf8.DecodeRune(rest)
		if size > 1 {
			return bytes.ToValidUTF8(record, nil)
		}
		rest = rest[size:]
	}
	decoded, err := set.NewDecoder().Bytes(record)
	if err != nil {
		return bytes.ToValidUTF8(record, nil)
	}
	return decoded
}

// Unicode removes the byte order mark from the beginning of JSON or of a page, and decodes
// UTF-16, with or without its mark.
func Unicode(stream io.Reader) io.Reader {
	const starts = "{[<"
	buffered := bufio.NewReader(stream)
	first, _ := buffered.Peek(3)
	if len(first) < 3 {
		return buffered
	}
	big, little := utf16.UTF16(utf16.BigEndian, utf16.UseBOM), utf16.UTF16(utf16.LittleEndian, utf16.UseBOM)
	switch {
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3)
	case first[0] == 0xFE && first[1] == 0xFF, first[0] == 0 && strings.IndexByte(starts, first[1]) >= 0 && first[2] == 0:
		return big.NewDecoder().Reader(buffered)
	case first[0] == 0xFF && first[1] == 0xFE, strings.IndexByte(starts, first[0]) >= 0 && first[1] == 0:
		return little.NewDecoder().Reader(buffered)
	}
	return buffered
}
