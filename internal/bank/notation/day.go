package notation

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// Day is a day as a bank writes it: a calendar day, or an instant of the universal
// time, which becomes a day in the bank's zone.
type Day struct {
	// plain is the calendar day; zero for an instant of the universal time.
	plain oxlin.Date
	// instant is zero for a day without a zone.
	instant time.Time
}

// In returns the day in the bank's zone, or the zero Date. An instant is converted
// before its time is dropped: 22:30Z on the 27th of March is the 28th in Paris. An
// offset other than zero is the bank's own: its day is the one that the bank wrote, even
// if the bank forgot the change to summer time.
func (d Day) In(zone *time.Location) oxlin.Date {
	if d.plain.IsZero() && !d.instant.IsZero() {
		return oxlin.DateIn(d.instant, zone)
	}
	return d.plain
}

// Instant returns the instant, or midnight of the day in the bank's zone; zero for the
// zero Day.
func (d Day) Instant(zone *time.Location) time.Time {
	switch {
	case !d.instant.IsZero():
		return d.instant.UTC()
	case !d.plain.IsZero():
		return d.plain.Midnight(zone).UTC()
	}
	return time.Time{}
}

// The years of a bank's days. Programs write 0001-01-01 and 9999-12-31 for an unknown
// day.
const (
	firstYear = 1900
	lastYear  = 2200
)

// fillers are days within these years that programs write for an unknown day: the first
// ones of calendars and clocks, and the last one of a century.
var fillers = map[oxlin.Date]bool{
	oxlin.NewDate(1900, 1, 1): true, oxlin.NewDate(1969, 12, 31): true, oxlin.NewDate(1970, 1, 1): true, oxlin.NewDate(2099, 12, 31): true,
}

const (
	timeForm = `(?:(?:[t ]+|, ?|,? a )(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?)?`
	zoneForm = ` ?(z|(?:utc|gmt)?[+-]\d{2}(?::?\d{2})?|utc|gmt|cest|cet|mest|mesz|mez|met|europe/paris)?(?:\[[a-z0-9_/+-]+\])?(?: \([a-z0-9’' +:-]+\))?`
)

