package psd2_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// The headers beside address and browser are sent as far as the standards take them.
func TestWhatABankIsToldOfAUser(t *testing.T) {
	told := func(psu oxlin.PSU) map[string]string {
		headers := map[string]string{}
		for _, header := range psd2.FurtherPSU(psu, nil) {
			headers[header.Name] = header.Value
		}
		return headers
	}
	all := map[string]string{
		"PSU-IP-Port": "50001", "PSU-Accept": "text/html", "PSU-Accept-Charset": "utf-8", "PSU-Accept-Encoding": "gzip", "PSU-Accept-Language": "fr",
		"PSU-Http-Method": "GET", "PSU-Device-ID": "99435c7e-ad88-49ec-a2ad-99ddcb1f5555", "PSU-Geo-Location": "geo:48.85,2.35", "PSU-Referer": "https://app.example/",
	}
	if diff := cmp.Diff(all, told(*banktest.KnownUser())); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	odd := told(oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox", Port: "70000", Method: "BREW", DeviceID: "phone", Accept: "text/html\r\nX: y"})
	if diff := cmp.Diff(map[string]string{"PSU-Accept": "text/html  X: y"}, odd); diff != "" {
		t.Errorf("headers of odd values (-want +got):\n%s", diff)
	}
}

func TestCoordinates(t *testing.T) {
	for place, want := range map[string]bool{
		"geo:48.85,2.35": true, "geo:-33.9,151.2,30;u=10": true, "geo:48,2": true, "48.85,2.35": false, "geo:": false, "geo:1e5,2": false, "geo:48.85": false, "": false,
	} {
		if _, _, ok := psd2.Coordinates(place); ok != want {
			t.Errorf("%q: %t", place, ok)
		}
	}
	latitude, longitude, _ := psd2.Coordinates("geo:-33.9,151.2,30;u=10")
	if latitude != -33.9 || longitude != 151.2 {
		t.Errorf("the place is %f, %f", latitude, longitude)
	}
}
