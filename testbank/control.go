package testbank

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// mountControl adds the API by which tests control the bank. It is mounted only if
// Options.Control is true, because it gives full power over the bank.
func (b *Bank) mountControl(mux *http.ServeMux) {
	levers := http.NewServeMux()
	levers.HandleFunc("GET /control/clock", b.readClock)
	levers.HandleFunc("POST /control/clock", b.moveClock)
	levers.HandleFunc("DELETE /control/clock", b.moveClock)
	levers.HandleFunc("GET /control/scenario", b.listScenarios)
	levers.HandleFunc("POST /control/scenario", b.startScenario)
	levers.HandleFunc("DELETE /control/scenario", b.stopScenario)
	levers.HandleFunc("GET /control/customers", b.listCustomers)
	levers.HandleFunc("POST /control/reset", b.reset)
	// CrossOriginProtection refuses requests that a page of another site makes through
	// a browser.
	mux.Handle("/control/", http.NewCrossOriginProtection().Handler(levers))
}

// readBody reads a JSON body into v; an empty body leaves v unchanged.
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

// moveClock advances the bank's clock; DELETE resets it to the real time.
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
		// Days are calendar days: the hour in Paris stays the same across a change to
		// or from summer time.
		now := b.now()
		b.state.Offset += now.In(paris).AddDate(0, 0, body.Days).Sub(now) +
			time.Duration(body.Hours)*time.Hour + time.Duration(body.Minutes)*time.Minute + time.Duration(body.Seconds)*time.Second
	}
	b.save()
	answer := b.clock()
	b.mu.Unlock()
	answerJSON(w, http.StatusOK, answer)
}

// listScenarios lists all scenarios and those that control has switched on.
func (b *Bank) listScenarios(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	active := map[string][]string{}
	for login, set := range b.state.Scenarios {
		active[login] = set.names()
	}
	b.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"scenarios": scenarioDocs, "active": active})
}

// startScenario switches a scenario on for a login, from the bank's current day.
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

type truthAccount struct {
	UID        string `json:"account_uid"`
	ResourceID string `json:"resource_id"`
	Kind       Kind   `json:"account_type"`
	Name       string `json:"name"`
	Balance    string `json:"balance"`
	Booked     int    `json:"booked"`
	Pending    int    `json:"pending"`
}

type truthCustomer struct {
	Login     string         `json:"login"`
	FileURL   string         `json:"file_url,omitempty"`
	Anchor    string         `json:"anchor"`
	Scenarios []string       `json:"scenarios"`
	Accounts  []truthAccount `json:"accounts"`
}

// listCustomers returns the true data of every customer who has logged in. Tests
// compare with it, because a scenario may distort the interface's answers.
func (b *Bank) listCustomers(w http.ResponseWriter, _ *http.Request) {
	var books []*book
	list := []truthCustomer{}
	b.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(b.state.Customers)) {
		c := b.state.Customers[key]
		set := b.scenariosOf(*c)
		books = append(books, newBook(*c, set, b.today()))
		list = append(list, truthCustomer{Login: c.Login, FileURL: c.URL, Anchor: c.Anchor.String(), Scenarios: set.names(), Accounts: []truthAccount{}})
	}
	b.mu.Unlock()
	for i, book := range books {
		for _, a := range book.accounts {
			rows := book.rows(a)
			balance, _ := book.balance(a, rows)
			t := truthAccount{UID: a.UID, ResourceID: book.resourceID(a), Kind: a.Kind, Name: a.displayName(), Balance: balance.String()}
			for _, r := range rows {
				if r.pending {
					t.Pending++
				} else {
					t.Booked++
				}
			}
			list[i].Accounts = append(list[i].Accounts, t)
		}
	}
	answerJSON(w, http.StatusOK, map[string]any{"customers": list})
}

// reset deletes everything: customers, consents, tokens, scenarios, the clock.
func (b *Bank) reset(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	b.state = newState()
	b.sessions = map[string]*session{}
	b.save()
	b.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
