package torture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// Score counts what became of the rows of histories.
type Score struct {
	Histories, Rows int
	// Missed rows were shown and have no row of ours or a cancelled one, or were called
	// missing or cancelled by an answer that lacked too much to be believed.
	Missed int
	// Doubled rows count twice in sums.
	Doubled int
	// Merged rows took the id of another movement. Explicable are those of them whose
	// answers are also those of a settlement with another label and id.
	Merged, Explicable int
	// Changed rows have another id than before, without need.
	Changed int
	// Undecidable choices went wrong, but an exchange of the rows' tokens leaves every
	// answer as it is. Later counts those that only a later answer could decide.
	Undecidable, Later int
}

func (s *Score) add(o Score) {
	s.Histories += o.Histories
	s.Rows += o.Rows
	s.Missed += o.Missed
	s.Doubled += o.Doubled
	s.Merged += o.Merged
	s.Explicable += o.Explicable
	s.Changed += o.Changed
	s.Undecidable += o.Undecidable
	s.Later += o.Later
}

// wrong reports whether something went wrong that could be decided.
func (s Score) wrong() bool { return s.Missed+s.Doubled+s.Merged+s.Changed > 0 }

// worst names the worst thing that went wrong.
func (s Score) worst() string {
	switch {
	case s.Missed > 0:
		return "missed"
	case s.Merged > s.Explicable:
		return "merged"
	case s.Merged > 0:
		return "explicable"
	case s.Doubled > 0:
		return "doubled"
	case s.Changed > 0:
		return "changed"
	}
	return ""
}

// count returns the number of one kind of fault.
func (s Score) count(kind string) int {
	return map[string]int{"missed": s.Missed, "merged": s.Merged - s.Explicable, "explicable": s.Explicable, "doubled": s.Doubled, "changed": s.Changed}[kind]
}

// judge plays a history and compares our ids with the truth.
type judge struct {
	h       *History
	score   Score
	ledger  ledger
	answers []answer
	// of is the token whose row has the id, current the id of each token.
	of      map[oxlin.TransactionID]int
	current map[int]oxlin.TransactionID
	// spare are rows that repeat a row, which nothing distinguishes from twins.
	spare map[oxlin.TransactionID]bool
	// unsure reports of each answer that it is not whole: then recognition may wait, and
	// what it did not write binds nobody.
	unsure []bool
	// waits are the tokens whose rows of the present answer wait for a whole one.
	waits map[int]bool
	// later are pairs of tokens that changed places although a later answer decides them.
	later map[[2]int]bool
	// rules are those by which the rows of the present answer were recognised, by our ids.
	rules map[oxlin.TransactionID]reconcile.Rule
	// trace, if set, receives a line for each fault.
	trace func(string)
}

// play returns the score of a history.
func play(h *History, trace func(string)) Score {
	return playWith(reconcile.Transactions, h, trace)
}

func playWith(recognise recogniser, h *History, trace func(string)) Score {
	j := judged(recognise, h, trace)
	other := h.withTwins()
	if !j.score.wrong() || other == nil || !j.sameAnswers(other) {
		return j.score
	}
	// In the other history, the rows that are shown twice are twins. If all is right there, nothing
	// decides that it is wrong here.
	if judged(recognise, other, nil).score.wrong() {
		return j.score
	}
	j.say("right if a row that is shown twice is two rows")
	s := j.score
	s.Undecidable += s.Missed + s.Doubled + s.Merged + s.Changed
	s.Missed, s.Doubled, s.Merged, s.Explicable, s.Changed = 0, 0, 0, 0, 0
	return s
}

// judged plays a history.
func judged(recognise recogniser, h *History, trace func(string)) *judge {
	j := &judge{
		h: h, of: make(map[oxlin.TransactionID]int), current: make(map[int]oxlin.TransactionID),
		spare: make(map[oxlin.TransactionID]bool), trace: trace, later: make(map[[2]int]bool), ledger: ledger{recognise: recognise},
	}
	for at := range h.Readings {
		a := h.answer(at, j.ledger.asks())
		j.answers = append(j.answers, a)
		j.read(a)
	}
	j.end()
	j.score.Histories, j.score.Rows = 1, len(h.Rows)
	return j
}

func (j *judge) say(format string, args ...any) {
	if j.trace != nil {
		j.trace(fmt.Sprintf(format, args...))
	}
}

