package reconcile_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// TestMixtures has minimal inputs of several disturbances at once that the torture corpus found:
// each movement keeps the row that it has got, and no two share one.
func TestMixtures(t *testing.T) {
	for _, c := range []struct {
		name    string
		ids     bank.IDClass
		answers []answer
	}{
		{"ids number the rows of the answer, and two restaurants settle in another order", bank.IDStable, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 9, row: row{id: "1", amount: -5000, booked: 2, label: "GARAGE DU MIDI"}},
				{movement: 10, row: row{id: "2", pending: true, amount: -12800, on: 9, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
				{movement: 11, row: row{id: "3", pending: true, amount: -18200, on: 10, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
			{today: 23, from: -67, rows: []posting{
				{movement: 9, row: row{id: "1", amount: -5000, booked: 2, label: "GARAGE DU MIDI"}},
				{movement: 11, row: row{id: "2", amount: -18564, booked: 12, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
				{movement: 10, row: row{id: "3", amount: -12800, booked: 13, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
		}},
		{"an id comes to the settled form of another announcement", bank.IDStable, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 10, row: row{id: "a", pending: true, amount: -12800, on: 9, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
				{movement: 11, row: row{id: "b", pending: true, amount: -18200, on: 10, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
			{today: 23, from: -67, rows: []posting{
				{movement: 11, row: row{id: "a", amount: -18564, booked: 12, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
				{movement: 10, row: row{id: "b", amount: -12800, booked: 13, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
		}},
		{"ids number the rows of the answer, the newest first, and an equal row is booked", bank.IDStable, []answer{
			{today: 17, from: -73, rows: []posting{
				{movement: 7, row: row{id: "1", amount: 6283, booked: 16, label: "FERROVIAIRE INTERNET"}},
				{movement: 6, row: row{id: "2", amount: -900, booked: 10, label: "CINEMA PALACE"}},
				{movement: 5, row: row{id: "3", amount: -800, booked: 3, label: "PHARMACIE CENTRALE"}},
			}},
			{today: 19, from: -14, rows: []posting{
				{movement: 8, row: row{id: "1", amount: 6283, booked: 18, label: "FERROVIAIRE INTERNET"}},
				{movement: 7, row: row{id: "2", amount: 6283, booked: 16, label: "FERROVIAIRE INTERNET"}},
				{movement: 6, row: row{id: "3", amount: -900, booked: 10, label: "CINEMA PALACE"}},
				{movement: 5, row: row{id: "4", amount: -800, booked: 3, label: "PHARMACIE CENTRALE"}},
			}},
		}},
		{"a gap hides rows, and another label stands in place of one of them", bank.IDNone, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 9, row: row{amount: 16267, booked: 8, label: "ELECTRICITE GENERALE"}},
				{movement: 4, row: row{amount: -2100, booked: 1, label: "CINEMA PALACE"}},
				{movement: 5, row: row{amount: -6300, booked: 10, label: "JARDINERIE DES BORDS"}},
			}},
			{today: 15, from: -20, rows: []posting{
				{movement: 11, row: row{amount: 16267, booked: 8, label: "FONCIÈRE LOCATIVE"}},
				{movement: 5, row: row{amount: -6300, booked: 10, label: "JARDINERIE DES BORDS"}},
			}},
		}},
		{"another row of the day and amount comes after one has been missing", bank.IDNone, []answer{
			{today: 20, from: -70, rows: []posting{
				{movement: 5, row: row{amount: -11998, booked: -4, label: "PRESSING EXPRESS"}},
				{movement: 6, row: row{amount: -100, booked: 3, label: "CINEMA PALACE"}},
			}},
			{today: 21, from: -69, rows: []posting{
				{movement: 6, row: row{amount: -100, booked: 3, label: "CINEMA PALACE"}},
			}},
			{today: 22, from: -68, rows: []posting{
				{movement: 7, row: row{amount: -11998, booked: -4, label: "ASSURANCE MUTUELLE"}},
				{movement: 6, row: row{amount: -100, booked: 3, label: "CINEMA PALACE"}},
			}},
		}},
		{"an answer that is too short shows the next payment of one reference", bank.IDStable, []answer{
			{today: 18, from: -72, rows: []posting{
				{movement: 9, row: row{id: "tx7090", amount: -500, booked: -12, label: "CINEMA PALACE"}},
				{movement: 10, row: row{id: "tx7100", amount: -16041, booked: -10, label: "BOULANGERIE LÉGER"}},
			}},
			{today: 22, from: -68, rows: []posting{
				{movement: 11, row: row{id: "tx7100", amount: -16041, booked: 20, label: "BOULANGERIE LÉGER"}},
			}},
		}},
		{"of two announcements, the one settles that was announced lately", bank.IDNone, []answer{
			{today: 14, from: -76, rows: []posting{
				{movement: 8, row: row{pending: true, amount: -218, on: 12, label: "PHARMACIE CENTRALE"}},
				{movement: 9, row: row{pending: true, amount: -218, on: 16, label: "PHARMACIE CENTRALE"}},
			}},
			{today: 23, from: -17, rows: []posting{
				{movement: 9, row: row{amount: -218, booked: 19, label: "PHARMACIE CENTRALE"}},
			}},
		}},
		{"the next authorisation has another label and day", bank.IDPositional, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 13, row: row{pending: true, amount: -353, on: 11, label: "FERROVIAIRE INTERNET"}},
			}},
			{today: 12, from: -78, rows: []posting{
				{movement: 14, row: row{pending: true, amount: -353, on: 12, label: "CB FERROVIAIRE INTERNET 12/03"}},
			}},
		}},
		{"a payment and its refund, while the bank turns all signs", bank.IDConstant, []answer{
			{today: 22, from: -68, rows: []posting{
				{movement: 8, row: row{amount: -700, booked: 12, label: "CINEMA PALACE"}},
				{movement: 9, row: row{amount: 15087, booked: 20, label: "CB FONCIÈRE LOCATIVE 16/03"}},
				{movement: 10, row: row{amount: -15087, booked: 20, label: "CB FONCIÈRE LOCATIVE 16/03"}},
			}},
			{today: 25, from: -10, rows: []posting{
				{movement: 8, row: row{amount: 700, booked: 12, label: "CINEMA PALACE"}},
				{movement: 9, row: row{amount: -15087, booked: 20, label: "CB FONCIÈRE LOCATIVE 16/03"}},
				{movement: 10, row: row{amount: 15087, booked: 20, label: "CB FONCIÈRE LOCATIVE 16/03"}},
			}},
		}},
		{"of two booked rows the one with the id of the label's old form stays", bank.IDPerConsent, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 12, row: row{id: "c0-7120", amount: -8898, booked: 19, label: "CARREFOUR MARKET"}},
				{movement: 13, row: row{id: "c0-7130", amount: -8898, booked: 19, label: "CB CARREFOUR MARKET 18/03"}},
			}},
			{today: 22, from: -11, rows: []posting{
				{movement: 12, row: row{id: "c0-7120", amount: -8898, booked: 19, label: "CB CARREFOUR MARKET 18/03"}},
			}},
		}},
		{"one reference of a payment that recurs, of which one row has another channel's label", bank.IDStable, []answer{
			{today: 14, from: -76, channel: embedded, rows: []posting{
				{movement: 7, row: row{id: "w1", amount: -7944, booked: -7, label: "electricite generale"}},
				{movement: 8, row: row{id: "w1", amount: -7944, booked: 7, label: "electricite generale"}},
			}},
			{today: 15, from: -23, rows: []posting{
				{movement: 7, row: row{id: "t1", amount: -7944, booked: -7, label: "CB ELECTRICITE GENERALE 21/02"}},
			}},
			{today: 16, from: -23, channel: embedded, rows: []posting{
				{movement: 7, row: row{id: "w1", amount: -7944, booked: -7, label: "electricite generale"}},
			}},
		}},
		{"a twin settles while the other one is before the window", bank.IDNone, []answer{
			{today: 13, from: -17, rows: []posting{
				{movement: 13, row: row{pending: true, amount: 6880, on: 9, label: "PHARMACIE CENTRALE"}},
				{movement: 12, row: row{amount: 6880, booked: 12, on: 9, label: "PHARMACIE CENTRALE"}},
			}},
			{today: 46, from: 16, rows: []posting{
				{movement: 13, row: row{amount: 6880, booked: 16, on: 9, label: "PHARMACIE CENTRALE"}},
			}},
		}},
		{"a row that the last answer lacked is not the one that is shown", bank.IDStable, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 11, row: row{amount: -3010, booked: 11, on: 11, label: "ELECTRICITE GENERALE"}},
				{movement: 12, row: row{amount: -3010, booked: 11, on: 10, label: "ELECTRICITE GENERALE"}},
			}},
			{today: 13, from: -19, rows: []posting{
				{movement: 11, row: row{amount: -3010, booked: 11, on: 11, label: "ELECTRICITE GENERALE"}},
			}},
			{today: 20, from: -19, channel: embedded, rows: []posting{
				{movement: 11, row: row{amount: -3010, booked: 11, label: "electricite generale"}},
			}},
		}},
		{"twins with one number of two accounts settle together", bank.IDStable, []answer{
			{today: 10, from: -20, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -13300, booked: -19, label: "FLEURS D'OLIVIER"}},
				{movement: 6, row: row{id: "1", amount: -13800, booked: 3, label: "ASSURANCE MUTUELLE"}},
				{movement: 7, row: row{id: "2", pending: true, amount: -9096, on: 9, label: "CB CINEMA PALACE 09/03"}},
				{movement: 8, row: row{id: "2", pending: true, amount: -9096, on: 9, label: "CB CINEMA PALACE 09/03"}},
			}},
			{today: 26, from: -4, rows: []posting{
				{movement: 6, row: row{id: "1", amount: -13800, booked: 3, label: "ASSURANCE MUTUELLE"}},
				{movement: 7, row: row{id: "2", amount: -9096, booked: 12, label: "CB CINEMA PALACE 09/03"}},
				{movement: 8, row: row{id: "2", amount: -9096, booked: 12, label: "CB CINEMA PALACE 09/03"}},
			}},
		}},
		{"a payment of each day in a gap is not found on another day, with another label", bank.IDNone, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 8, row: row{amount: -10400, booked: -13, label: "CARREFOUR MARKET"}},
				{movement: 12, row: row{amount: -8200, booked: 5, label: "CARREFOUR MARKET"}},
				{movement: 13, row: row{amount: -8200, booked: 6, label: "CARREFOUR MARKET"}},
				{movement: 14, row: row{amount: -8200, booked: 7, label: "CARREFOUR MARKET"}},
				{movement: 15, row: row{amount: -8200, booked: 8, label: "CARREFOUR MARKET"}},
				{movement: 16, row: row{amount: -8200, booked: 9, label: "CARREFOUR MARKET"}},
			}},
			{today: 12, from: -21, suspect: true, rows: []posting{
				{movement: 8, row: row{amount: -10400, booked: -13, label: "CARREFOUR MARKET"}},
				{movement: 12, row: row{amount: -8200, booked: 5, label: "CARREFOUR MARKET"}},
				{movement: 13, row: row{amount: -8200, booked: 6, label: "CARREFOUR MARKET"}},
				{movement: 19, row: row{amount: -8200, booked: 12, label: "CB CARREFOUR MARKET 12/03"}},
			}},
		}},
		{"a row returns to another day under its id, after all signs were turned", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 10, row: row{id: "tx7100", amount: -1167, booked: -26, label: "CB FONCIÈRE LOCATIVE 16/01"}},
				{movement: 7, row: row{id: "tx7070", amount: -16990, booked: -9, label: "CARREFOUR MARKET"}},
				{movement: 3, row: row{id: "tx7030", amount: -3091, booked: -7, label: "CB BOULANGERIE LÉGER 19/02"}},
			}},
			{today: 17, from: -16, rows: []posting{
				{movement: 7, row: row{id: "tx7070", amount: 16990, booked: -9, label: "CARREFOUR MARKET"}},
				{movement: 3, row: row{id: "tx7030", amount: 3091, booked: -7, label: "CB BOULANGERIE LÉGER 19/02"}},
			}},
			{today: 18, from: -16, rows: []posting{
				{movement: 7, row: row{id: "tx7070", amount: 16990, booked: -9, label: "CARREFOUR MARKET"}},
				{movement: 3, row: row{id: "tx7030", amount: 3091, booked: -7, label: "CB BOULANGERIE LÉGER 19/02"}},
				{movement: 10, row: row{id: "tx7100", amount: 1167, booked: 8, label: "CB FONCIÈRE LOCATIVE 16/01"}},
			}},
		}},
		{"a booked row gets another id and another amount at once", bank.IDPerConsent, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 6, row: row{id: "c0-7060", amount: -11300, booked: 3, label: "BOULANGERIE LÉGER"}},
				{movement: 10, row: row{id: "c0-7100", amount: -5800, booked: 5, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 23, from: -25, rows: []posting{
				{movement: 6, row: row{id: "c0-7060", amount: -11300, booked: 3, label: "BOULANGERIE LÉGER"}},
				{movement: 10, row: row{id: "c0-7101", amount: -5777, booked: 5, label: "RESTAURANT LA MARÉE"}},
			}},
		}},
		{"a booked row gets a day and another amount", bank.IDPositional, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 14, row: row{amount: -300, label: "PRESSING EXPRESS"}},
			}},
			{today: 30, from: -60, rows: []posting{
				{movement: 14, row: row{amount: -240, booked: 6, label: "PRESSING EXPRESS"}},
			}},
		}},
		{"an announcement that an answer lacked is booked with the other sign", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 6, row: row{pending: true, amount: -18700, on: 10, label: "PRESSING EXPRESS"}},
			}},
			{today: 14, from: -76, rows: []posting{}},
			{today: 17, from: -73, rows: []posting{
				{movement: 6, row: row{amount: 18700, booked: 16, label: "PRESSING EXPRESS"}},
			}},
		}},
		{"an announcement is booked with the other sign, as other rows are shown", bank.IDNone, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 4, row: row{amount: -1200, booked: -8, label: "CINEMA PALACE"}},
				{movement: 5, row: row{amount: 1400, booked: -7, label: "RESTAURANT LA MARÉE"}},
				{movement: 1, row: row{pending: true, amount: 3100, on: 11, label: "ASSURANCE MUTUELLE"}},
			}},
			{today: 16, from: -74, rows: []posting{
				{movement: 4, row: row{amount: -1200, booked: -8, label: "CINEMA PALACE"}},
				{movement: 5, row: row{amount: -1400, booked: -7, label: "RESTAURANT LA MARÉE"}},
				{movement: 1, row: row{amount: -3100, booked: 14, label: "ASSURANCE MUTUELLE"}},
			}},
		}},
		{"of two amounts, a restaurant settles for the one with a tip", bank.IDPositional, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 13, row: row{pending: true, amount: -6500, on: 11, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 13, row: row{amount: -7738, booked: 13, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
				{movement: 12, row: row{amount: -4700, booked: 14, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
		}},
		{"a pump reserves dollars and settles for fewer euros", bank.IDNone, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 5, row: row{pending: true, amount: -11752, on: 12, label: "STATION SERVICE DU LAC", mcc: "5542"}, currency: "USD"},
			}},
			{today: 24, from: -66, rows: []posting{
				{movement: 5, row: row{amount: -3500, booked: 15, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
		}},
		{"of two amounts, dollars are booked for the one at their rate", bank.IDPositional, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 6, row: row{pending: true, amount: -10283, on: 10, label: "CARREFOUR MARKET"}, currency: "USD"},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 5, row: row{amount: -12200, booked: 13, label: "CARREFOUR MARKET"}},
				{movement: 6, row: row{amount: -9100, booked: 13, label: "CARREFOUR MARKET"}},
			}},
		}},
		{"a settled form stands twice in the answer", bank.IDConstant, []answer{
			{today: 10, from: -76, rows: []posting{
				{movement: 6, row: row{pending: true, amount: -14600, on: 10, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
			{today: 14, from: -76, rows: []posting{
				{movement: 6, row: row{amount: -11222, booked: 14, label: "STATION SERVICE DU LAC", mcc: "5542"}},
				{movement: 7, row: row{amount: -11222, booked: 15, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
		}},
		{"an expired announcement of the day before is another one", bank.IDNone, []answer{
			{today: 17, from: -73, rows: []posting{
				{movement: 1, row: row{amount: -300, booked: 5, on: 3, label: "CINEMA PALACE"}},
				{movement: 7, row: row{pending: true, amount: -14800, on: 17, label: "TELECOM SERVICES"}},
			}},
			{today: 18, from: -72, rows: []posting{
				{movement: 1, row: row{amount: -300, booked: 5, on: 3, label: "CINEMA PALACE"}},
			}},
			{today: 20, from: -70, rows: []posting{
				{movement: 1, row: row{amount: -300, booked: 5, on: 3, label: "CINEMA PALACE"}},
				{movement: 8, row: row{amount: -14800, booked: 20, on: 18, label: "TELECOM SERVICES"}},
			}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { playAnswers(t, c.ids, c.answers) })
	}
}

// TestAnotherID has rows whose id distinguishes them from known rows, at a bank that keeps its ids, and
// one at a bank that does not.
func TestAnotherID(t *testing.T) {
	shop := posting{movement: 1, row: row{id: "a", amount: -900, booked: 5, label: "GARAGE DU MIDI"}}
	pending := posting{movement: 2, row: row{id: "b", pending: true, amount: -14866, on: 9, label: "CINEMA PALACE"}}
	booked := func(movement int, id string, day int) posting {
		return posting{movement: movement, row: row{id: id, amount: -14866, booked: day, label: "CINEMA PALACE"}}
	}
	renamed := shop
	renamed.id = "a2"
	dated := func(p posting) posting {
		p.label = "CB CINEMA PALACE 09/03"
		return p
	}
	for _, c := range []struct {
		name    string
		answers []answer
	}{
		{"a booking that comes late is the next payment", []answer{
			{today: 10, from: -80, rows: []posting{shop, pending}},
			{today: 16, from: -74, rows: []posting{shop, booked(3, "c", 15)}},
		}},
		{"a booking that comes soon is the pending row under a new id", []answer{
			{today: 10, from: -80, rows: []posting{shop, pending}},
			{today: 14, from: -76, rows: []posting{shop, booked(2, "c", 12)}},
		}},
		{"a booking that comes late is the pending row if the bank gives new ids", []answer{
			{today: 10, from: -80, rows: []posting{shop}},
			{today: 11, from: -79, rows: []posting{renamed, pending}},
			{today: 16, from: -74, rows: []posting{renamed, booked(2, "c", 15)}},
		}},
		{"a booking that comes late is the pending row if its label has the day of the operation", []answer{
			{today: 10, from: -80, rows: []posting{shop, dated(pending)}},
			{today: 16, from: -74, rows: []posting{shop, dated(booked(2, "c", 15))}},
		}},
		{"a booking after an answer that lacked the pending row is the next payment", []answer{
			{today: 10, from: -80, rows: []posting{shop, pending}},
			{today: 11, from: -79, rows: []posting{shop}},
			{today: 13, from: -77, rows: []posting{shop, booked(3, "c", 12)}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { playAnswers(t, bank.IDStable, c.answers) })
	}
}

// TestRepeatedByBalance has a bank without ids that shows a row twice, a day apart, with one balance
// after it.
func TestRepeatedByBalance(t *testing.T) {
	before := row{amount: -500, booked: 9, value: 9, label: "GARAGE DU MIDI", balance: 95_000_000}
	once := row{amount: -3500, booked: 13, value: 13, label: "CINEMA PALACE", balance: 91_500_000}
	nextDay, nextValue, twin := once, once, once
	nextDay.booked, nextValue.value = 14, 14
	twin.booked, twin.balance = 14, 88_000_000
	back := row{amount: 3500, booked: 14, value: 14, label: "REMBOURSEMENT", balance: 95_000_000}
	for _, c := range []struct {
		name string
		rows []row
		want int
	}{
		{"booked a day apart", []row{before, once, nextDay}, 2},
		{"valued a day apart", []row{before, once, nextValue}, 2},
		{"twins move the balance", []row{before, once, twin}, 3},
		{"a refund between them restores the balance", []row{before, once, back, nextDay}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l ledger
			result, _ := l.apply(fetch(bank.IDNone, c.rows...))
			if len(result.New) != c.want {
				t.Errorf("%d rows are new, want %d", len(result.New), c.want)
			}
		})
	}
}

// TestDistinctIDs has answers that show what a bank's ids are, and one that only former answers explain.
func TestDistinctIDs(t *testing.T) {
	shop := func(id string, amount oxlin.Amount) row {
		return row{id: id, amount: -amount, booked: int(amount % 30), label: "CINEMA PALACE"}
	}
	repeated := func(id string) []row {
		return []row{{id: id, amount: -3500, booked: 13, label: "GARAGE DU MIDI"}, {id: id, amount: -3500, booked: 14, label: "GARAGE DU MIDI"}}
	}
	for _, c := range []struct {
		name             string
		before           bool
		rows             []row
		new              int
		distinct, broken bool
	}{
		{"three ids of three rows", false, []row{shop("a", 1), shop("b", 2), shop("c", 3)}, 3, true, false},
		{"three ids of three rows, and not whole", false, []row{shop("a", 1), shop("b", 2), shop("c", 3)}, 3, false, true},
		{"one id of all rows", false, []row{shop("a", 1), shop("a", 2), shop("a", 3)}, 3, false, false},
		{"one id of two rows, against former answers", true, []row{shop("a", 1), shop("a", 2), shop("b", 3)}, 3, false, false},
		{"a repeated row alone", false, repeated("a"), 2, false, false},
		{"a repeated row alone, after answers with distinct ids", true, repeated("a"), 1, true, false},
		{"no row, after answers with distinct ids", true, nil, 0, true, false},
		{"placeholders, after answers with distinct ids", true, repeated("NOTPROVIDED"), 2, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fetch(bank.IDNone, c.rows...)
			f.DistinctIDs, f.Complete = c.before, !c.broken
			var l ledger
			result, _ := l.apply(f)
			if len(result.New) != c.new || result.DistinctIDs != c.distinct {
				t.Errorf("%d rows are new, distinct ids %v", len(result.New), result.DistinctIDs)
			}
		})
	}
}

// TestIDsOfOneAnswer has answers that tell what their ids are.
func TestIDsOfOneAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		ids     bank.IDClass
		answers []answer
	}{
		{"payments of each day keep their ids as all days move", bank.IDStable, []answer{
			{today: 14, from: -76, rows: []posting{
				{movement: 15, row: row{id: "tx7150", amount: -6719, booked: 12, label: "GARAGE DU MIDI"}},
				{movement: 16, row: row{id: "tx7160", amount: -6719, booked: 13, label: "GARAGE DU MIDI"}},
				{movement: 17, row: row{id: "tx7170", amount: -6719, booked: 14, label: "GARAGE DU MIDI"}},
			}},
			{today: 21, from: -16, rows: []posting{
				{movement: 15, row: row{id: "tx7150", amount: -6719, booked: 11, label: "GARAGE DU MIDI"}},
				{movement: 16, row: row{id: "tx7160", amount: -6719, booked: 12, label: "GARAGE DU MIDI"}},
				{movement: 17, row: row{id: "tx7170", amount: -6719, booked: 13, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"twins were exchanged on a day without ids, and the booked one has another label now", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 1, row: row{id: "a", pending: true, amount: -200, on: 9, label: "BOULANGERIE DUPAIN"}},
				{movement: 2, row: row{id: "b", pending: true, amount: -200, on: 9, label: "BOULANGERIE DUPAIN"}},
			}},
			{today: 12, from: -78, rows: []posting{
				{movement: 2, row: row{amount: -200, booked: 12, on: 9, label: "CB BOULANGERIE DUPAIN 09/03"}},
				{movement: 1, row: row{pending: true, amount: -200, on: 9, label: "BOULANGERIE DUPAIN"}},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 2, row: row{id: "a", amount: -200, booked: 12, on: 9, label: "BOULANGERIE DUPA"}},
				{movement: 1, row: row{id: "b", pending: true, amount: -200, on: 9, label: "BOULANGERIE DUPAIN"}},
			}},
		}},
		{"two ids number the rows of the answer, and the known row has slid", bank.IDPerConsent, []answer{
			{today: 20, from: -70, rows: []posting{
				{movement: 4, row: row{id: "1", amount: -16995, booked: -15, label: "ELECTRICITE GENERALE"}},
			}},
			{today: 24, from: -66, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -16995, booked: -15, label: "CB ELECTRICITE GENERALE 13/02"}},
				{movement: 4, row: row{id: "2", amount: -16995, booked: -15, label: "ELECTRICITE GENERALE"}},
			}},
		}},
		{"one of two twins stands on two pages under its place, and a gap hides the other", bank.IDPositional, []answer{
			{today: 15, from: -75, rows: []posting{
				{movement: 10, row: row{id: "2026-03-05.1", amount: -900, booked: 5, label: "CINEMA PALACE"}},
				{movement: 12, row: row{id: "2026-03-06.2", amount: -6190, booked: 6, label: "PRESSING EXPRESS"}},
				{movement: 11, row: row{id: "2026-03-06.1", amount: -6190, booked: 6, label: "PRESSING EXPRESS"}},
			}},
			{today: 17, from: -24, rows: []posting{
				{movement: 10, row: row{id: "2026-03-05.1", amount: -900, booked: 5, label: "CINEMA PALACE"}},
				{movement: 11, row: row{id: "2026-03-06.1", amount: -6190, booked: 6, label: "PRESSING EXPRESS"}},
				{movement: 11, row: row{id: "2026-03-06.1", amount: -6190, booked: 6, label: "PRESSING EXPRESS"}},
			}},
		}},
		{"two announcements of one id were shown together, and one is booked", bank.IDStable, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 3, row: row{id: "2", amount: -4800, booked: -18, label: "FONCIERE LOCATIVE"}},
				{movement: 4, row: row{id: "2", amount: -12400, booked: -18, label: "RESTAURANT LA MAREE"}},
				{movement: 5, row: row{id: "3", amount: -900, booked: 9, label: "CARREFOUR MARKET"}},
				{movement: 13, row: row{id: "7", pending: true, amount: -9717, on: 17, label: "CB GARAGE DU MIDI 17/03"}},
				{movement: 14, row: row{id: "7", pending: true, amount: -9717, on: 17, label: "GARAGE DU MIDI"}},
			}},
			{today: 22, from: -13, rows: []posting{
				{movement: 3, row: row{id: "2", amount: -4800, booked: -18, label: "FONCIERE LOCATIVE"}},
				{movement: 4, row: row{id: "2", amount: -12400, booked: -18, label: "RESTAURANT LA MAREE"}},
				{movement: 5, row: row{id: "3", amount: -900, booked: 9, label: "CARREFOUR MARKET"}},
				{movement: 14, row: row{id: "7", pending: true, amount: -9717, on: 17, label: "GARAGE DU MIDI"}},
				{movement: 13, row: row{id: "7", amount: -9717, booked: 22, label: "CB GARAGE DU MIDI 17/03"}},
			}},
		}},
		{"the next payment of one reference comes while a gap hides the last one", bank.IDStable, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 9, row: row{id: "tx7090", amount: -221, booked: 1, label: "CINEMA PALACE"}},
			}},
			{today: 17, from: -29, rows: []posting{
				{movement: 10, row: row{id: "tx7090", amount: -221, booked: 15, label: "CINEMA PALACE"}},
			}},
		}},
		{"two rows move under their ids to days that were read before", bank.IDStable, []answer{
			{today: 14, from: -76, rows: []posting{
				{movement: 7, row: row{id: "tx7070", amount: -5400, booked: -66, label: "TELECOM SERVICES"}},
				{movement: 8, row: row{id: "tx7080", amount: -3400, booked: -44, label: "JARDINERIE DES BORDS"}},
			}},
			{today: 24, from: -66, rows: []posting{
				{movement: 7, row: row{id: "tx7070", amount: -5400, booked: -18, label: "TELECOM SERVICES"}},
				{movement: 8, row: row{id: "tx7080", amount: -3400, booked: -11, label: "JARDINERIE DES BORDS"}},
			}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { playAnswers(t, c.ids, c.answers) })
	}
}

