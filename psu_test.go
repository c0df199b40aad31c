package oxlin_test

import (
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
)

func TestAUserIsToldByTheHeadersThatAreKnown(t *testing.T) {
	sent := map[string]string{
		"Accept": "text/html", "Accept-Language": "fr", "Http-Method": "GET", "Device-ID": "d-1", "Geo-Location": "geo:48.8,2.3",
		"Referer": strings.Repeat("x", 1001), "IP-Port": "\xff", "Accept-Charset": "",
	}
	psu := oxlin.NewPSU("192.0.2.7", "Browser/1", func(name string) string { return sent[name] })
	var all []string
	for _, header := range psu.Headers() {
		all = append(all, header.Name+"="+header.Value)
	}
	want := "PSU-IP-Address=192.0.2.7 PSU-User-Agent=Browser/1 PSU-Accept=text/html PSU-Accept-Language=fr PSU-Http-Method=GET " +
		"PSU-Device-ID=d-1 PSU-Geo-Location=geo:48.8,2.3"
	if got := strings.Join(all, " "); got != want {
		t.Errorf("the headers are\n%s, want\n%s", got, want)
	}
}
