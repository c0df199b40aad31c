package oxlin

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// attribute is one attribute of a distinguished name.
type attribute struct{ oid, value string }

// attributeNames are the short names of RFC 4514 §3, and those that certificates of
// companies (ETSI EN 319 412-3) and OpenSSL add.
var attributeNames = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8",
	"STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "TITLE": "2.5.4.12", "BUSINESSCATEGORY": "2.5.4.15",
	"POSTALCODE": "2.5.4.17", "GN": "2.5.4.42", "GIVENNAME": "2.5.4.42", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"UID": "0.9.2342.19200300.100.1.1", "DC": "0.9.2342.19200300.100.1.25", "EMAILADDRESS": "1.2.840.113549.1.9.1",
	"JURISDICTIONL": "1.3.6.1.4.1.311.60.2.1.1", "JURISDICTIONST": "1.3.6.1.4.1.311.60.2.1.2", "JURISDICTIONC": "1.3.6.1.4.1.311.60.2.1.3",
}

// sameDN reports whether a distinguished name in the form of RFC 4514 equals one in DER, by
// the values of the attributes in their order. The case of values counts: two names that
// differ in it may be two subjects.
func sameDN(text string, der []byte) bool {
	want, err := parseDN(text)
	if err != nil {
		return false
	}
	var sequence pkix.RDNSequence
	rest, err := asn1.Unmarshal(der, &sequence)
	if err != nil || len(rest) > 0 {
		return false
	}
	slices.Reverse(sequence) // RFC 4514 §2.1 begins at the end
	return slices.EqualFunc(want, sequence, func(w []attribute, s pkix.RelativeDistinguishedNameSET) bool {
		var got []attribute
		for _, a := range s {
			value, ok := a.Value.(string)
			if !ok {
				return false
			}
			got = append(got, attribute{a.Type.String(), value})
		}
		return slices.Equal(sorted(w), sorted(got))
	})
}

func sorted(attributes []attribute) []attribute {
	slices.SortFunc(attributes, func(a, b attribute) int {
		return strings.Compare(a.oid+"\x00"+a.value, b.oid+"\x00"+b.value)
	})
	return attributes
}

// parseDN parses a distinguished name (RFC 4514 §3): the relative names, each a set of
// attributes. Spaces around the separators are allowed (RFC 2253 §4).
func parseDN(text string) ([][]attribute, error) {
	var name [][]attribute
	for _, relative := range splitDN(text, ",;") {
		var set []attribute
		for _, part := range splitDN(relative, "+") {
			a, err := parseAttribute(part)
			if err != nil {
				return nil, err
			}
			set = append(set, a)
		}
		name = append(name, set)
	}
	return name, nil
}

// splitDN splits a text at separators that are not escaped.
func splitDN(text, separators string) []string {
	var parts []string
	begin := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case strings.IndexByte(separators, text[i]) >= 0:
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

func parseAttribute(text string) (attribute, error) {
	name, value, found := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	oid, known := attributeNames[strings.ToUpper(name)]
	switch {
	case !found || name == "":
		return attribute{}, errors.New("an attribute has the form NAME=value")
	case !known && !isOID(name):
		return attribute{}, fmt.Errorf("the attribute %s is unknown, write its number", name)
	case !known:
		oid = name
	}
	value = strings.TrimLeft(value, " ")
	if strings.HasPrefix(value, "#") {
		der, err := hex.DecodeString(strings.TrimRight(value[1:], " "))
		var decoded any
		if err == nil {
			var rest []byte
			rest, err = asn1.Unmarshal(der, &decoded)
			if len(rest) > 0 {
				err = errors.New("it goes on")
			}
		}
		plain, ok := decoded.(string)
		if err != nil || !ok {
			return attribute{}, fmt.Errorf("the value of %s is no text in BER", name)
		}
		return attribute{oid, plain}, nil
	}
	plain, err := unescapeDN(value)
	if err != nil {
		return attribute{}, fmt.Errorf("the value of %s %w", name, err)
	}
	return attribute{oid, plain}, nil
}

// isOID reports whether a text is an object identifier: numbers between dots.
func isOID(text string) bool {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != part {
			return false
		}
	}
	return len(parts) > 1
}

// unescapeDN undoes the escapes of RFC 4514 §2.4, and drops the spaces at the end that are not
// escaped.
func unescapeDN(text string) (string, error) {
	var plain []byte
	kept := 0 // how much of plain no trimming may take
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			if strings.IndexByte("\"<>\x00", text[i]) >= 0 {
				return "", errors.New("has a character that needs a backslash")
			}
			plain = append(plain, text[i])
			if text[i] != ' ' {
				kept = len(plain)
			}
			continue
		}
		rest := text[i+1:]
		if rest == "" {
			return "", errors.New("ends with a backslash")
		}
		if octet, err := hex.DecodeString(rest[:min(2, len(rest))]); err == nil && len(octet) == 1 {
			plain = append(plain, octet[0])
			i += 2
		} else if strings.IndexByte(` "#+,;<=>\`, rest[0]) >= 0 {
			plain = append(plain, rest[0])
			i++
		} else {
			return "", errors.New("has a backslash before an ordinary character")
		}
		kept = len(plain)
	}
	plain = plain[:kept]
	if len(plain) == 0 || !utf8.Valid(plain) {
		return "", errors.New("is empty, or no text in UTF-8")
	}
	return string(plain), nil
}