// The forms of days, folded. Each has three groups for the date, then four for the time
// and one for the zone.
var (
	yearFirst  = regexp.MustCompile(`^(\d{4})[-/._ ](\d{1,2})[-/._ ](\d{1,2})` + timeForm + zoneForm + `$`)
	yearLast   = regexp.MustCompile(`^(\d{1,2})[-/._ ](\d{1,2})[-/._ ](\d{4}|\d{2})` + timeForm + zoneForm + `$`)
	monthNamed = regexp.MustCompile(`^(\d{1,2}) ?(?:er|st|nd|rd|th)?(?:[-/. ]{0,2}| del? | of )([a-z]{3,9})(?:[-/., ]{0,2}| del? )(\d{4}|\d{2})` + timeForm + zoneForm + `$`)
	monthFirst = regexp.MustCompile(`^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})` + timeForm + zoneForm + `$`)
	monthAmid  = regexp.MustCompile(`^(\d{4})[-/. ]([a-z]{3,9})\.?[-/. ](\d{1,2})` + timeForm + zoneForm + `$`)
	compact    = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})(?:[t -]?(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,12}))?)?)?` + zoneForm + `$`)
	compactDMY = regexp.MustCompile(`^(\d{2})(\d{2})(\d{4})$`)

	// weekDate and dayOfYear are the other forms of ISO 8601: 2026-W48-1 and 2026-334.
	weekDate  = regexp.MustCompile(`^(\d{4})-?w(\d{2})-?([1-7])$`)
	dayOfYear = regexp.MustCompile(`^(\d{4})-(\d{3})$`)

	// weekday is the name of a day in front of a date, in the languages of France and its
	// neighbours, or the article.
	weekday = regexp.MustCompile(`^(?:lun(?:di|es|edi)?|mar(?:di|tes|tedi)?|mer(?:credi|coledi)?|jeu(?:di)?|ven(?:dredi|erdi)?|sam(?:edi|stag)?|dim(?:anche)?|` +
		`mon(?:day|tag)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|` +
		`mo|di|mi|do|fr|sa|so|dienstag|mittwoch|donnerstag|freitag|sonnabend|sonntag|` +
		`mie(?:rcoles)?|jue(?:ves)?|vie(?:rnes)?|sab(?:ado|ato)?|dom(?:ingo|enica)?|gio(?:vedi)?|` +
		`maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|ma|wo|vr|za|zo|(?:segunda|terca|quarta|quinta|sexta)(?:-feira)?|le)(?:\.,?|,)? `)

	// epoch is a number of seconds or milliseconds since 1970: ten or thirteen digits,
	// which are the years 2001 to 2286; or of microseconds or nanoseconds, from 2017 to 2033.
	epoch       = regexp.MustCompile(`^(\d{10}|\d{13}|1[5-9]\d{14}|1[5-9]\d{17})(?:\.(\d{1,12}))?$`)
	exponential = regexp.MustCompile(`^\d(?:\.\d+)?e\+?\d{1,2}$`)
)

// Day reads a day: 2026-11-21, 21/11/2026, samedi 21 nov. 2026, Nov 21, 2026, 20261121, 2026-W47-6,
// with or without a time and a zone, or the seconds or milliseconds since 1970. A day of figures that has
// two readings in the convention is unreadable, and so is one that its month does not
// have.
func (c Convention) Day(text string) Reading[Day] {
	date, ok := standard(text)
	if !ok {
		date, ok = c.figures(text)
	}
	if ok {
		return Told(Day{plain: date})
	}
	reading, ok := moment(text)
	if ok {
		return reading
	}
	text, ok = line(text)
	if !ok {
		return Unreadable[Day]()
	}
	if text == "" {
		return Absent[Day]()
	}
	text, halves := usual(Folded(text))
	if halves && !c.strict() && c.order == DayFirst {
		// Programs that write halves of a day often write the month first.
		c.order = UnknownOrder
	}
	if exponential.MatchString(text) {
		number, err := strconv.ParseFloat(text, 64)
		if err == nil && number < 1e13 {
			text = strconv.FormatInt(int64(number), 10)
		}
	}
	found := epoch.FindStringSubmatch(text)
	if found != nil {
		return c.fromEpoch(found[1], found[2])
	}
	for range 2 { // le lundi
		name := weekday.FindString(text)
		if name == "" || monthFirst.MatchString(text) {
			break
		}
		text = text[len(name):]
	}
	for _, form := range []struct {
		pattern *regexp.Regexp
		date    func(c Convention, a, b, last, text string) (oxlin.Date, bool)
	}{
		{yearFirst, Convention.fromYear}, {compact, Convention.fromYear},
		{yearLast, Convention.toYear}, {compactDMY, Convention.toYear}, {monthNamed, Convention.withName},
		{monthFirst, Convention.withNameFirst}, {monthAmid, Convention.withNameAmid},
		{weekDate, Convention.ofWeek}, {dayOfYear, Convention.ofYear},
	} {
		found := form.pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		last := ""
		if len(found) > 3 {
			last = found[3]
		}
		date, ok := form.date(c, found[1], found[2], last, text)
		if !ok {
			continue
		}
		if len(found) <= 4 {
			return Told(Day{plain: date})
		}
		return at(date, found[4:])
	}
	return Unreadable[Day]()
}

// standard reads 2026-11-21, the form of the standards and of nearly all days, at a fraction of
// the price of all forms.
func standard(text string) (oxlin.Date, bool) {
	if len(text) != len("2026-11-21") || text[4] != '-' || text[7] != '-' || !isDigits(text[:4]) || !isDigits(text[5:7]) || !isDigits(text[8:]) {
		return oxlin.Date{}, false
	}
	return valid(number(text[:4]), number(text[5:7]), number(text[8:]))
}

// moment reads 2026-11-21T22:30:00Z, the form of RFC 3339, with or without a fraction and a zone,
// at a fraction of the price too. ok is false for another text, which the forms may read.
func moment(text string) (reading Reading[Day], ok bool) {
	const dayLength, length = len("2026-11-21"), len("2026-11-21T22:30:00")
	if len(text) < length || text[dayLength] != 'T' || text[13] != ':' || text[16] != ':' {
		return Reading[Day]{}, false
	}
	date, ok := standard(text[:dayLength])
	hours, minutes, seconds, zone := text[11:13], text[14:16], text[17:length], text[length:]
	if !ok || !isDigits(hours) || !isDigits(minutes) || !isDigits(seconds) {
		return Reading[Day]{}, false
	}
	fraction := ""
	if zone != "" && zone[0] == '.' {
		const most = 12
		digits := 1
		for digits < len(zone) && isDigits(zone[digits:digits+1]) {
			digits++
		}
		if digits == 1 || digits > most+1 {
			return Reading[Day]{}, false
		}
		fraction, zone = zone[1:digits], zone[digits:]
	}
	switch {
	case zone == "":
	case zone == "Z":
		zone = "z"
	case len(zone) == len("+01:00") && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':' && isDigits(zone[1:3]) && isDigits(zone[4:]):
	default:
		return Reading[Day]{}, false
	}
	return at(date, []string{hours, minutes, seconds, fraction, zone}), true
}

// figures reads 21/11/2026 and 21.11.26, the forms of files, at a fraction of the price too.
func (c Convention) figures(text string) (oxlin.Date, bool) {
	if len(text) != len("21/11/26") && len(text) != len("21/11/2026") || strings.IndexByte("-/.", text[2]) < 0 || text[5] != text[2] ||
		!isDigits(text[:2]) || !isDigits(text[3:5]) || !isDigits(text[6:]) {
		return oxlin.Date{}, false
	}
	return c.toYear(text[:2], text[3:5], text[6:], text)
}

// The forms that usual writes in another way, folded.
var (
	inScript  = regexp.MustCompile(`^/date\((\d{10,13})(?:[+-]\d{4})?\)/$`)
	spread    = regexp.MustCompile(`(\d) ?([-/.]) (\d)|(\d) ([/.]) ?(\d)`)
	dotted    = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})[-t ](\d{2})\.(\d{2})\.(\d{2})`)
	halfDay   = regexp.MustCompile(`\b(\d{1,2}):(\d{2}(?::\d{2})?) ?([ap])\.?m\.?$`)
	yearAtEnd = regexp.MustCompile(`^(?:[a-z]{3} )?([a-z]{3}) +(\d{1,2}) (\d{2}:\d{2}:\d{2})(?: (utc|gmt|cet|cest))? (\d{4})$`)
	timeFirst = regexp.MustCompile(`^(\d{1,2}[:h]\d{2}(?::\d{2})?),? (\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})$`)
)