// read plays one answer.
func (j *judge) read(a answer) {
	suspect := !a.complete || j.suspect(a)
	j.unsure = append(j.unsure, suspect)
	if j.h.Bank.Neighbour {
		j.ledger.read(j.h, a.neighbour(), 1)
	}
	ids, result := j.ledger.read(j.h, a, 0)
	j.rules = make(map[oxlin.TransactionID]reconcile.Rule)
	for _, m := range result.Found {
		j.rules[m.ID] = m.Rule
	}
	if suspect && !result.Suspect && j.mayBeWhole(a) {
		suspect, j.unsure[a.at] = false, false // by that reading of it, choices bind
	}
	if suspect {
		for _, id := range slices.Concat(result.Missing, result.Absent, result.Cancelled) {
			j.score.Missed++
			j.say("reading %d: row %v is called missing on an answer that is not whole", a.at, id)
		}
	}
	given := j.assign(a, ids)
	j.waits = make(map[int]bool)
	for _, i := range result.Waiting {
		j.waits[a.tokens[i]] = true
	}
	tokens := slices.Compact(slices.Sorted(slices.Values(a.tokens)))
	// What movements took from others is judged before their own new ids.
	for _, token := range tokens {
		if own := given[token]; len(own) > 0 {
			j.taken(a, token, own[0], given)
		}
	}
	for _, token := range tokens {
		own := given[token]
		if len(own) == 0 {
			if !j.waits[token] {
				j.lost(a, token)
			}
			continue
		}
		j.renewed(a, token, own[0])
		for _, id := range own[1:] {
			j.repeated(a, token, id)
		}
		if j.ledger.at(own[0]).Status == oxlin.StatusCancelled {
			j.score.Missed++
			j.say("reading %d: the row %v of movement %d is cancelled although it is shown", a.at, own[0], token)
		}
	}
}

// edge is how many days inside the window a bank may leave a row out.
const edge = 3

// suspect reports whether an answer lacks at least three known booked rows and more than a
// quarter of those that it should show: not those at the edge of the window, where banks
// cut by another day.
func (j *judge) suspect(a answer) bool {
	due, lacking := j.missed(a)
	return a.complete && tooMany(len(lacking), due)
}

// tooMany is the rule by which an answer lacks too much to be believed.
func tooMany(lacking, due int) bool { return lacking >= 3 && 4*lacking > due }

// mayBeWhole reports whether a suspect answer is also, byte by byte, one that lacks less: some
// of the rows that it lacks may be rows that it shows for the first time.
func (j *judge) mayBeWhole(a answer) bool {
	if !a.complete {
		return false
	}
	due, lacking := j.missed(a)
	taken := make(map[int]bool)
	lacking = slices.DeleteFunc(lacking, func(gone int) bool {
		for _, come := range a.tokens {
			if j.current[come] == 0 && !taken[come] && j.exchangeable(a.at, gone, come) == always {
				taken[come] = true
				return true
			}
		}
		return false
	})
	return !tooMany(len(lacking), due)
}

// missed returns how many known booked rows an answer should show, and those that it lacks.
func (j *judge) missed(a answer) (number int, lacking []int) {
	first := date(a.from + edge)
	unsure := func(token int) bool {
		id := j.current[token]
		if id == 0 {
			return true
		}
		k := j.ledger.at(id)
		outside := slices.ContainsFunc([]oxlin.Date{k.BookingDate, k.TransactionDate, k.ValueDate}, func(d oxlin.Date) bool {
			return !d.IsZero() && d.Before(first)
		})
		return k.Status != oxlin.StatusBooked || k.Date.IsZero() || outside
	}
	due := slices.DeleteFunc(slices.Clone(a.due), unsure)
	return len(due), slices.DeleteFunc(slices.Clone(a.lacking), unsure)
}

// lost judges a movement without a row.
func (j *judge) lost(a answer, token int) {
	realIDs := slices.Contains([]Form{constant, perAccount, perDay}, j.h.Bank.Form)
	if realIDs && j.onlyForms(a, token) {
		// One id on equal rows alone: one row shown twice would be the same bytes, and so
		// would one that stays pending beside its booked form.
		j.score.Undecidable++
		return
	}
	j.score.Missed++
	j.say("reading %d: movement %d is missed", a.at, token)
}

// shown is a movement's row in an answer.
func (a answer) shown(token int) bank.Transaction { return a.rows[slices.Index(a.tokens, token)] }

// shared reports whether an equal row of another movement may have the same id: the same
// answers come from a bank that counts the rows of several accounts.
func (f Form) shared() bool {
	switch f {
	case constant, placeholder, blank, absent, perAccount, perDay:
		return true
	}
	return false
}

// onlyEqual reports whether all rows so far that have the id of a movement's row look
// like it.
func (j *judge) onlyEqual(a answer, token int) bool {
	mine := looksOf(a.shown(token))
	for _, b := range j.answers {
		for _, t := range b.rows {
			if t.BankID == mine.id && looksOf(t) != mine {
				return false
			}
		}
	}
	return true
}

