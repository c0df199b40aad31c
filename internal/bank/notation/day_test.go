package notation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// day describes a reading in Paris: the day and the instant, "absent" or "unreadable".
func day(reading notation.Reading[notation.Day]) string {
	told, ok := reading.Told()
	switch {
	case reading.IsAbsent():
		return "absent"
	case !ok:
		return "unreadable"
	}
	return told.In(oxlin.Paris).String() + " " + told.Instant(oxlin.Paris).Format("02T15:04:05.999Z")
}

func TestDaysOfInterfaces(t *testing.T) {
	for text, want := range map[string]string{
		// Calendar days.
		"2026-03-28": "2026-03-28 27T23:00:00Z", "2026/03/28": "2026-03-28 27T23:00:00Z", "2026.3.28": "2026-03-28 27T23:00:00Z",
		"28-03-2026": "2026-03-28 27T23:00:00Z", "28/03/2026": "2026-03-28 27T23:00:00Z", "28.03.2026": "2026-03-28 27T23:00:00Z", "28 03 2026": "2026-03-28 27T23:00:00Z",
		"3/4/2026": "2026-04-03 02T22:00:00Z", "28/03/26": "2026-03-28 27T23:00:00Z", "28.03.26": "2026-03-28 27T23:00:00Z",
		"20260328": "2026-03-28 27T23:00:00Z", "28032026": "2026-03-28 27T23:00:00Z",
		"28 mars 2026": "2026-03-28 27T23:00:00Z", "28-MAR-2026": "2026-03-28 27T23:00:00Z", "28Mar26": "2026-03-28 27T23:00:00Z", "1er avr. 2026": "2026-04-01 31T22:00:00Z",
		" 2026-07-04 ": "2026-07-04 03T22:00:00Z", "\ufeff2026-07-04\u00a0": "2026-07-04 03T22:00:00Z",
		// With a time, in the bank's zone.
		"2026-03-28T23:30:00": "2026-03-28 27T23:00:00Z", "2026-03-28T23:30": "2026-03-28 27T23:00:00Z", "2026-03-28 23:30:00.000": "2026-03-28 27T23:00:00Z",
		"20260328T233000": "2026-03-28 27T23:00:00Z", "20260328233000": "2026-03-28 27T23:00:00Z", "28/03/2026 23:30": "2026-03-28 27T23:00:00Z",
		// Z and a zero offset are moved to the bank's zone.
		"2026-03-27T23:30:00Z": "2026-03-28 27T23:30:00Z", "2026-03-27T23:30:00.123Z": "2026-03-28 27T23:30:00.123Z", "2026-03-27t23:30:00z": "2026-03-28 27T23:30:00Z",
		"2026-03-27T23:30:00+00:00": "2026-03-28 27T23:30:00Z", "2026-03-27T23:30:00+0000": "2026-03-28 27T23:30:00Z", "2026-03-27T23:30:00-00": "2026-03-28 27T23:30:00Z",
		"2026-03-27 23:30:00 UTC": "2026-03-28 27T23:30:00Z", "2026-03-27T23:30Z": "2026-03-28 27T23:30:00Z", "20260327T233000Z": "2026-03-28 27T23:30:00Z",
		"2026-03-27T23:30:00,5Z": "2026-03-28 27T23:30:00.5Z", "2026-03-27T23:30:00Z[UTC]": "2026-03-28 27T23:30:00Z",
		// Another offset is the bank's own: the day is the one that it wrote.
		"2026-07-04T00:00:00+0200": "2026-07-04 03T22:00:00Z", "2026-07-04T00:00:00+02": "2026-07-04 03T22:00:00Z", "2026-07-04T00:00+02:00": "2026-07-04 03T22:00:00Z",
		"2026-11-18T00:00:00+02:00": "2026-11-18 17T22:00:00Z", "2026-11-18T23:30:00-05:00": "2026-11-18 19T04:30:00Z", "2026-11-18T00:00+01:00[Europe/Paris]": "2026-11-18 17T23:00:00Z",
		"2026-11-18T00:00:00.000+05:30": "2026-11-18 17T18:30:00Z",
		// Without a time, a zone changes nothing.
		"2026-07-04+02:00": "2026-07-04 03T22:00:00Z", "2026-07-04Z": "2026-07-04 03T22:00:00Z",
		// With the name of the day, or that of the month in front.
		"samedi 28 mars 2026": "2026-03-28 27T23:00:00Z", "SAM. 28 MARS 2026": "2026-03-28 27T23:00:00Z", "Sat, 28 Mar 2026 23:30:00": "2026-03-28 27T23:00:00Z",
		"mar. 31 mars 2026": "2026-03-31 30T22:00:00Z", "mar 31 2026": "2026-03-31 30T22:00:00Z", "Fri, 27 Mar 2026 23:30:00 GMT": "2026-03-28 27T23:30:00Z",
		"March 28, 2026": "2026-03-28 27T23:00:00Z", "Saturday, Mar. 28th, 2026": "2026-03-28 27T23:00:00Z", "dim 5/7/2026": "2026-07-05 04T22:00:00Z",
		"28/03/2026 à 23:30": "2026-03-28 27T23:00:00Z", "28 mars 2026, à 23h30": "2026-03-28 27T23:00:00Z",
		// With half a day, dots in the time, or a second more.
		"2026-03-28 11:30:00 PM": "2026-03-28 27T23:00:00Z", "28/03/2026 12:05 a.m.": "2026-03-28 27T23:00:00Z", "2026-03-28T9:05:00": "2026-03-28 27T23:00:00Z",
		"2026-03-28-23.30.00.000000": "2026-03-28 27T23:00:00Z", "28-03-2026 23.30.00": "2026-03-28 27T23:00:00Z", "2026-03-27T23:59:60Z": "2026-03-28 28T00:00:00Z",
		"Sat Mar 28 10:00:00 2026": "2026-03-28 27T23:00:00Z", "Fri Mar 27 23:30:00 UTC 2026": "2026-03-28 27T23:30:00Z",
		// With other hyphens, or spaces.
		"2026‑03‑28": "2026-03-28 27T23:00:00Z", "2026–03–28": "2026-03-28 27T23:00:00Z", "28 / 03 / 2026": "2026-03-28 27T23:00:00Z", "28. 3. 2026.": "2026-03-28 27T23:00:00Z",
		// In the languages of the neighbours.
		"28. März 2026": "2026-03-28 27T23:00:00Z", "28 marzo 2026": "2026-03-28 27T23:00:00Z", "28 Okt. 2026": "2026-10-28 27T23:00:00Z", "28 dic 2026": "2026-12-28 27T23:00:00Z", "28 mei 2026": "2026-05-28 27T22:00:00Z",
		"28 de marzo de 2026": "2026-03-28 27T23:00:00Z", "28 de outubro de 2026": "2026-10-28 27T23:00:00Z", "28th of October 2026": "2026-10-28 27T23:00:00Z", "28 Mrz 2026": "2026-03-28 27T23:00:00Z", "28. Jänner 2026": "2026-01-28 27T23:00:00Z",
		"Sa., 28.03.2026": "2026-03-28 27T23:00:00Z", "Samstag, 28. März 2026": "2026-03-28 27T23:00:00Z", "sábado, 28 de marzo de 2026": "2026-03-28 27T23:00:00Z", "mercoledì 28 ottobre 2026": "2026-10-28 27T23:00:00Z",
		"zaterdag 28 maart 2026": "2026-03-28 27T23:00:00Z", "quarta-feira, 28 de outubro de 2026": "2026-10-28 27T23:00:00Z", "le samedi 28 mars 2026": "2026-03-28 27T23:00:00Z", "le 28/03/2026": "2026-03-28 27T23:00:00Z", "1 er mars 2026": "2026-03-01 28T23:00:00Z",
		// The other forms of ISO 8601, and with the month amid.
		"2026-W13-6": "2026-03-28 27T23:00:00Z", "2026W136": "2026-03-28 27T23:00:00Z", "2026-w01-1": "2025-12-29 28T23:00:00Z", "2026-W53-7": "2027-01-03 02T23:00:00Z", "2026-087": "2026-03-28 27T23:00:00Z", "2024-366": "2024-12-31 30T23:00:00Z",
		"2026-Mar-28": "2026-03-28 27T23:00:00Z", "2026 mars 28": "2026-03-28 27T23:00:00Z", "2026 03 28": "2026-03-28 27T23:00:00Z", "2026_03_28": "2026-03-28 27T23:00:00Z", "28_03_2026": "2026-03-28 27T23:00:00Z",
		// With the name of a zone, or the end of a day.
		"2026-03-28T10:00:00 CET": "2026-03-28 28T09:00:00Z", "2026-07-04T00:30:00CEST": "2026-07-04 03T22:30:00Z", "2026-01-04 00:30 MESZ": "2026-01-04 03T22:30:00Z", "2026-07-04 00:30:00 Europe/Paris": "2026-07-04 03T22:00:00Z",
		"Sat Mar 28 2026 00:30:00 GMT+0100 (heure normale d’Europe centrale)": "2026-03-28 27T23:30:00Z", "Sat Mar 28 00:30:00 CET 2026": "2026-03-28 27T23:30:00Z", "2026-03-28T23:30:00 UTC+00:00": "2026-03-29 28T23:30:00Z",
		"2026-03-28T24:00:00": "2026-03-28 27T23:00:00Z", "2026-03-28T24:00+01:00": "2026-03-28 28T23:00:00Z", "2026-03-27T24:00:00Z": "2026-03-28 28T00:00:00Z",
		// Of programs.
		"28/03/2026, 23:30:00": "2026-03-28 27T23:00:00Z", "23:30 28/03/2026": "2026-03-28 27T23:00:00Z", "20260328-233000": "2026-03-28 27T23:00:00Z", `28\/03\/2026`: "2026-03-28 27T23:00:00Z", `"2026-03-28"`: "2026-03-28 27T23:00:00Z",
		"28&#47;03&#47;2026": "2026-03-28 27T23:00:00Z", "28 d&eacute;c. 2026": "2026-12-28 27T23:00:00Z", "28 fÃ©vrier 2026": "2026-02-28 27T23:00:00Z", "２８／０３／２０２６": "2026-03-28 27T23:00:00Z",
		// Halves of a day are American: the order is that of the figures.
		"3/28/2026 11:30:00 PM": "2026-03-28 27T23:00:00Z", "28/03/2026 11:30 PM": "2026-03-28 27T23:00:00Z", "4/4/2026 1:00 AM": "2026-04-04 03T22:00:00Z",
		// Since 1970.
		"/Date(1774654200000)/": "2026-03-28 27T23:30:00Z", "/Date(1774654200000+0100)/": "2026-03-28 27T23:30:00Z",
		"1774654200000000": "2026-03-28 27T23:30:00Z", "1774654200000000000": "2026-03-28 27T23:30:00Z",
		"1774654200": "2026-03-28 27T23:30:00Z", "1774654200000": "2026-03-28 27T23:30:00Z", "1774654200.5": "2026-03-28 27T23:30:00.5Z",
		"1774654200123": "2026-03-28 27T23:30:00.123Z", "1.7746542e9": "2026-03-28 27T23:30:00Z", "1.7746542E+12": "2026-03-28 27T23:30:00Z",
		// The first and the last.
		"1900-01-02": "1900-01-02 01T23:50:39Z", "2200-12-31": "2200-12-31 30T23:00:00Z",
		"": "absent", " ": "absent", "\u200b": "absent",
	} {
		if got := day(api.Day(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{
		"2026-02-30", "31/04/2026", "29/02/2026", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "0000-00-00", "1900-01-01", "01/01/1900 00:00", "1970-01-01", "1970-01-01T00:00:00.000Z", "1969-12-31T23:00:00Z", "2099-12-31",
		"samedi", "sam.", "sam. 28 mars", "mars 2026", "mars 28 26", "mars 32, 2026", "foo 28 mars 2026", "2026-03-28 à", "1899-12-31", "2201-01-01", "00000000",
		"soon", "null", "-", "0", "1", "2026", "202603", "261118", "2026-13-01", "2026-00-01", "2026-03", "11/18/2026", "21-11-26", "28/03-2026", "2026-03/28", "28/03/88",
		"2026-03-28T10:61", "2026-03-28T24:00:01", "2026-03-28T24:30", "2026-W54-1", "2026-W53-8", "2025-W53-1", "2026-W00-1", "2026-366", "2026-000", "2026087", "3/4/2026 12:00:00 AM", "2026_03-28", "2026-03-28T10:00:00 PST",
		"28 de 03 de 2026", "1899-365", "1970-001", "le le le 28/03/2026", "2026-03-28T10", "2026-03-28T10:00:00+19:00", "2026-03-28T10:00:00+01:75", "2026-03-28x",
		"28 jui 2026", "2026-03-28 13:30 PM", "2026-03-28 0:30 PM", "2026-03-28T23:59:61", "Sat Mar 28 23:30:00 PST 2026", "/Date(soon)/", "2026032823300012",
		"28 foo 2026", "٢٨/03/2026", "\xff", "9999999999999", "99999999999", "177465420", "-1774654200", "1e300", "{}", strings.Repeat("1/", 90),
	} {
		if got := day(api.Day(text)); got != "unreadable" {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestTheOrderOfDayAndMonth(t *testing.T) {
	for _, test := range []struct{ text, dayFirst, monthFirst, unknown string }{
		{"03/04/2026", "2026-04-03", "2026-03-04", "unreadable"},
		{"04.04.2026", "2026-04-04", "2026-04-04", "2026-04-04"},
		{"18/11/2026", "2026-11-18", "unreadable", "2026-11-18"},
		{"11/18/2026", "unreadable", "2026-11-18", "2026-11-18"},
		{"18/11/26", "2026-11-18", "unreadable", "unreadable"},
		{"03042026", "2026-04-03", "2026-03-04", "unreadable"},
		{"2026/04/03", "2026-04-03", "2026-04-03", "2026-04-03"},
	} {
		for order, want := range map[notation.Order]string{
			notation.DayFirst: test.dayFirst, notation.MonthFirst: test.monthFirst, notation.UnknownOrder: test.unknown,
		} {
			if got := word(notation.Interface(order).Date(test.text, oxlin.Paris)); got != want {
				t.Errorf("%s in order %d is %s, want %s", test.text, order, got, want)
			}
		}
	}
}

func TestDaysOfPages(t *testing.T) {
	for text, want := range map[string]string{
		"21 nov. 2026": "2026-11-21", "21/11/2026": "2026-11-21", "21.11.2026": "2026-11-21", "21-11-26": "2026-11-21", "2026-11-21": "2026-11-21",
		"21\u00a0novembre\u00a02026": "2026-11-21", "21 NOV 2026": "2026-11-21", "21 November 2026": "2026-11-21",
		"1er déc. 2026": "2026-12-01", "1er decembre 2026": "2026-12-01", "1 déc 2026": "2026-12-01", "01/12/26": "2026-12-01", "1 Dec 2026": "2026-12-01",
		"29 févr. 1988": "1988-02-29", "29 fév 1988": "1988-02-29", "29 Feb 1988": "1988-02-29", "5 août 2026": "2026-08-05", "5 juil. 2026": "2026-07-05",
		"5 juin 2026": "2026-06-05", "5 Jun 2026": "2026-06-05", "5 mars 2026": "2026-03-05", "5 mai 2026": "2026-05-05", "5 May 2026": "2026-05-05", "Nov 21 2026": "2026-11-21", "sam. 21 nov. 2026": "2026-11-21", "": "absent",
		"2026-11-20T23:30:00Z": "2026-11-21", "2026-11-21T00:30:00+02:00": "2026-11-21", "21/11/2026 à 23h59": "2026-11-21",
	} {
		for _, convention := range []notation.Convention{notation.French, notation.English} {
			if got := word(convention.Date(text, oxlin.Paris)); got != want {
				t.Errorf("%q is %s, want %s", text, got, want)
			}
		}
	}
	for _, text := range []string{
		"21", "21/11", "31/04/2026", "29 févr. 2026", "0/11/2026", "21/13/2026", "21/0/2026", "21/11/126", "21/11/0026", "21 jui 2026", "21 no 2026",
		"Nov 21 26", "21 Nov 2026 x", "aujourd'hui", "21/11/2026/1", "-1/11/2026", "٢١/11/2026", "21/11/20261", "\xff/11/2026", "1774654200",
	} {
		if got := word(notation.French.Date(text, oxlin.Paris)); got != "unreadable" {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestEveryDayIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := oxlin.NewDate(1900, time.January, 1).AddDays(rapid.IntRange(0, 109_000).Draw(t, "days"))
		if slices.Contains([]string{"1900-01-01", "1969-12-31", "1970-01-01", "2099-12-31"}, want.String()) {
			return // programs write it for an unknown day
		}
		layout := rapid.SampledFrom([]string{
			"Monday 2 January 2006", "Mon, 02 Jan 2006", "January 2, 2006",
			"02/01/2006", "2/1/2006", "2006-01-02", "2006/01/02", "02.01.2006", "20060102", "02012006", "2 January 2006", "2 Jan 2006", "02-Jan-2006", "2006-01-02T15:04:05",
		}).Draw(t, "layout")
		text := want.Midnight(time.UTC).Format(layout)
		read, ok := api.Day(text).Told()
		if !ok || read.In(oxlin.Paris) != want {
			t.Fatalf("%q is read as %s (%v)", text, read.In(oxlin.Paris), ok)
		}
	})
}

func TestEveryInstantHasTheDayThatItsWriterMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := time.Unix(rapid.Int64Range(1_000_000_000, 4_000_000_000).Draw(t, "seconds"), 0).UTC()
		layout := rapid.SampledFrom([]string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07", "20060102150405Z0700"}).Draw(t, "layout")
		minutes := rapid.SampledFrom([]int{0, 60, 120, -300, 330, 720, -660}).Draw(t, "offset")
		if strings.HasSuffix(layout, "Z07") {
			minutes -= minutes % 60
		}
		written := instant.In(time.FixedZone("", minutes*60))
		read, ok := api.Day(written.Format(layout)).Told()
		want := oxlin.DateIn(written, written.Location())
		if minutes == 0 {
			want = oxlin.DateIn(instant, oxlin.Paris)
		}
		if !ok || read.In(oxlin.Paris) != want || !read.Instant(oxlin.Paris).Equal(instant) {
			t.Fatalf("%s is %s, %s, want %s", written.Format(layout), read.In(oxlin.Paris), read.Instant(oxlin.Paris), want)
		}
	})
}

// The form of RFC 3339 has a way of its own, which a blank in front bars.
func TestAMomentIsReadAsByTheForms(t *testing.T) {
	digits := func(n int) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), n, n, n)
	}
	rapid.Check(t, func(t *rapid.T) {
		date := rapid.OneOf(rapid.SampledFrom([]string{"2026-11-21", "2026-02-30", "1970-01-01", "9999-12-31", "2026/11/21", "2026-1-21"}), rapid.Map(digits(4), func(d string) string {
			return "2026-" + d[:2] + "-" + d[2:]
		})).Draw(t, "date")
		clock := rapid.OneOf(rapid.SampledFrom([]string{"22:30:00", "24:00:00", "23:59:60", "24:00:01", "9:30:00", "22.30.00", "22:30"}), rapid.Map(digits(6), func(d string) string {
			return d[:2] + ":" + d[2:4] + ":" + d[4:]
		})).Draw(t, "clock")
		fraction := rapid.SampledFrom([]string{"", ".", ".5", ".123456789", ".123456789012", ".1234567890123", ",5", ".x"}).Draw(t, "fraction")
		zone := rapid.SampledFrom([]string{"", "Z", "z", "+01:00", "-05:30", "+00:00", "-00:00", "+19:00", "+01:75", "+0100", "+01", " UTC", "[UTC]", "Z ", "ZZ", "+1:000", "PM"}).Draw(t, "zone")
		text := date + rapid.SampledFrom([]string{"T", "t", " ", "x"}).Draw(t, "between") + clock + fraction + zone
		for _, convention := range []notation.Convention{notation.French, api} {
			got, want := day(convention.Day(text)), day(convention.Day(" "+text))
			if got != want {
				t.Fatalf("%q is %s, by the forms %s", text, got, want)
			}
		}
	})
}

func FuzzDay(f *testing.F) {
	for _, seed := range []string{
		"2026-07-04", "04/07/2026", "2026-07-04T00:00:00+0200", "2026-07-04T00:00:00Z", "0000-01-01", "9999-12-31T23:59:59-23:59", "", "21 nov. 2026", "1er déc. 26",
		"20261118", "1774654200.5", "1.7e12", "0/0/0000", "2026-07-04[x]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, convention := range []notation.Convention{notation.French, notation.English, api, notation.Interface(notation.UnknownOrder)} {
			read, ok := convention.Day(text).Told()
			if !ok {
				continue
			}
			date := read.In(oxlin.Paris)
			if date.IsZero() || read.Instant(oxlin.Paris).IsZero() || date.Before(oxlin.NewDate(1899, 12, 31)) || oxlin.NewDate(2201, 1, 1).Before(date) {
				t.Errorf("%q is %s, %s", text, date, read.Instant(oxlin.Paris))
			}
			again, ok := convention.Day(date.String()).Told()
			if ok && again.In(oxlin.Paris) != date {
				t.Errorf("%q is %s, which is %s", text, date, again.In(oxlin.Paris))
			}
		}
	})
}