// usual returns a folded text with the marks of scripts, the typographic hyphens, the spaces
// within a date, the dots within a time and the halves of a day as other programs write them,
// and whether it had a half of a day.
func usual(text string) (written string, halves bool) {
	text = strings.ReplaceAll(text, `\/`, "/")
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(minuses, r) {
			return '-'
		}
		return r
	}, text)
	text = inScript.ReplaceAllString(text, "$1")
	for spread.MatchString(text) && strings.Count(text, ":") == 0 {
		text = spread.ReplaceAllString(text, "$1$4$2$5$3$6")
	}
	text = dotted.ReplaceAllString(text, "$1 $2:$3:$4")
	text = yearAtEnd.ReplaceAllString(text, "$1 $2 $5 $3 $4")
	text = timeFirst.ReplaceAllString(text, "$2 $1")
	return strings.TrimSuffix(halfDay.ReplaceAllStringFunc(text, func(written string) string {
		parts := halfDay.FindStringSubmatch(written)
		hours := number(parts[1])
		if hours < 1 || hours > 12 {
			return written
		}
		hours %= 12
		if parts[3] == "p" {
			hours += 12
		}
		halves = true
		return fmt.Sprintf("%02d:%s", hours, parts[2])
	}), "."), halves
}

// Date is Day in the bank's zone.
func (c Convention) Date(text string, zone *time.Location) Reading[oxlin.Date] {
	reading := c.Day(text)
	day, ok := reading.Told()
	switch {
	case reading.IsAbsent():
		return Absent[oxlin.Date]()
	case !ok:
		return Unreadable[oxlin.Date]()
	}
	return Told(day.In(zone))
}

