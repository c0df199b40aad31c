package clock_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/clock"
)

// machine has a clock that is set by hand, and a database beside it.
type machine struct {
	t       *testing.T
	right   time.Time     // the true time
	awake   time.Duration // that the process has run
	shift   time.Duration // of the machine's clock
	base    *time.Duration
	stored  time.Time
	log     bytes.Buffer
	mended  []time.Duration
	watched *clock.Clock
}

var begin = time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)

func boot(t *testing.T, adjust func(*machine)) *machine {
	t.Helper()
	m := &machine{t: t, right: begin}
	if adjust != nil {
		adjust(m)
	}
	m.watched = clock.New(clock.Options{
		Rows: m, Now: func() time.Time { return m.right.Add(m.shift) }, Elapsed: func() time.Duration { return m.awake },
		Log: slog.New(slog.NewTextHandler(&m.log, nil)),
	})
	err := m.watched.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.look()
	return m
}

func (m *machine) BelievedAt(context.Context) (time.Time, error) { return m.stored, nil }

func (m *machine) SetBelievedAt(_ context.Context, at time.Time) error {
	m.stored = at
	return nil
}

func (m *machine) DatabaseTime(context.Context) (time.Time, error) {
	if m.base == nil {
		return time.Time{}, nil
	}
	return m.right.Add(*m.base), nil
}