// TestThinEvidence has rows that one sign makes another one, and a stronger sign does not.
func TestThinEvidence(t *testing.T) {
	for _, c := range []struct {
		name    string
		ids     bank.IDClass
		answers []answer
	}{
		{"a payment and its refund move by a day, and no sign turns", bank.IDPositional, []answer{
			{today: 22, from: -68, rows: []posting{
				{movement: 10, row: row{amount: -7070, booked: 19, label: "JARDINERIE DES BORDS"}},
				{movement: 11, row: row{amount: 7070, booked: 20, label: "JARDINERIE DES BORDS"}},
			}},
			{today: 23, from: -10, rows: []posting{
				{movement: 10, row: row{amount: -7070, booked: 18, label: "JARDINERIE DES BORDS"}},
				{movement: 11, row: row{amount: 7070, booked: 19, label: "JARDINERIE DES BORDS"}},
			}},
		}},
		{"an amount is corrected as another shop takes the former one on that day", bank.IDNone, []answer{
			{today: 22, from: -68, rows: []posting{
				{movement: 9, row: row{amount: -11197, booked: -1, label: "FERROVIAIRE INTERNET"}},
			}},
			{today: 27, from: -63, rows: []posting{
				{movement: 10, row: row{amount: -11197, booked: -1, label: "RESTAURANT LA MAREE"}},
				{movement: 9, row: row{amount: -10698, booked: -1, label: "FERROVIAIRE INTERNET"}},
			}},
		}},
		{"a label tells of an operation long after the booking of a known row", bank.IDPositional, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 14, row: row{amount: -9800, booked: 10, label: "LIBRAIRIE CORNEE"}},
				{movement: 15, row: row{amount: -9812, booked: 11, label: "LIBRAIRIE CORNEE"}},
			}},
			{today: 17, from: -19, rows: []posting{
				{movement: 14, row: row{amount: -9800, booked: 10, label: "LIBRAIRIE CORNEE"}},
				{movement: 21, row: row{amount: -9812, booked: 17, label: "CB LIBRAIRIE CORNEE 17/03"}},
			}},
		}},
		{"of two purchases of one day, the one with a tip is the reserved one", bank.IDNone, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 10, row: row{pending: true, amount: -3300, on: 10, label: "RESTAURANT LA MAREE", mcc: "5812"}},
			}},
			{today: 25, from: -65, rows: []posting{
				{movement: 9, row: row{amount: -14600, booked: 13, on: 10, label: "RESTAURANT LA MAREE", mcc: "5812"}},
				{movement: 10, row: row{amount: -3864, booked: 14, on: 10, label: "RESTAURANT LA MAREE", mcc: "5812"}},
			}},
		}},
		{"of two payments after one in dollars, the one at a rate of these years is it", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 14, row: row{pending: true, amount: -9030, on: 11, label: "FONCIERE LOCATIVE"}, currency: "USD"},
			}},
			{today: 39, from: -51, rows: []posting{
				{movement: 21, row: row{amount: -9500, booked: 13, label: "FONCIERE LOCATIVE"}},
				{movement: 14, row: row{amount: -8600, booked: 16, label: "FONCIERE LOCATIVE"}},
			}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { playAnswers(t, c.ids, c.answers) })
	}
}