// fromYear reads year, month and day.
func (c Convention) fromYear(year, month, day, text string) (oxlin.Date, bool) {
	if !isDigits(text[:5]) && !sameSeparator(text, year, month) {
		return oxlin.Date{}, false
	}
	return valid(number(year), number(month), number(day))
}

// toYear reads day, month and year in the order of the convention.
func (c Convention) toYear(a, b, last, text string) (oxlin.Date, bool) {
	if !isDigits(text) && !sameSeparator(text, a, b) {
		return oxlin.Date{}, false
	}
	year := number(last)
	if len(last) == 2 {
		// 21-11-26 in an interface may begin with the year.
		if !c.strict() && (c.order == UnknownOrder || text[len(a)] == '-') {
			return oxlin.Date{}, false
		}
		year = fullYear(year)
	}
	dayFirst, firstOK := valid(year, number(b), number(a))
	monthFirst, lastOK := valid(year, number(a), number(b))
	switch {
	case c.order == DayFirst:
		return dayFirst, firstOK
	case c.order == MonthFirst:
		return monthFirst, lastOK
	case firstOK && lastOK && dayFirst != monthFirst:
		return oxlin.Date{}, false
	case firstOK:
		return dayFirst, true
	}
	return monthFirst, lastOK
}

// withName reads a day, the name of its month, and the year.
func (c Convention) withName(day, month, last, _ string) (oxlin.Date, bool) {
	year := number(last)
	if len(last) == 2 {
		year = fullYear(year)
	}
	return valid(year, int(months[month]), number(day))
}

// withNameFirst reads the name of a month, a day, and the year.
func (c Convention) withNameFirst(month, day, last, text string) (oxlin.Date, bool) {
	return c.withName(day, month, last, text)
}

// withNameAmid reads the year, the name of a month, and a day.
func (c Convention) withNameAmid(year, month, day, text string) (oxlin.Date, bool) {
	return c.withName(day, month, year, text)
}

// ofWeek reads a week of the year, whose first one has the fourth of January, and a day of it.
func (c Convention) ofWeek(year, week, day, _ string) (oxlin.Date, bool) {
	fourth, ok := valid(number(year), 1, 4)
	if !ok {
		return oxlin.Date{}, false
	}
	const days = 7
	sinceMonday := (int(fourth.Midnight(time.UTC).Weekday()) + days - 1) % days
	date := fourth.AddDays(days*(number(week)-1) + number(day) - 1 - sinceMonday)
	written, ofWeek := date.Midnight(time.UTC).ISOWeek()
	return date, written == number(year) && ofWeek == number(week) && !fillers[date]
}

// ofYear reads the number of a day in its year.
func (c Convention) ofYear(year, day, _, _ string) (oxlin.Date, bool) {
	first := oxlin.NewDate(number(year), time.January, 1)
	date := first.AddDays(number(day) - 1)
	return valid(number(year), int(date.Midnight(time.UTC).Month()), dayIn(date, number(year)))
}