func (m *machine) look() {
	m.t.Helper()
	err := m.watched.Look(m.t.Context())
	if err == nil {
		err = m.watched.Mend(m.t.Context(), func(_ context.Context, ahead time.Duration) error {
			m.mended = append(m.mended, ahead)
			return nil
		})
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// pass lets time pass, with a look each minute.
func (m *machine) pass(d time.Duration) {
	m.t.Helper()
	for ; d > 0; d -= time.Minute {
		m.right, m.awake = m.right.Add(min(d, time.Minute)), m.awake+min(d, time.Minute)
		m.look()
	}
}

// answer is that of a bank with a date.
func (m *machine) answer(date time.Time, header ...string) {
	m.t.Helper()
	response := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{"Date": {date.UTC().Format(http.TimeFormat)}}}
	for _, name := range header {
		response.Header.Set(name, "60")
	}
	_, err := m.watched.Witness(transport(func(*http.Request) (*http.Response, error) { return response, nil })).RoundTrip(nil)
	if err != nil {
		m.t.Fatal(err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const year = 365 * 24 * time.Hour

func same() *time.Duration { return new(time.Duration) }

func TestAClockIsInDoubtUntilAnotherAgrees(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust          func(*machine)
		play            func(*machine)
		believed, wrong bool
		lines           int // about a jump
	}{
		"nothing happens": {play: func(m *machine) { m.pass(time.Hour) }, believed: true},
		"corrections by NTP": {play: func(m *machine) {
			m.shift = 400 * time.Millisecond
			m.pass(time.Hour)
			m.shift = -3 * time.Second
			m.look()
		}, believed: true},
		"a year forward":                    {play: func(m *machine) { m.shift = year }, lines: 1},
		"an hour back":                      {play: func(m *machine) { m.shift = -time.Hour }, lines: 1},
		"a year forward, and time passes":   {play: func(m *machine) { m.shift = year; m.pass(5 * time.Hour) }, lines: 1},
		"a year forward and back":           {play: func(m *machine) { m.shift = year; m.pass(time.Hour); m.shift = 0 }, believed: true, lines: 2},
		"back in steps":                     {play: func(m *machine) { m.shift = year; m.pass(time.Hour); m.shift = time.Hour; m.look(); m.shift = 0 }, believed: true, lines: 3},
		"an hour forward, settled":          {play: func(m *machine) { m.shift = time.Hour; m.look(); m.pass(7 * time.Hour) }, believed: true, lines: 1},
		"a bank contradicts":                {play: func(m *machine) { m.shift = year; m.answer(m.right) }, wrong: true, lines: 1},
		"a bank contradicts for hours":      {play: func(m *machine) { m.shift = year; m.pass(5 * time.Hour); m.answer(m.right); m.pass(5 * time.Hour) }, wrong: true, lines: 1},
		"one bank contradicts, one agrees":  {play: func(m *machine) { m.shift = year; m.answer(m.right); m.answer(m.right.Add(year)) }, believed: true, lines: 1},
		"an answer from a cache":            {play: func(m *machine) { m.shift = year; m.answer(m.right.Add(year), "Age") }, lines: 1},
		"a laptop wakes up":                 {play: func(m *machine) { m.right = m.right.Add(9 * time.Hour); m.look(); m.answer(m.right) }, believed: true, lines: 1},
		"the database stands":               {adjust: func(m *machine) { m.base = same() }, play: func(m *machine) { m.shift = year }, wrong: true, lines: 1},
		"the database stands, for a day":    {adjust: func(m *machine) { m.base = same() }, play: func(m *machine) { m.shift = year; m.pass(24 * time.Hour) }, wrong: true, lines: 1},
		"the database jumps too":            {adjust: func(m *machine) { m.base = same() }, play: func(m *machine) { m.shift, *m.base = year, year; m.look(); m.pass(time.Hour) }, lines: 1},
		"the database's machine differs":    {adjust: func(m *machine) { m.base = same(); *m.base = time.Hour }, play: func(m *machine) { m.pass(time.Hour) }, wrong: true},
		"and is set right":                  {adjust: func(m *machine) { m.base = same(); m.shift = time.Hour }, play: func(m *machine) { m.pass(time.Hour); m.shift = 0 }, believed: true, lines: 1},
		"a start a year later":              {adjust: func(m *machine) { m.stored = begin.Add(-year) }, play: func(*machine) {}},
		"a start a year earlier":            {adjust: func(m *machine) { m.stored = begin.Add(year) }, play: func(*machine) {}},
		"a start a year later, and a bank":  {adjust: func(m *machine) { m.stored = begin.Add(-year) }, play: func(m *machine) { m.answer(m.right) }, believed: true},
		"a start an hour later":             {adjust: func(m *machine) { m.stored = begin.Add(-time.Hour) }, play: func(*machine) {}, believed: true},
		"a first start, whatever the clock": {adjust: func(m *machine) { m.shift = -year }, play: func(*machine) {}, believed: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := boot(t, tc.adjust)
			tc.play(m)
			m.look()
			if m.watched.Believed() != tc.believed || m.watched.Wrong() != tc.wrong {
				t.Errorf("believed %v, wrong %v", m.watched.Believed(), m.watched.Wrong())
			}
			doubt, _ := m.watched.State()
			if (doubt == nil) != tc.believed {
				t.Errorf("the doubt is %v", doubt)
			}
			if n := strings.Count(m.log.String(), "the clock jumped"); n != tc.lines {
				t.Errorf("%d lines about a jump:\n%s", n, &m.log)
			}
			before := m.stored
			m.pass(2 * time.Minute)
			if stored := m.stored.After(before); stored != tc.believed {
				t.Errorf("a clock that is believed, %v, was stored, %v", tc.believed, stored)
			}
		})
	}
}

func TestAJumpIsLoggedWithItsAmount(t *testing.T) {
	m := boot(t, nil)
	m.pass(time.Minute)
	m.shift = -time.Hour
	m.pass(10 * time.Minute)
	if want := "from=2026-11-18T09:32:00.000Z to=2026-11-18T08:32:00.000Z by=-1h0m0s"; strings.Count(m.log.String(), want) != 1 {
		t.Errorf("want one line with %s:\n%s", want, &m.log)
	}
}

// Appointments are put right once after each doubt, with the amount of the jump, and at the start.
func TestAppointmentsAreMendedAfterADoubt(t *testing.T) {
	m := boot(t, nil)
	m.pass(time.Hour)
	m.right = m.right.Add(9 * time.Hour) // asleep
	m.pass(time.Minute)
	m.answer(m.right)
	m.pass(time.Hour)
	if len(m.mended) != 2 || m.mended[0] != 0 || m.mended[1] != 9*time.Hour {
		t.Errorf("mended %v", m.mended)
	}
}

// Probes come one a minute, and rarely once a bank has contradicted.
func TestProbesAreFew(t *testing.T) {
	for _, tc := range []struct {
		wrong bool
		most  int
	}{{false, 61}, {true, 5}} {
		m := boot(t, nil)
		m.shift = year
		m.look()
		if tc.wrong {
			m.answer(m.right)
		}
		probes := 0
		for range 240 {
			m.pass(15 * time.Second)
			if m.watched.Probe() {
				probes++
			}
		}
		if probes > tc.most || probes < tc.most-2 {
			t.Errorf("wrong %v: %d probes in an hour", tc.wrong, probes)
		}
	}
}