// onlyForms reports whether all rows so far that have the id of a movement's row may be
// forms of one movement: equal, or one pending and the other booked.
func (j *judge) onlyForms(a answer, token int) bool {
	at := slices.Index(a.tokens, token)
	for _, b := range j.answers {
		// Of one parser's rows: what another one reads otherwise is no other row.
		mine, rows := a.rows[at], b.rows
		if a.parser != b.parser {
			mine, rows = a.records[at], b.records
		}
		for i, t := range rows {
			if t.BankID != mine.BankID || looksOf(t) == looksOf(mine) {
				continue
			}
			if j.h.row(b.tokens[i]).Name == j.h.row(token).Name {
				t.Remittance = mine.Remittance // banks write a name otherwise at settlement
			}
			if !forms(t, mine) && !forms(mine, t) {
				return false
			}
		}
	}
	return true
}

// forms reports whether two rows may be a movement's pending and its booked form.
func forms(before, after bank.Transaction) bool {
	if before.Status != oxlin.StatusPending || after.Status != oxlin.StatusBooked || after.BookingDate.Before(before.TransactionDate) ||
		!after.TransactionDate.IsZero() && after.TransactionDate != before.TransactionDate {
		return false
	}
	x, y := looksOf(before), looksOf(after)
	for _, l := range []*looks{&x, &y} {
		l.status, l.booking, l.operation, l.value = "", oxlin.Date{}, oxlin.Date{}, oxlin.Date{}
		l.after, l.counted = 0, false
	}
	return x == y
}

// assign gives our ids to tokens. Among rows that are equal byte by byte, each token has
// its own id as far as the rows have it.
func (j *judge) assign(a answer, ids []oxlin.TransactionID) map[int][]oxlin.TransactionID {
	type class struct {
		tokens []int
		ids    []oxlin.TransactionID
	}
	classes := make(map[looks]*class)
	var order []looks
	for i, t := range a.rows {
		text := looksOf(t)
		if classes[text] == nil {
			classes[text] = &class{}
			order = append(order, text)
		}
		c := classes[text]
		c.tokens = append(c.tokens, a.tokens[i])
		if ids[i] != 0 {
			c.ids = append(c.ids, ids[i])
		}
	}
	given := make(map[int][]oxlin.TransactionID)
	for _, text := range order {
		c := classes[text]
		slices.Sort(c.tokens)
		slices.Sort(c.ids)
		take := func(token int, at int) {
			given[token] = append(given[token], c.ids[at])
			c.ids = slices.Delete(c.ids, at, at+1)
		}
		var rest []int
		for _, token := range c.tokens {
			at := slices.Index(c.ids, j.current[token])
			if at < 0 || len(given[token]) > 0 {
				rest = append(rest, token)
				continue
			}
			take(token, at)
		}
		// Tokens without any row come first, so that a repeated row takes none of theirs;
		// then known ones, which take known rows.
		slices.SortStableFunc(rest, func(a, b int) int {
			return cmp.Or(cmp.Compare(len(given[a]), len(given[b])),
				cmp.Compare(min(j.current[b], 1), min(j.current[a], 1)))
		})
		for _, token := range rest {
			if len(c.ids) == 0 {
				break
			}
			at := slices.IndexFunc(c.ids, func(id oxlin.TransactionID) bool {
				_, taken := j.of[id]
				return taken == (j.current[token] != 0)
			})
			take(token, max(at, 0))
		}
	}
	for token, own := range given {
		if at := slices.Index(own, j.current[token]); at > 0 {
			own[0], own[at] = own[at], own[0]
		}
	}
	return given
}

// taken judges a row that a movement has and another one had; given are the rows of the answer.
func (j *judge) taken(a answer, token int, id oxlin.TransactionID, given map[int][]oxlin.TransactionID) {
	owner, known := j.of[id]
	if !known || owner == token {
		return
	}
	pair := [2]int{min(owner, token), max(owner, token)}
	if j.later[pair] {
		delete(j.later, pair) // they change back
		j.swap(owner, token)
		return
	}
	verdict := j.exchangeable(a.at, owner, token)
	if verdict != never && j.unsure[a.at] && len(given[owner]) == 0 {
		return // the owner may have its row back in a whole answer
	}
	switch verdict {
	case always:
		j.score.Undecidable++
		if j.spare[id] && j.current[owner] != id {
			j.handOver(id, token)
			return
		}
		j.swap(owner, token)
		return
	case untilNow:
		j.score.Later++
		j.later[pair] = true
		j.swap(owner, token)
		return
	}
	j.score.Merged++
	if j.explicable(a.at, owner, token) {
		j.score.Explicable++
		j.say("explicable as a settlement")
	}
	j.say("reading %d: movement %d has row %v of movement %d, by the rule %s", a.at, token, id, owner, j.rules[id])
	if j.current[owner] == id {
		delete(j.current, owner)
	}
	j.of[id], j.current[token] = token, id
}