// dayIn returns the day of a date's month, or 0 if the date is in another year.
func dayIn(date oxlin.Date, year int) int {
	midnight := date.Midnight(time.UTC)
	if midnight.Year() != year {
		return 0
	}
	return midnight.Day()
}

// sameSeparator reports whether the parts of a date have one separator: it is the
// character after each of the first two.
func sameSeparator(text, first, second string) bool {
	return text[len(first)] == text[len(first)+1+len(second)]
}

// fullYear returns the year of two digits; -1 from 70 on, which may be of either
// century.
func fullYear(year int) int {
	if year >= 70 {
		return -1
	}
	return 2000 + year
}

// valid returns a day that exists.
func valid(year, month, day int) (oxlin.Date, bool) {
	if year < firstYear || year > lastYear || month < 1 || month > 12 || day < 1 || day > 31 {
		return oxlin.Date{}, false
	}
	date := oxlin.NewDate(year, time.Month(month), day)
	return date, date.Midnight(time.UTC).Day() == day && !fillers[date] // not the 31st of April
}

// number reads the digits of a pattern.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// at adds the time and the zone of a form: hours, minutes, seconds, fraction, zone.
func at(date oxlin.Date, parts []string) Reading[Day] {
	day := Day{plain: date}
	if parts[0] == "" {
		return Told(day) // a zone does not change a day without a time
	}
	hours, minutes, seconds := number(parts[0]), number(parts[1]), 0
	if parts[2] != "" {
		seconds = number(parts[2])
	}
	isEnd := hours == 24 && minutes == 0 && seconds == 0      // of the day that is written (ISO 8601)
	if hours > 23 && !isEnd || minutes > 59 || seconds > 60 { // a leap second
		return Unreadable[Day]()
	}
	if parts[4] == "" || parts[4] == "europe/paris" {
		return Told(day)
	}
	offset, ok := offsetOf(parts[4])
	if !ok {
		return Unreadable[Day]()
	}
	day.instant = date.Midnight(time.UTC).Add(
		time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second +
			nanoseconds(parts[3]) - offset)
	if offset == 0 {
		day.plain = oxlin.Date{}
	}
	return Told(day)
}

// zones are the names of the zone of France and its neighbours. Its own name means its clock.
var zones = map[string]time.Duration{
	"cet": time.Hour, "met": time.Hour, "mez": time.Hour, "cest": 2 * time.Hour, "mest": 2 * time.Hour, "mesz": 2 * time.Hour,
}

// offsetOf returns the offset of a zone.
func offsetOf(zone string) (offset time.Duration, ok bool) {
	offset, ok = zones[zone]
	if ok {
		return offset, true
	}
	if len(zone) > len("utc") {
		zone = strings.TrimPrefix(strings.TrimPrefix(zone, "utc"), "gmt")
	}
	if zone[0] != '+' && zone[0] != '-' {
		return 0, true
	}
	digits := strings.ReplaceAll(zone[1:], ":", "")
	hours, minutes := number(digits[:2]), 0
	if len(digits) == 4 {
		minutes = number(digits[2:])
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if zone[0] == '-' {
		offset = -offset
	}
	return offset, hours <= 18 && minutes <= 59
}

// nanoseconds returns a fraction of a second.
func nanoseconds(digits string) time.Duration {
	const places = 9
	return time.Duration(number((digits + "000000000")[:places]))
}

// fromEpoch reads the seconds or milliseconds since 1970.
func (c Convention) fromEpoch(digits, fraction string) Reading[Day] {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return Unreadable[Day]()
	}
	instant := time.Unix(n, int64(nanoseconds(fraction)))
	switch len(digits) {
	case 13:
		instant = time.UnixMilli(n)
	case 16:
		instant = time.UnixMicro(n)
	case 19:
		instant = time.Unix(0, n)
	}
	year := instant.UTC().Year()
	if c.strict() || year < firstYear || year > lastYear {
		return Unreadable[Day]()
	}
	return Told(Day{instant: instant.UTC()})
}
