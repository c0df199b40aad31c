package widget

import (
	"net/url"
	"testing"

	"github.com/oxlin/oxlin"
)

// Every address can be parsed: the kept parameters parse to the same values again, and an
// error names an invalid one.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{
		"", "redirect_uri=a&redirect_url=b&lng=en&locale=fr", "captive_mode=false&wait_sync_end=maybe", "countries=FRA,BE+CHE&countries=xx",
		"terms_body=&terms_header=x", "connection_id=-1", "congrats_bypass_delay=3601", "font=Arial;&font_color=%23fff", "expected_account_types=all&a=%zz",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query)
		kept := canonical(values)
		p, err := parse(kept)
		if err != nil {
			fault := oxlin.AsError(err)
			if fault.Code != oxlin.CodeInvalidRequest || !kept.Has(fault.Field) {
				t.Errorf("%q: %v", query, err)
			}
			if named := oxlin.AsError(asSent(err, values)); !values.Has(named.Field) {
				t.Errorf("%q names %s, which was not sent", query, named.Field)
			}
		}
		stored, err := url.ParseQuery(canonical(kept).Encode())
		if err != nil {
			t.Fatal(err)
		}
		again, _ := parse(stored)
		if again.ReturnURL != p.ReturnURL || again.SkipConsent != p.SkipConsent || again.Language != p.Language || again.WaitSyncEnd != p.WaitSyncEnd ||
			again.Theme != p.Theme || len(again.Countries) != len(p.Countries) {
			t.Errorf("%q is %+v, and then %+v", query, p, again)
		}
		if canonical(values).Encode() != canonical(canonical(values)).Encode() {
			t.Errorf("%q changes when it is kept twice", query)
		}
	})
}
