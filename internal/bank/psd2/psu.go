package psd2

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// FurtherPSU returns the headers by which STET and NextGenPSD2 tell of a user, beside address
// and browser. place writes their place (a geo: URI) as the standard has it. A value that the
// standards would refuse is left out, because a bank may refuse the request for it.
func FurtherPSU(psu oxlin.PSU, place func(string) string) (headers []oxlin.PSUHeader) {
	psu.IP, psu.UserAgent = "", ""
	psu.Method = strings.ToUpper(psu.Method)
	if !methods[psu.Method] {
		psu.Method = ""
	}
	if !uuidForm.MatchString(psu.DeviceID) {
		psu.DeviceID = ""
	}
	if port, err := strconv.Atoi(psu.Port); err != nil || port < 1 || port > 65535 {
		psu.Port = ""
	}
	if _, _, ok := Coordinates(psu.Location); !ok {
		psu.Location = ""
	} else if place != nil {
		psu.Location = place(psu.Location)
	}
	for _, header := range psu.Headers() {
		header.Value = notation.Identifier(header.Value)
		if header.Value != "" {
			headers = append(headers, header)
		}
	}
	return headers
}

// methods are the values of PSU-Http-Method.
var methods = map[string]bool{"GET": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// coordinates finds latitude and longitude in a geo: URI (RFC 5870).
var coordinates = regexp.MustCompile(`^geo:(-?\d{1,2}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)(?:[,;].*)?$`)

// Coordinates returns latitude and longitude of a geo: URI; ok is false for another text.
func Coordinates(location string) (latitude, longitude float64, ok bool) {
	found := coordinates.FindStringSubmatch(location)
	if found == nil {
		return 0, 0, false
	}
	latitude, errLatitude := strconv.ParseFloat(found[1], 64)
	longitude, errLongitude := strconv.ParseFloat(found[2], 64)
	return latitude, longitude, errLatitude == nil && errLongitude == nil
}
