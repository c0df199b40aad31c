package testbank

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// mountControl adds the levers that tests pull. It is never mounted unless
// Options.Control is true: whoever reaches it owns the bank.
func (b *Bank) mountControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /control/clock", b.readClock)
	mux.HandleFunc("POST /control/clock", b.moveClock)
	mux.HandleFunc("DELETE /control/clock", b.moveClock)
	mux.HandleFunc("GET /control/scenario", b.listScenarios)
	mux.HandleFunc("POST /control/scenario", b.startScenario)
	mux.HandleFunc("DELETE /control/scenario", b.stopScenario)
	mux.HandleFunc("POST /control/reset", b.reset)
}

// readBody reads a JSON body into v; an empty one leaves v alone.
func readBody(w http.ResponseWriter, r *http.Request, v any) bool {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is no JSON of the expected shape"})
		return false
	}
	return true
}

type clockAnswer struct {
	Now           string `json:"now"`
	Today         string `json:"today"`
	OffsetSeconds int64  `json:"offset_seconds"`
}

func (b *Bank) clock() clockAnswer {
	now := b.now()
	return clockAnswer{now.In(paris).Format(time.RFC3339), DayOf(now).String(), int64(b.state.Offset.Seconds())}
}

func (b *Bank) readClock(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	answer := b.clock()
	b.mu.Unlock()
	answerJSON(w, http.StatusOK, answer)
}

// moveClock advances the bank's clock; DELETE brings it back to the real one.
func (b *Bank) moveClock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Days    int `json:"advance_days"`
		Hours   int `json:"advance_hours"`
		Minutes int `json:"advance_minutes"`
		Seconds int `json:"advance_seconds"`
	}
	if !readBody(w, r, &body) {
		return
	}
	const most = 36_500
	if max(body.Days, -body.Days) > most {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": "advance_days is too far"})
		return
	}
	b.mu.Lock()
	if r.Method == http.MethodDelete {
		b.state.Offset = 0
	} else {
		// Days are calendar days: the hour in Paris stays over a change of clocks.
		now := b.now()
		b.state.Offset += now.In(paris).AddDate(0, 0, body.Days).Sub(now) +
			time.Duration(body.Hours)*time.Hour + time.Duration(body.Minutes)*time.Minute + time.Duration(body.Seconds)*time.Second
	}
	b.save()
	answer := b.clock()
	b.mu.Unlock()
	answerJSON(w, http.StatusOK, answer)
}

// listScenarios tells what exists and what control has switched on.
func (b *Bank) listScenarios(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	active := map[string][]string{}
	for login, set := range b.state.Scenarios {
		active[login] = set.names()
	}
	b.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"scenarios": scenarioDocs, "active": active})
}

// startScenario switches a scenario on for a login, from the bank's today.
func (b *Bank) startScenario(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Login    string `json:"login"`
		Scenario string `json:"scenario"`
		Param    string `json:"param"`
		Times    int    `json:"times"`
	}
	if !readBody(w, r, &body) {
		return
	}
	name, param, ok := parseScenario(body.Scenario)
	if !ok || body.Login == "" || body.Times < 0 {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "login and a known scenario are needed", "scenarios": scenarioDocs})
		return
	}
	b.mu.Lock()
	set := b.state.Scenarios[body.Login]
	if set == nil {
		set = scenarios{}
		b.state.Scenarios[body.Login] = set
	}
	s := scenario{Name: name, Param: orDefault(body.Param, param), Since: b.today(), Times: body.Times, Left: body.Times, Gen: set[name].Gen + 1}
	set[name] = s
	b.save()
	b.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"login": body.Login, "scenario": s.Name, "param": s.Param, "since": s.Since.String(), "times": s.Times})
}

// stopScenario switches off one scenario, all of a login, or all.
func (b *Bank) stopScenario(w http.ResponseWriter, r *http.Request) {
	body := struct {
		Login    string `json:"login"`
		Scenario string `json:"scenario"`
	}{r.URL.Query().Get("login"), r.URL.Query().Get("scenario")}
	if !readBody(w, r, &body) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for login, set := range b.state.Scenarios {
		if body.Login != "" && body.Login != login {
			continue
		}
		if body.Scenario == "" {
			delete(b.state.Scenarios, login)
			continue
		}
		delete(set, body.Scenario)
	}
	b.save()
	w.WriteHeader(http.StatusNoContent)
}

// reset forgets everything: customers, consents, tokens, scenarios, the clock.
func (b *Bank) reset(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	b.state = newState()
	b.sessions = map[string]*session{}
	b.save()
	b.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