// TestBookedRowsGetTheirDayFirst has a row without a day that stays pending beside its booked form:
// the day is the booked form's, and the pending row expires.
func TestBookedRowsGetTheirDayFirst(t *testing.T) {
	pending := row{pending: true, amount: -7400, label: "FERROVIAIRE INTERNET"}
	undated := row{amount: -7400, label: "FERROVIAIRE INTERNET"}
	dated := undated
	dated.booked = 14
	var l ledger
	l.apply(fetch(bank.IDNone, pending))
	l.apply(fetch(bank.IDNone, undated, pending))
	result, ids := l.apply(fetch(bank.IDNone, dated))
	if ids[0] != 2 || len(result.Expired) != 1 {
		t.Errorf("the booked row is %v, and %v expired", ids[0], result.Expired)
	}
}

// TestTheDayInALabelTellsUndatedRowsApart has an authorisation of one day, and a booked row without any
// day whose label tells the day of the operation.
func TestTheDayInALabelTellsUndatedRowsApart(t *testing.T) {
	for _, c := range []struct {
		name    string
		pending row
		booked  row
		want    oxlin.TransactionID
	}{
		{"the same day", row{on: 10, label: "GARAGE DU PORT"}, row{label: "CB GARAGE DU PORT 10/03"}, 1},
		{"the day after midnight", row{on: 10, label: "GARAGE DU PORT"}, row{label: "CB GARAGE DU PORT 11/03"}, 1},
		{"another day", row{on: 10, label: "GARAGE DU PORT"}, row{label: "CB GARAGE DU PORT 14/03"}, 2},
		{"another day, under one id", row{id: "a17", on: 10, label: "GARAGE DU PORT"}, row{id: "a17", label: "CB GARAGE DU PORT 14/03"}, 2},
		{"no day", row{on: 10, label: "GARAGE DU PORT"}, row{label: "CB GARAGE DU PORT"}, 1},
		{"the pending row has none but in its label", row{label: "GARAGE DU PORT 10/03"}, row{booked: 15, label: "CB GARAGE DU PORT 14/03"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.pending.pending, c.pending.amount, c.booked.amount = true, -8100, -8100
			var l ledger
			l.apply(fetch(bank.IDStable, c.pending))
			_, ids := l.apply(fetch(bank.IDStable, c.booked))
			if ids[0] != c.want {
				t.Errorf("the booked row is %v, not %v", ids[0], c.want)
			}
		})
	}
}