// renewed judges the id of a movement against its former one.
func (j *judge) renewed(a answer, token int, id oxlin.TransactionID) {
	before := j.current[token]
	owner, known := j.of[id]
	if known && owner != token {
		return // an answer that is not whole binds nobody
	}
	if !known && before != 0 {
		if j.arbitrary(a.at, token) {
			j.score.Undecidable++
		} else {
			j.score.Changed++
			j.say("reading %d: movement %d has row %v instead of %v", a.at, token, id, before)
		}
	}
	j.of[id], j.current[token] = token, id
}

// swap lets two tokens change places from now on.
func (j *judge) swap(a, b int) {
	x, y := j.current[a], j.current[b]
	j.current[a], j.current[b] = y, x
	if x == 0 {
		delete(j.current, b)
	}
	if y == 0 {
		delete(j.current, a)
	}
	for id, token := range j.of {
		switch token {
		case a:
			j.of[id] = b
		case b:
			j.of[id] = a
		}
	}
}

// handOver gives a movement a spare row of another one, which gets its former row in return.
func (j *judge) handOver(id oxlin.TransactionID, token int) {
	delete(j.spare, id)
	former := j.current[token]
	if former != 0 {
		j.of[former], j.spare[former] = j.of[id], true
	}
	j.of[id], j.current[token] = token, id
}

// repeated judges a second row for a token in one answer.
func (j *judge) repeated(a answer, token int, id oxlin.TransactionID) {
	unknown := j.h.Bank.Class == bank.IDNone || j.h.Bank.Class == bank.IDConstant
	if mine := a.shown(token); mine.BankID == "" || j.h.Bank.Form.shared() || unknown && j.onlyEqual(a, token) {
		// Without ids, a row that is shown twice and twins are the same bytes; so they
		// are with one id, which may be the bank's only one.
		owner, known := j.of[id]
		if !known {
			j.spare[id] = true
			j.score.Undecidable++
		}
		if known && owner != token {
			// Its twin is away: the two rows may be both of them.
			j.score.Undecidable++
			return
		}
		j.of[id] = token
		return
	}
	if owner, known := j.of[id]; known && owner != token {
		j.score.Merged++
		j.say("reading %d: movement %d is shown twice, and has row %v of movement %d as well", a.at, token, id, owner)
	}
	j.of[id] = token
}

// end counts the rows that stand twice.
func (j *judge) end() {
	live := make(map[int][]oxlin.TransactionID)
	last := j.answers[len(j.answers)-1]
	for _, token := range slices.Compact(slices.Sorted(slices.Values(last.tokens))) {
		if id := j.current[token]; id != 0 && !j.ledger.live(id) && !j.waits[token] {
			j.score.Missed++
			j.say("at the end, the row %v of movement %d does not count", id, token)
		}
	}
	for id, token := range j.of {
		if twoForms(last, token) || j.stands(id, token) {
			continue // a pending row stays until the bank no longer shows it
		}
		// A second row that was cancelled in the end has counted twice until then.
		twice := j.ledger.live(id) || j.ledger.at(id).Status == oxlin.StatusCancelled
		if twice && !j.spare[id] {
			live[token] = append(live[token], id)
		}
	}
	for _, token := range slices.Sorted(maps.Keys(live)) {
		if n := len(live[token]); n > 1 {
			j.score.Doubled += n - 1
			slices.Sort(live[token])
			j.say("at the end, movement %d has the rows %v", token, live[token])
		}
	}
}

// twoForms reports whether an answer shows a movement as pending and as booked.
func twoForms(a answer, token int) bool {
	forms := make(map[oxlin.TransactionStatus]bool)
	for i, of := range a.tokens {
		if of == token {
			forms[a.rows[i].Status] = true
		}
	}
	return len(forms) > 1
}

// stands reports whether a row may still be pending although its movement is booked: no whole
// answer since then has lacked it, or the last one shows it still.
func (j *judge) stands(id oxlin.TransactionID, token int) bool {
	if j.ledger.at(id).Status != oxlin.StatusPending {
		return false
	}
	last := j.answers[len(j.answers)-1]
	for i, of := range last.tokens {
		if of == token && last.rows[i].Status == oxlin.StatusPending {
			return true
		}
	}
	for at, a := range j.answers {
		if !j.unsure[at] && a.day >= j.h.row(token).Settled && !twoForms(a, token) {
			return false
		}
	}
	return true
}
