package psd2_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

func TestTheZoneAndTheCurrencyOfABank(t *testing.T) {
	for _, test := range []struct {
		locale psd2.Locale
		zone   string
		faults int
	}{
		{psd2.Locale{}, "Europe/Paris", 0},
		{psd2.Locale{Zone: "Europe/London", Currency: "GBP"}, "Europe/London", 0},
		{psd2.Locale{Zone: "Europe/Lutetia", Currency: "gbp"}, "", 2},
		{psd2.Locale{Zone: "Local", Currency: "XQX"}, "", 2},
	} {
		var report datafile.Report
		test.locale.Check(report.Root())
		if got := len(report.Faults()); got != test.faults {
			t.Errorf("%+v has %d faults: %v", test.locale, got, report.Faults())
		}
		if test.faults > 0 {
			continue
		}
		zone, err := test.locale.Location(oxlin.Paris)
		if err != nil || zone.String() != test.zone {
			t.Errorf("%+v is in %v, %v", test.locale, zone, err)
		}
	}
}
