package enablebanking

import (
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// headersOf returns the headers that declare a user as present: all that the bank requires,
// and the address and the browser where they are known. If one of the required ones is
// unknown there are no headers, because the interface takes all of them or none.
func headersOf(psu *oxlin.PSU, required []string) map[string]string {
	if psu == nil || psu.IP == "" {
		return nil
	}
	known := map[string]oxlin.PSUHeader{}
	for _, header := range psu.Headers() {
		header.Value = notation.Identifier(header.Value)
		if header.Name == "PSU-Geo-Location" {
			header.Value = coordinates(psu.Location)
		}
		known[plainName(header.Name)] = header
	}
	headers := map[string]string{}
	for _, name := range append([]string{"Psu-Ip-Address"}, required...) {
		header := known[plainName(name)]
		if header.Value == "" {
			return nil
		}
		headers[http.CanonicalHeaderKey(header.Name)] = header.Value
	}
	if agent := known["psuuseragent"]; agent.Value != "" {
		headers["Psu-User-Agent"] = agent.Value
	}
	return headers
}

// plainName returns the name of a header in small letters alone: it is written
// Psu-Ip-Address and psuIpAddress.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// place matches the coordinates of a geo: address (RFC 5870).
var place = regexp.MustCompile(`^geo:(-?\d{1,2}(?:\.\d{1,6})?)\d*,(-?\d{1,3}(?:\.\d{1,6})?)\d*(?:[,;].*)?$`)

// coordinates returns a place as latitude and longitude with decimals; empty without one.
func coordinates(location string) string {
	found := place.FindStringSubmatch(location)
	if found == nil {
		return ""
	}
	for i, number := range found {
		if !strings.Contains(number, ".") {
			found[i] = number + ".0"
		}
	}
	return found[1] + "," + found[2]
}
