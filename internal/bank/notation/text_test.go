package notation_test

import (
	"html"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

func TestTexts(t *testing.T) {
	for _, test := range []struct{ name, written, want string }{
		{"an entity", "CB H&amp;M PARIS", "CB H&M PARIS"},
		{"an ampersand", "AT&T", "AT&T"},
		{"an entity is decoded once", "&amp;amp;", "&amp;"},
		{"an entity by its number", "L&#39;OR&#xE9;AL", "L'ORéAL"},
		{"an entity of Windows-1252", "L&#146;OREAL", "L’OREAL"},
		{"an entity of a letter", "CAF&eacute; &euro;", "CAFé €"},
		{"a space that does not break", "A&nbsp;B", "A B"},
		{"a reference without a semicolon", "R&COPY M&NOTES", "R&COPY M&NOTES"},
		{"a word that begins with a reference", "&notit; &copysonic;", "&notit; &copysonic;"},
		{"less than", "&lt;3", "<3"},
		{"UTF-8 read as Latin-1", "CAFÃ© DE Lâ€™ÃŽLE Â°5", "CAFé DE L’ÎLE °5"},
		{"UTF-8 read as Latin-1, with a control character", "\u00c3\u0089COLE", "ÉCOLE"},
		{"UTF-8 read as Latin-1, with marks", "\ufeffCAFÃ©\u200b Ã\u00adS", "CAFé íS"},
		{"UTF-8 read as Latin-1 twice", "CAFÃƒÂ©", "CAFé"},
		{"UTF-8 read as Latin-1, in entities", "CAF&Atilde;&copy;", "CAFé"},
		{"a capital at the end of the text", "Ã€", "À"},
		{"letters that only look alike", "SÃO PAULO, MAÇÃ", "SÃO PAULO, MAÇÃ"},
		{"a quotation", "LE «CAFÉ»", "LE «CAFÉ»"},
		{"only a quotation", "CAFÉ»", "CAFÉ»"},
		{"another script beside it", "CAFÃ© 東京", "CAFÃ© 東京"},
		{"a byte order mark", "\ufeffVIR\ufeff SEPA", "VIR SEPA"},
		{"spaces and hyphens without width", "CAR\u200bRE\u00adFOUR\u2060", "CARREFOUR"},
		{"directions", "\u202aABC\u202c\u200e", "ABC"},
		{"control characters", "\x00A\x1fB\u0085C\t", "A B C"},
		{"Windows-1252 read as Latin-1", "L\u0092OREAL C\u009cUR 5 \u0080 \u0081", "L’OREAL CœUR 5 €"},
		{"special spaces", "A\u00a0B\u202fC\u2009D\u3000", "A B C D"},
		{"the joiner of an emoji", "👩\u200d🍳", "👩\u200d🍳"},
		{"the non-joiner of a word", "می\u200cخواهم", "می\u200cخواهم"},
		{"separate accents", "CAFE\u0301", "CAFÉ"},
		{"a text that is not UTF-8", "CAF\xe9", "CAF"},
		{"a break of lines", "VIR<br/>DUPONT<BR />LOYER<br>MARS", "VIR DUPONT LOYER MARS"},
		{"a break of lines, in entities", "VIR&lt;br/&gt;DUPONT", "VIR DUPONT"},
		{"tags with attributes", `<p class="x">VIR <b>DUPONT</b></p>`, "VIR  DUPONT"},
		{"angle brackets that are no tag", "A <B> C < D, <3 <brun> 5>4", "A   C < D, <3 <brun> 5>4"},
		{"a section and a remark of XML", "<![CDATA[VIR DUPONT]]><!-- x -->", "VIR DUPONT"},
		{"an escape of JSON, written twice", `L\u0027OR\u00e9AL \u12 \ud83d`, `L'ORéAL \u12 \ud83d`},
		{"nothing", " \u200b ", ""},
	} {
		if got := notation.Text(test.written); got != test.want {
			t.Errorf("%s: %q is %q, want %q", test.name, test.written, got, test.want)
		}
	}
}

func TestTheTextOfAPageHasNoEntities(t *testing.T) {
	for written, want := range map[string]string{"H&amp;M": "H&amp;M", "CAFÃ©\u200b ": "CAFé", "Ã\u00a0": "à", "e\u0301": "é"} {
		if got := notation.Shown(written); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

func TestAnIdentifierKeepsItsCharacters(t *testing.T) {
	for written, want := range map[string]string{
		"a&amp;b": "a&amp;b", " a\x00b\n": "a b", "e\u0301": "e\u0301", "A\u200bB": "A\u200bB", "CAFÃ©": "CAFÃ©",
	} {
		if got := notation.Identifier(written); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

func TestARecordBecomesUTF8(t *testing.T) {
	for _, test := range []struct{ name, written, charset, want string }{
		{"UTF-8", `{"a":"é €"}`, "iso-8859-1", `{"a":"é €"}`},
		{"Latin-1", "{\"a\":\"CAF\xc9\"}", "ISO-8859-1", `{"a":"CAFÉ"}`},
		{"Windows-1252", "{\"a\":\"5 \x80 l\x92\"}", "", `{"a":"5 € l’"}`},
		{"Latin-9", "{\"a\":\"5 \xa4 \xe9\"}", "iso-8859-15", `{"a":"5 € é"}`},
		{"Latin-2", "\xb3", "latin2", "ł"},
		{"Latin-5, as Windows has it", "\x80 \xfe", "ISO_8859-9", "€ ş"},
		{"a code page of IBM", "\x82", "IBM850", "é"},
		{"a code page of Windows", "\xb3", "x-cp1250", "ł"},
		{"Macintosh", "\x8e", "macintosh", "é"},
		{"KOI8-R", "\xc1", "KOI8-R", "а"},
		{"an unknown set", "\xe9", "klingon", "é"},
		{"half a character among UTF-8", "{\"a\":\"é CAF\xc3\"}", "utf-8", `{"a":"é CAF"}`},
		{"a replacement character among stray bytes", "\xef\xbf\xbd \xc3", "", "\ufffd "},
	} {
		got := notation.UTF8([]byte(test.written), notation.Charset(test.charset))
		if string(got) != test.want {
			t.Errorf("%s: %q is %q, want %q", test.name, test.written, got, test.want)
		}
	}
}

// label draws a label as a French bank writes it.
func label(t *rapid.T) string {
	return strings.TrimSpace(rapid.StringOfN(rapid.SampledFrom([]rune("ABCXYZ abcxyz0123456789'/.-*éèàçùôïÉÈÀÇÎœ€°’")), 1, 40, -1).Draw(t, "label"))
}

func TestATextIsFoundBehindEachMistake(t *testing.T) {
	mistakes := map[string]func(string) string{
		"none":     func(s string) string { return s },
		"entities": html.EscapeString,
		"numbers": func(s string) string {
			return strings.NewReplacer("é", "&#233;", "€", "&#8364;", "'", "&apos;").Replace(s)
		},
		"separate accents": norm.NFD.String,
		"marks":            func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "A", "A\u200b") },
		"Latin-1": func(s string) string {
			var mixed strings.Builder
			for _, b := range []byte(s) {
				mixed.WriteRune(charmap.Windows1252.DecodeByte(b))
			}
			return mixed.String()
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		want := label(t)
		for name, mistake := range mistakes {
			if got := notation.Text(mistake(want)); got != want {
				t.Fatalf("%s: %q is written %q and read %q", name, want, mistake(want), got)
			}
		}
	})
}

func TestLettersAloneAreNeverChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// The letters of Latin-1 alone are no bytes of a longer character.
		letters := rapid.RuneFrom(nil, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han).Filter(func(r rune) bool {
			return unicode.IsLetter(r) && r != 'ª' && r != 'º' && (r <= 0xff || r >= 0x370)
		})
		text := norm.NFC.String(rapid.StringOf(letters).Draw(t, "letters"))
		if got := notation.Text(text); got != text {
			t.Fatalf("%q is %q", text, got)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"H&amp;M", "CAFÃ©", "\ufeffA\x00B", "👩\u200d🍳", "\xff\xfe", "&#0;&#x110000;", "Ã\u00a0"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, written []byte) {
		record := notation.UTF8(written, notation.Charset(""))
		if !utf8.Valid(record) {
			t.Errorf("%q becomes %q", written, record)
		}
		for _, text := range []string{notation.Text(string(written)), notation.Text(string(record)), notation.Identifier(string(written))} {
			if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || text != strings.TrimSpace(text) {
				t.Errorf("%q becomes %q", written, text)
			}
		}
		if text := notation.Text(string(record)); !norm.NFC.IsNormalString(text) {
			t.Errorf("%q is not in form C", text)
		}
	})
}

// A text that programs write in the place of a name is dropped; a name that some people bear stays.
func TestNames(t *testing.T) {
	for _, none := range []string{"", " ", "-", "--", ".", "?", "null", "NULL", "(null)", "undefined", "N/A", "n.a.", "NOTPROVIDED", "Not provided", "NOT_PROVIDED", "not-available", "string", "Non renseigné", "&nbsp;-"} {
		if got := notation.Name(none); got != "" {
			t.Errorf("%q is the name %q", none, got)
		}
	}
	for written, want := range map[string]string{"M. JEAN NULL": "M. JEAN NULL", "INCONNU": "INCONNU", "Na": "Na", "O&amp;M": "O&M", "7": "7", "東京": "東京", "COMPTE - NONE": "COMPTE - NONE", "Stringer": "Stringer"} {
		if got := notation.Name(written); got != want {
			t.Errorf("%q is the name %q, want %q", written, got, want)
		}
	}
}