// TestARowOnTwoPagesCountsOnce shows a row twice under one id at banks whose ids do not last.
func TestARowOnTwoPagesCountsOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []row
	}{
		{"beside the rows of one reference", []row{
			{id: "r7010", amount: -100, booked: 2, label: "CINEMA PALACE"},
			{id: "r7060", amount: -16770, booked: -8, label: "FONCIERE LOCATIVE"},
			{id: "r7060", amount: -16770, booked: -1, label: "FONCIERE LOCATIVE"},
			{id: "r7060", amount: -16770, booked: 6, label: "FONCIERE LOCATIVE"},
			{id: "r7060", amount: -16770, booked: -1, label: "FONCIERE LOCATIVE"},
		}},
		{"under the number of its day", []row{
			{id: "2026-03-11.1", amount: -5600, booked: 11, value: 11, label: "FONCIERE LOCATIVE"},
			{id: "2026-03-11.1", amount: -5600, booked: 11, value: 12, label: "FONCIERE LOCATIVE"},
		}},
		{"booked a day apart, beside two other rows", []row{
			{id: "r7030", amount: -2264, booked: 14, label: "FERROVIAIRE INTERNET"},
			{id: "r7070", amount: -4363, booked: 24, label: "FLEURS D'OLIVIER"},
			{id: "r7060", amount: 3989, booked: 29, label: "LIBRAIRIE CORNEE"},
			{id: "r7060", amount: 3989, booked: 30, label: "LIBRAIRIE CORNEE"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l ledger
			result, _ := l.apply(fetch(bank.IDNone, c.rows...))
			if len(result.New) != len(c.rows)-1 {
				t.Errorf("%d rows of %d postings are new", len(result.New), len(c.rows))
			}
		})
	}
}
