package reconcile_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// posting is a row of an answer, and the movement of money behind it, which recognition
// cannot see.
type posting struct {
	movement int
	row
	other    bool
	currency string
}

// answer is one reading: today and the first day that it covers are days of March.
type answer struct {
	today, from int
	partial     bool
	// suspect: too much is absent for anything to be missing.
	suspect bool
	channel oxlin.ChannelDefinitionID
	rows    []posting
}

func (a answer) fetched(ids bank.IDClass) reconcile.Fetched {
	f := reconcile.Fetched{
		CoveredFrom: march(a.from), Complete: !a.partial, IDs: ids, Channel: redirect, Today: march(a.today),
	}
	if a.channel != "" {
		f.Channel = a.channel
	}
	for _, r := range a.rows {
		t := r.transaction()
		if r.other {
			t.Status = oxlin.StatusOther
		}
		if r.currency != "" {
			t.Currency = r.currency
		}
		f.Transactions = append(f.Transactions, t)
	}
	return f
}

// TestTorture has minimal inputs that the torture corpus found (see package torture): each
// movement keeps the row that it has got, and no two share one.
func TestTorture(t *testing.T) {
	for _, c := range []struct {
		name    string
		ids     bank.IDClass
		answers []answer
	}{
		{"an authorisation that an empty answer lacked is booked with a tip", bank.IDConstant, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 7, row: row{pending: true, amount: -15500, on: 9, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
			{today: 14, from: -76, rows: []posting{}},
			{today: 21, from: -69, rows: []posting{
				{movement: 7, row: row{amount: -17369, booked: 11, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
		}},
		{"an authorisation that an empty answer lacked is booked at another rate", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 5, row: row{pending: true, amount: -12900, on: 10, label: "AMAZON COM USD"}},
			}},
			{today: 21, from: -69, rows: []posting{}},
			{today: 24, from: -66, rows: []posting{
				{movement: 5, row: row{amount: -13029, booked: 14, label: "AMAZON COM USD"}},
			}},
		}},
		{"an authorisation that an empty answer lacked is booked in another currency", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 5, row: row{pending: true, amount: -12900, on: 10, label: "BOOKSHOP PORTLAND"}, currency: "USD"},
			}},
			{today: 14, from: -76, rows: []posting{}},
			{today: 21, from: -66, rows: []posting{
				{movement: 5, row: row{amount: -11750, booked: 13, label: "BOOKSHOP PORTLAND"}},
			}},
		}},
		{"one reference for each week's payment", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
			}},
			{today: 11, from: -28, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
			}},
			{today: 18, from: -21, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
				{movement: 3, row: row{id: "rent", amount: -9900, booked: 16, label: "FONCIERE LOCATIVE"}},
			}},
		}},
		{"the balance after tells which twin was cancelled", bank.IDNone, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 7, row: row{amount: -4843, booked: 16, label: "CB TELECOM SERVICES 13/03", balance: 95157}},
				{movement: 8, row: row{amount: -4843, booked: 16, label: "CB TELECOM SERVICES 13/03", balance: 90314}},
			}},
			{today: 18, from: -14, rows: []posting{
				{movement: 7, row: row{amount: -4843, booked: 16, label: "CB TELECOM SERVICES 13/03", balance: 95157}},
			}},
		}},
		{"an empty answer is not believed", bank.IDStable, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 7, row: row{amount: -1800, booked: -3, label: "PRESSING EXPRESS"}},
				{movement: 8, row: row{amount: -6100, booked: 5, label: "GARAGE DU MIDI"}},
				{movement: 9, row: row{amount: -2300, booked: 12, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 16, from: -18, suspect: true, rows: []posting{}},
		}},
		{"a day moves by one, into the window", bank.IDConstant, []answer{
			{today: 11, from: -19, rows: []posting{
				{movement: 7, row: row{amount: -7900, booked: 1, label: "CINEMA PALACE"}},
			}},
			{today: 32, from: 2, rows: []posting{
				{movement: 7, row: row{amount: -7900, booked: 2, label: "CINEMA PALACE"}},
			}},
		}},
		{"a booked row without a day gets one", bank.IDNone, []answer{
			{today: 18, from: -72, rows: []posting{
				{movement: 7, row: row{amount: -6100, label: "ASSURANCE MUTUELLE"}},
			}},
			{today: 28, from: -62, rows: []posting{
				{movement: 7, row: row{amount: -6100, booked: 3, label: "ASSURANCE MUTUELLE"}},
			}},
		}},
		{"a pending row without a day is booked on one", bank.IDNone, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 9, row: row{amount: -12800, label: "TELECOM SERVICES"}},
			}},
			{today: 19, from: -71, rows: []posting{
				{movement: 9, row: row{amount: -12800, booked: 12, label: "TELECOM SERVICES"}},
			}},
		}},
		{"the day of booking moves at the border of the window", bank.IDNone, []answer{
			{today: 36, from: 6, rows: []posting{
				{movement: 6, row: row{amount: -15300, booked: 6, label: "CARREFOUR MARKET"}},
			}},
			{today: 39, from: 9, rows: []posting{
				{movement: 6, row: row{amount: -15300, booked: 9, label: "CARREFOUR MARKET"}},
			}},
		}},
		{"every sign is told the other way", bank.IDNone, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 9, row: row{amount: 15500, booked: -1, label: "TELECOM SERVICES"}},
			}},
			{today: 22, from: -68, rows: []posting{
				{movement: 9, row: row{amount: -15500, booked: -1, label: "TELECOM SERVICES"}},
			}},
		}},
		{"a booked amount is corrected, without ids", bank.IDNone, []answer{
			{today: 15, from: -75, rows: []posting{
				{movement: 6, row: row{amount: -5600, booked: -1, label: "ASSURANCE MUTUELLE"}},
			}},
			{today: 19, from: -71, rows: []posting{
				{movement: 6, row: row{amount: -5203, booked: -1, label: "ASSURANCE MUTUELLE"}},
			}},
		}},
		{"a label is cut inside a word at settlement", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 10, row: row{pending: true, amount: -13500, on: 10, label: "GARAGE DU MIDI"}},
			}},
			{today: 19, from: -71, rows: []posting{
				{movement: 10, row: row{amount: -13500, booked: 13, label: "GARAGE DU MI"}},
			}},
		}},
		{"pending disappears, and the next like payment is booked", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 9, row: row{pending: true, amount: -6247, on: 11, label: "TELECOM SERVICES"}},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 10, row: row{amount: -6247, booked: 16, on: 15, label: "TELECOM SERVICES"}},
			}},
		}},
		{"an authorisation is cancelled, and the next one is announced", bank.IDNone, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 8, row: row{pending: true, amount: -4344, on: 9, label: "TELECOM SERVICES"}},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 9, row: row{amount: -4344, booked: 12, label: "CB TELECOM SERVICES 12/03"}},
			}},
		}},
		{"a payment is announced in dollars and booked in euro", bank.IDNone, []answer{
			{today: 21, from: -69, rows: []posting{
				{movement: 10, row: row{pending: true, amount: -1998, on: 18, label: "BOULANGERIE LÉGER"}, currency: "USD"},
			}},
			{today: 23, from: -67, rows: []posting{
				{movement: 10, row: row{amount: -1800, booked: 22, label: "BOULANGERIE LÉGER"}},
			}},
		}},
		{"fuel, and the label loses its date", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 5, row: row{pending: true, amount: -16200, on: 9, label: "09/03 12:41 STATION SERVICE DU LAC PARIS", mcc: "5542"}},
			}},
			{today: 26, from: -64, rows: []posting{
				{movement: 5, row: row{amount: -14415, booked: 11, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
		}},
		{"the nearest of two days is the one that moved", bank.IDNone, []answer{
			{today: 12, from: -18, rows: []posting{
				{movement: 12, row: row{amount: -10368, booked: 4, label: "RESTAURANT LA MARÉE"}},
				{movement: 19, row: row{amount: -10368, booked: 11, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 34, from: 4, rows: []posting{
				{movement: 19, row: row{amount: -10368, booked: 10, label: "RESTAURANT LA MARÉE"}},
			}},
		}},
		{"fuel, and the label gets details", bank.IDNone, []answer{
			{today: 18, from: -72, rows: []posting{
				{movement: 11, row: row{pending: true, amount: -7600, on: 17, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
			{today: 43, from: -47, rows: []posting{
				{movement: 11, row: row{amount: -3788, booked: 21, label: "PAIEMENT CB 1703 PARIS STATION SERVICE DU LAC CARTE 4974XXXXXXXX1234", mcc: "5542"}},
			}},
		}},
		{"ids count the rows of the answer", bank.IDStable, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 12, row: row{id: "1", pending: true, amount: -11300, on: 10, label: "GARAGE DU MIDI"}},
			}},
			{today: 14, from: -76, rows: []posting{
				{movement: 8, row: row{id: "1", pending: true, amount: -9800, on: 13, label: "TELECOM SERVICES"}},
				{movement: 12, row: row{id: "2", amount: -11300, booked: 13, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"ids count the rows of the answer, and two amounts are equal", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 2, row: row{id: "1", pending: true, amount: -500, on: 10, label: "PHARMACIE CENTRALE"}},
			}},
			{today: 22, from: -68, rows: []posting{
				{movement: 13, row: row{id: "1", amount: -500, booked: 11, label: "BOULANGERIE LÉGER"}},
				{movement: 2, row: row{id: "2", amount: -500, booked: 11, label: "PHARMACIE CENTRALE"}},
			}},
		}},
		{"a gap in an answer is not believed", bank.IDNone, []answer{
			{today: 14, from: -76, rows: []posting{
				{movement: 4, row: row{amount: -19200, booked: 8, label: "LIBRAIRIE CORNÉE"}},
				{movement: 5, row: row{amount: -4700, booked: 9, label: "PRESSING EXPRESS"}},
				{movement: 6, row: row{amount: -8300, booked: 10, label: "ASSURANCE MUTUELLE"}},
				{movement: 2, row: row{amount: -6400, booked: 13, label: "LIBRAIRIE CORNÉE"}},
			}},
			{today: 15, from: -17, suspect: true, rows: []posting{
				{movement: 4, row: row{amount: -19200, booked: 8, label: "LIBRAIRIE CORNÉE"}},
			}},
		}},
		{"ids count the rows of the answer, and an older one comes", bank.IDPerConsent, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 8, row: row{id: "1", pending: true, amount: -13800, on: 11, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
			{today: 15, from: -75, rows: []posting{
				{movement: 6, row: row{id: "1", amount: -18700, booked: 2, label: "PHARMACIE CENTRALE"}},
				{movement: 8, row: row{id: "2", amount: -13800, booked: 12, label: "RESTAURANT LA MARÉE", mcc: "5812"}},
			}},
		}},
		{"a day moves by one, into a window with other rows", bank.IDNone, []answer{
			{today: 39, from: -51, rows: []posting{
				{movement: 4, row: row{amount: -8600, booked: 6, label: "FERROVIAIRE INTERNET"}},
				{movement: 1, row: row{amount: -1500, booked: 37, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 45, from: 7, rows: []posting{
				{movement: 4, row: row{amount: -8600, booked: 7, label: "FERROVIAIRE INTERNET"}},
				{movement: 1, row: row{amount: -1500, booked: 37, label: "RESTAURANT LA MARÉE"}},
			}},
		}},
		{"ids count the rows of the answer, the newest first", bank.IDPerConsent, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 9, row: row{id: "1", amount: -18100, booked: 14, label: "PHARMACIE CENTRALE"}, other: true},
			}},
			{today: 19, from: -71, rows: []posting{
				{movement: 9, row: row{id: "2", amount: -18100, booked: 14, label: "PHARMACIE CENTRALE"}},
				{movement: 6, row: row{id: "1", amount: -400, booked: 17, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
		}},
		{"a booked row moves, and a pending one beside it", bank.IDPositional, []answer{
			{today: 15, from: -75, rows: []posting{
				{movement: 9, row: row{pending: true, amount: -19307, on: 10, label: "FLEURS D'OLIVIER"}},
				{movement: 8, row: row{amount: -19307, booked: 14, label: "FLEURS D'OLIVIER"}},
			}},
			{today: 16, from: -16, rows: []posting{
				{movement: 9, row: row{pending: true, amount: -19307, on: 9, label: "FLEURS D'OLIVIER"}},
				{movement: 8, row: row{amount: -19307, booked: 13, label: "FLEURS D'OLIVIER"}},
			}},
		}},
		{"twins under one id, and a balance after each", bank.IDStable, []answer{
			{today: 38, from: -52, rows: []posting{
				{movement: 5, row: row{id: "FR76-ACCOUNT", amount: -6314, booked: 14, label: "GARAGE DU MIDI", balance: 93686}},
				{movement: 6, row: row{id: "FR76-ACCOUNT", amount: -6314, booked: 14, label: "GARAGE DU MIDI", balance: 87372}},
			}},
		}},
		{"a payment in dollars, whose label is cut inside the currency", bank.IDNone, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 8, row: row{pending: true, amount: -13200, on: 15, label: "AMAZON COM USD"}},
			}},
			{today: 25, from: -65, rows: []posting{
				{movement: 8, row: row{amount: -12804, booked: 19, label: "AMAZON COM U"}},
			}},
		}},
		{"a row stands on two pages, at a bank whose ids are new in each answer", bank.IDNone, []answer{
			{today: 36, from: -54, rows: []posting{
				{movement: 1, row: row{id: "r0-1", amount: -5400, booked: 29, label: "CARREFOUR MARKET"}},
				{movement: 2, row: row{id: "r0-2", amount: -5400, booked: 29, label: "CARREFOUR MARKET"}},
				{movement: 3, row: row{id: "r0-3", amount: -800, booked: 30, label: "PRESSING EXPRESS"}},
				{movement: 1, row: row{id: "r0-1", amount: -5400, booked: 29, label: "CARREFOUR MARKET"}},
			}},
		}},
		{"a cancelled authorisation's id goes to the next one of the same shop and amount", bank.IDStable, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 7, row: row{id: "a", pending: true, amount: -4300, on: 11, label: "TELECOM SERVICES"}},
			}},
			{today: 16, from: -74, rows: []posting{
				{movement: 8, row: row{id: "a", pending: true, amount: -4300, on: 15, label: "TELECOM SERVICES"}},
			}},
			{today: 18, from: -72, rows: []posting{
				{movement: 8, row: row{id: "a", amount: -4300, booked: 17, label: "TELECOM SERVICES"}},
			}},
		}},
		{"a cancelled authorisation's id goes to the next one, whose label tells its day", bank.IDPerConsent, []answer{
			{today: 33, from: -57, rows: []posting{
				{movement: 10, row: row{id: "a", pending: true, amount: -10488, on: 31, label: "BOULANGERIE LÉGER"}},
			}},
			{today: 36, from: -54, rows: []posting{
				{movement: 11, row: row{id: "a", amount: -10488, booked: 36, label: "CB BOULANGERIE LÉGER 05/04"}},
			}},
		}},
		{"the day of a booked row moves by a month under its id", bank.IDStable, []answer{
			{today: 40, from: -50, rows: []posting{
				{movement: 1, row: row{id: "a", amount: -1999, booked: 8, label: "CB LE FOURNIL"}},
				{movement: 2, row: row{id: "b", amount: -500, booked: 39, label: "CB GARAGE DU MIDI"}},
			}},
			{today: 41, from: -49, rows: []posting{
				{movement: 1, row: row{id: "a", amount: -1999, booked: 38, label: "CB LE FOURNIL"}},
				{movement: 2, row: row{id: "b", amount: -500, booked: 39, label: "CB GARAGE DU MIDI"}},
			}},
		}},
		{"a bank whose booked rows tell the day of processing as that of the operation", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 1, row: row{id: "a", pending: true, amount: -4300, on: 7, label: "TELECOM SERVICES"}},
				{movement: 2, row: row{id: "b", pending: true, amount: -1900, on: 8, label: "GARAGE DU MIDI"}},
			}},
			{today: 14, from: -76, rows: []posting{
				{movement: 1, row: row{id: "a", amount: -4300, booked: 12, on: 11, label: "TELECOM SERVICES"}},
				{movement: 2, row: row{id: "b", amount: -1900, booked: 13, on: 12, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"a row of a recurring reference stands on two pages", bank.IDStable, []answer{
			{today: 18, from: -72, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
				{movement: 3, row: row{id: "a", amount: -800, booked: 10, label: "PRESSING EXPRESS"}},
				{movement: 4, row: row{id: "b", amount: -1700, booked: 11, label: "CINEMA PALACE"}},
				{movement: 5, row: row{id: "c", amount: -2300, booked: 12, label: "GARAGE DU MIDI"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
			}},
			{today: 19, from: -72, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
				{movement: 3, row: row{id: "a", amount: -800, booked: 10, label: "PRESSING EXPRESS"}},
				{movement: 4, row: row{id: "b", amount: -1700, booked: 11, label: "CINEMA PALACE"}},
				{movement: 5, row: row{id: "c", amount: -2300, booked: 12, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"all days move by one, and one payment is made each day", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 1, row: row{amount: -800, booked: 3, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{amount: -1700, booked: 5, label: "CINEMA PALACE"}},
				{movement: 3, row: row{amount: -240, booked: 9, label: "CAFE"}},
				{movement: 4, row: row{amount: -240, booked: 10, label: "CAFE"}},
				{movement: 5, row: row{amount: -240, booked: 11, label: "CAFE"}},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 1, row: row{amount: -800, booked: 4, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{amount: -1700, booked: 6, label: "CINEMA PALACE"}},
				{movement: 3, row: row{amount: -240, booked: 10, label: "CAFE"}},
				{movement: 4, row: row{amount: -240, booked: 11, label: "CAFE"}},
				{movement: 5, row: row{amount: -240, booked: 12, label: "CAFE"}},
				{movement: 6, row: row{amount: -240, booked: 13, label: "CAFE"}},
			}},
		}},
		{"a booked row's amount and day are corrected, without ids", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 1, row: row{amount: -800, booked: 3, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{amount: -1700, booked: 5, label: "CINEMA PALACE"}},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 1, row: row{amount: -800, booked: 3, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{amount: -1650, booked: 6, label: "CINEMA PALACE"}},
			}},
		}},
		{"a booked row's sign and label are corrected, without ids", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 1, row: row{amount: -800, booked: 3, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{amount: -1700, booked: 5, label: "CINEMA PALACE"}},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 1, row: row{amount: -800, booked: 3, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{amount: 1700, booked: 5, label: "CINEMA PALACE AVOIR"}},
			}},
		}},
		{"a row stands twice in an answer, valued a day apart, under an id that another row has", bank.IDStable, []answer{
			{today: 15, from: -75, rows: []posting{
				{movement: 13, row: row{id: "a", amount: -6800, booked: -8, value: -8, label: "JARDINERIE DES BORDS"}},
				{movement: 14, row: row{id: "a", amount: -3500, booked: 15, value: 15, label: "ELECTRICITE GENERALE"}},
				{movement: 14, row: row{id: "a", amount: -3500, booked: 15, value: 16, label: "ELECTRICITE GENERALE"}},
				{movement: 1, row: row{id: "b", amount: -800, booked: 3, value: 3, label: "PRESSING EXPRESS"}},
				{movement: 2, row: row{id: "c", amount: -1700, booked: 5, value: 5, label: "CINEMA PALACE"}},
				{movement: 3, row: row{id: "d", amount: -2300, booked: 6, value: 6, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"a row stands twice beside a recurring reference, at a bank whose ids are new in each answer", bank.IDNone, []answer{
			{today: 20, from: -70, rows: []posting{
				{movement: 1, row: row{id: "r-1", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "r-1", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
				{movement: 3, row: row{id: "r-3", amount: -800, booked: 10, label: "PRESSING EXPRESS"}},
				{movement: 4, row: row{id: "r-4", amount: -1700, booked: 11, label: "CINEMA PALACE"}},
				{movement: 5, row: row{id: "r-5", amount: -2300, booked: 12, label: "GARAGE DU MIDI"}},
				{movement: 5, row: row{id: "r-5", amount: -2300, booked: 12, label: "GARAGE DU MIDI"}},
				{movement: 6, row: row{id: "r-6", amount: -2900, booked: 13, label: "TELECOM SERVICES"}},
			}},
		}},
		{"a row without any day gets another label", bank.IDNone, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 10, row: row{amount: -10600, label: "CB CARREFOUR MARKET 23/02"}},
			}},
			{today: 11, from: -79, rows: []posting{
				{movement: 10, row: row{amount: -10600, label: "CARREFOUR MARKET"}},
			}},
		}},
		{"a pending row without any day is booked with another label", bank.IDNone, []answer{
			{today: 15, from: -75, rows: []posting{
				{movement: 10, row: row{pending: true, amount: -2300, label: "CB CINEMA PALACE 15/03"}},
			}},
			{today: 19, from: -71, channel: embedded, rows: []posting{
				{movement: 10, row: row{amount: -2300, label: "cinema palace"}},
			}},
		}},
		{"fuel is reserved without a day", bank.IDNone, []answer{
			{today: 18, from: -72, rows: []posting{
				{movement: 9, row: row{pending: true, amount: -3000, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
			{today: 25, from: -65, rows: []posting{
				{movement: 9, row: row{amount: -1430, booked: 19, label: "STATION SERVICE DU LAC", mcc: "5542"}},
			}},
		}},
		{"days move by one under their ids, and one payment is made each day", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 10, row: row{id: "a", amount: -14321, booked: 5, label: "JARDINERIE DES BORDS"}},
				{movement: 11, row: row{id: "b", amount: -14321, booked: 6, label: "JARDINERIE DES BORDS"}},
			}},
			{today: 28, from: -24, rows: []posting{
				{movement: 10, row: row{id: "a", amount: -14321, booked: 6, label: "JARDINERIE DES BORDS"}},
				{movement: 11, row: row{id: "b", amount: -14321, booked: 7, label: "JARDINERIE DES BORDS"}},
			}},
		}},
		{"two rows under one id tell different days of operation", bank.IDStable, []answer{
			{today: 43, from: -47, rows: []posting{
				{movement: 6, row: row{id: "FR76", amount: -13858, booked: 41, on: 41, label: "JARDINERIE DES BORDS"}},
				{movement: 7, row: row{id: "FR76", amount: -13858, booked: 41, on: 38, label: "JARDINERIE DES BORDS"}},
			}},
		}},
		{"every sign is told the other way for a day, on which a row is not shown", bank.IDNone, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 12, row: row{amount: -12300, booked: 13, label: "CARREFOUR MARKET"}},
				{movement: 13, row: row{pending: true, amount: -1600, on: 13, label: "GARAGE DU MIDI"}},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 12, row: row{amount: 12300, booked: 13, label: "CARREFOUR MARKET"}},
			}},
			{today: 20, from: -70, rows: []posting{
				{movement: 12, row: row{amount: -12300, booked: 13, label: "CARREFOUR MARKET"}},
				{movement: 13, row: row{amount: -1600, booked: 17, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"every sign is told the other way, and a row before the window is shown later", bank.IDNone, []answer{
			{today: 21, from: -69, rows: []posting{
				{movement: 5, row: row{amount: -16000, booked: -19, label: "TELECOM SERVICES"}},
				{movement: 8, row: row{amount: -1900, booked: 12, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 25, from: -18, rows: []posting{
				{movement: 8, row: row{amount: 1900, booked: 12, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 27, from: -18, rows: []posting{
				{movement: 5, row: row{amount: 16000, booked: -19, label: "TELECOM SERVICES"}},
				{movement: 8, row: row{amount: 1900, booked: 12, label: "RESTAURANT LA MARÉE"}},
			}},
		}},
		{"a booked row without any day gets one, and another amount", bank.IDNone, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 12, row: row{amount: -18500, label: "PRESSING EXPRESS"}},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 12, row: row{amount: -18498, booked: -6, label: "PRESSING EXPRESS"}},
			}},
		}},
		{"an announcement in dollars stays beside its booked form in euro", bank.IDStable, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 8, row: row{id: "a", pending: true, amount: -4884, on: 11, label: "ASSURANCE MUTUELLE"}, currency: "USD"},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 8, row: row{id: "a", pending: true, amount: -4884, on: 11, label: "ASSURANCE MUTUELLE"}, currency: "USD"},
				{movement: 8, row: row{id: "a", amount: -4400, booked: 13, label: "ASSURANCE MUTUELLE"}},
			}},
		}},
		{"an announcement in dollars without a day is booked in euro", bank.IDNone, []answer{
			{today: 21, from: -69, rows: []posting{
				{movement: 9, row: row{pending: true, amount: -16416, label: "FERROVIAIRE INTERNET"}, currency: "USD"},
			}},
			{today: 28, from: -62, rows: []posting{
				{movement: 9, row: row{amount: -14400, booked: 22, label: "FERROVIAIRE INTERNET"}},
			}},
		}},
		{"an announcement without a day outlives the window of its booked form", bank.IDStable, []answer{
			{today: 26, from: -4, rows: []posting{
				{movement: 11, row: row{id: "a", pending: true, amount: -10300, label: "CINEMA PALACE"}},
				{movement: 11, row: row{id: "a", amount: -10300, booked: 15, label: "CINEMA PALACE"}},
			}},
			{today: 68, from: 38, rows: []posting{
				{movement: 11, row: row{id: "a", pending: true, amount: -10300, label: "CINEMA PALACE"}},
			}},
		}},
		{"an announcement without a day is lacking for a day before it is booked", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 6, row: row{pending: true, amount: -2700, label: "LIBRAIRIE CORNÉE"}},
			}},
			{today: 13, from: -77, rows: []posting{}},
			{today: 18, from: -72, rows: []posting{
				{movement: 6, row: row{amount: -2700, booked: 13, label: "LIBRAIRIE CORNÉE"}},
			}},
		}},
		{"the amount of a booked row without a day is corrected under its id", bank.IDStable, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 10, row: row{id: "a", amount: -3200, label: "TELECOM SERVICES"}},
			}},
			{today: 20, from: -70, rows: []posting{
				{movement: 10, row: row{id: "a", amount: -2806, booked: 2, label: "TELECOM SERVICES"}},
			}},
		}},
		{"the amount of a booked row without a day is corrected", bank.IDNone, []answer{
			{today: 10, from: -80, rows: []posting{{movement: 8, row: row{amount: -5800, label: "FLEURS D'OLIVIER"}}}},
			{today: 13, from: -77, rows: []posting{{movement: 8, row: row{amount: -5598, label: "FLEURS D'OLIVIER"}}}},
		}},
		{"the amount of a booked row is corrected that the answer shows before its window", bank.IDNone, []answer{
			{today: 12, from: -18, rows: []posting{{movement: 8, row: row{amount: -13200, booked: -4, label: "FLEURS D'OLIVIER"}}}},
			{today: 33, from: 3, rows: []posting{{movement: 8, row: row{amount: -12934, booked: -4, label: "FLEURS D'OLIVIER"}}}},
		}},
		{"the amount of a booked row is corrected, and its day by three", bank.IDNone, []answer{
			{today: 19, from: -71, rows: []posting{{movement: 9, row: row{amount: -5300, booked: 3, label: "BOULANGERIE LÉGER"}}}},
			{today: 44, from: -46, rows: []posting{{movement: 9, row: row{amount: -5267, booked: 6, label: "BOULANGERIE LÉGER"}}}},
		}},
		{"a deferred operation is booked under its id, by a channel that tells one day", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 11, row: row{id: "a", pending: true, amount: -10600, on: -5, label: "BOULANGERIE LÉGER"}},
			}},
			{today: 41, from: -49, rows: []posting{
				{movement: 11, row: row{id: "a", amount: -10600, booked: 12, label: "BOULANGERIE LÉGER"}},
			}},
		}},
		{"a deferred operation is booked, by a channel that tells one day", bank.IDNone, []answer{
			{today: 13, from: -77, rows: []posting{
				{movement: 9, row: row{pending: true, amount: -1300, on: 3, label: "OPTIQUE LUMIÈRE"}},
			}},
			{today: 44, from: -46, rows: []posting{
				{movement: 9, row: row{amount: -1300, booked: 37, label: "OPTIQUE LUMIÈRE"}},
			}},
		}},
		{"every sign is told the other way, and only a pending row is known", bank.IDNone, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 4, row: row{pending: true, amount: -12900, on: 9, label: "CINEMA PALACE"}},
			}},
			{today: 38, from: -52, rows: []posting{
				{movement: 4, row: row{amount: 12900, booked: 11, label: "CINEMA PALACE"}},
			}},
		}},
		{"a row that was shown twice does not become another one of its day and amount", bank.IDConstant, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 6, row: row{amount: -9207, booked: -14, label: "RESTAURANT LA MARÉE"}},
				{movement: 5, row: row{amount: -9207, booked: -14, label: "RESTAURANT LA MARÉE"}},
			}},
			{today: 21, from: -24, rows: []posting{
				{movement: 7, row: row{amount: -9207, booked: -14, label: "TELECOM SERVICES"}},
				{movement: 6, row: row{amount: -9207, booked: -14, label: "RESTAURANT LA MARÉE"}},
			}},
		}},
		{"a row gets another label while an equal one is booked days later", bank.IDNone, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 19, row: row{amount: -9254, booked: 10, label: "ELECTRICITE GENERALE"}},
			}},
			{today: 49, from: -20, rows: []posting{
				{movement: 19, row: row{amount: -9254, booked: 10, label: "ELECTRICITE GENERALE."}},
				{movement: 22, row: row{amount: -9254, booked: 13, label: "ELECTRICITE GENERALE"}},
			}},
		}},
		{"an answer lacks the payment of one day, and has that of another under its own id", bank.IDStable, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 3, row: row{id: "c", amount: -800, booked: 4, label: "CINEMA PALACE"}},
				{movement: 9, row: row{id: "a", amount: -16506, booked: 11, label: "CARREFOUR MARKET"}},
			}},
			{today: 17, from: -19, rows: []posting{
				{movement: 3, row: row{id: "c", amount: -800, booked: 4, label: "CINEMA PALACE"}},
				{movement: 15, row: row{id: "b", amount: -16506, booked: 17, label: "CARREFOUR MARKET"}},
			}},
		}},
		{"a row stands twice under its id, booked a day apart, and has no other day", bank.IDStable, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 1, row: row{id: "a", amount: -100, booked: 1, label: "CINEMA PALACE"}},
				{movement: 2, row: row{id: "b", amount: -14300, booked: 10, label: "ELECTRICITE GENERALE"}},
				{movement: 2, row: row{id: "b", amount: -14300, booked: 11, label: "ELECTRICITE GENERALE"}},
				{movement: 3, row: row{id: "c", amount: -300, booked: 3, label: "CINEMA PALACE"}},
				{movement: 4, row: row{id: "d", amount: -400, booked: 4, label: "CINEMA PALACE"}},
			}},
		}},
		{"one of two equal rows stands on two pages with its balance", bank.IDConstant, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 12, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 95483000}},
				{movement: 13, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 90966000}},
				{movement: 13, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 90966000}},
			}},
		}},
		{"equal rows have the balance of the end of their day", bank.IDConstant, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 11, row: row{amount: -1000, booked: 12, label: "CINEMA PALACE", balance: 100000000}},
				{movement: 12, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 90966000}},
				{movement: 13, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 90966000}},
			}},
		}},
		{"between two equal rows their amount comes back", bank.IDConstant, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 12, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 95483000}},
				{movement: 13, row: row{amount: 4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 100000000}},
				{movement: 14, row: row{amount: -4517, booked: 13, label: "ELECTRICITE GENERALE", balance: 95483000}},
			}},
		}},
		{"two booked days move by one, and a third row gets another label", bank.IDNone, []answer{
			{today: 19, from: -71, rows: []posting{
				{movement: 1, row: row{amount: -2000, booked: 10, label: "CINEMA PALACE"}},
				{movement: 2, row: row{amount: -3000, booked: 11, label: "OPTIQUE LUMIÈRE"}},
				{movement: 3, row: row{amount: -1000, booked: 13, label: "FERROVIAIRE INTERNET"}},
			}},
			{today: 20, from: -70, rows: []posting{
				{movement: 1, row: row{amount: -2000, booked: 11, label: "CINEMA PALACE"}},
				{movement: 2, row: row{amount: -3000, booked: 12, label: "OPTIQUE LUMIÈRE"}},
				{movement: 3, row: row{amount: -1000, booked: 13, label: "PHARMACIE CENTRALE"}},
			}},
		}},
		{"of twins with numbers of a day one is booked", bank.IDStable, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -9100, booked: -17, label: "TELECOM SERVICES"}},
				{movement: 7, row: row{id: "2", amount: -2000, booked: -17, label: "CARREFOUR MARKET"}},
				{movement: 10, row: row{id: "1", pending: true, amount: -16280, on: 10, label: "CB BOULANGERIE LÉGER 10/03"}},
				{movement: 11, row: row{id: "2", pending: true, amount: -16280, on: 10, label: "CB BOULANGERIE LÉGER 10/03"}},
			}},
			{today: 15, from: -75, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -9100, booked: -17, label: "TELECOM SERVICES"}},
				{movement: 7, row: row{id: "2", amount: -2000, booked: -17, label: "CARREFOUR MARKET"}},
				{movement: 11, row: row{id: "2", pending: true, amount: -16280, on: 10, label: "CB BOULANGERIE LÉGER 10/03"}},
				{movement: 10, row: row{id: "1", amount: -16280, booked: 13, label: "CB BOULANGERIE LÉGER 10/03"}},
			}},
		}},
		{"a row with a number of a day is booked before an equal one, and has its balance", bank.IDStable, []answer{
			{today: 11, from: -79, rows: []posting{
				{movement: 8, row: row{id: "2", amount: -500, booked: -30, label: "OPTIQUE LUMIÈRE", balance: 100000000}},
				{movement: 9, row: row{id: "1", amount: -4000, booked: -2, label: "BOULANGERIE LÉGER", balance: 96000000}},
				{movement: 7, row: row{id: "1", amount: -993, booked: 6, label: "CB JARDINERIE DES BORDS 03/03", balance: 95007000}},
			}},
			{today: 17, from: -24, rows: []posting{
				{movement: 9, row: row{id: "1", amount: -4000, booked: -2, label: "BOULANGERIE LÉGER", balance: 96000000}},
				{movement: 12, row: row{id: "2", amount: -993, booked: 6, label: "CB JARDINERIE DES BORDS 03/03", balance: 95007000}},
				{movement: 7, row: row{id: "1", amount: -993, booked: 6, label: "CB JARDINERIE DES BORDS 03/03", balance: 94014000}},
			}},
		}},
		{"rows of one number of two accounts, a day apart, are known as two", bank.IDStable, []answer{
			{today: 21, from: -69, rows: []posting{
				{movement: 10, row: row{id: "2", amount: -1600, booked: -18, value: -18, label: "TELECOM SERVICES"}},
				{movement: 8, row: row{id: "1", amount: -19500, booked: -12, value: -12, label: "PHARMACIE CENTRALE"}},
				{movement: 7, row: row{id: "1", amount: -4000, booked: 1, value: 1, label: "FONCIÈRE LOCATIVE"}},
				{movement: 13, row: row{id: "4", amount: -17300, booked: 6, value: 6, label: "TELECOM SERVICES"}},
				{movement: 9, row: row{id: "2", amount: -17300, booked: 6, value: 6, label: "BOULANGERIE LÉGER"}},
				{movement: 11, row: row{id: "3", amount: -5026, booked: 16, value: 17, label: "CB BOULANGERIE LÉGER 15/03"}},
				{movement: 12, row: row{id: "3", amount: -5026, booked: 17, value: 17, label: "CB BOULANGERIE LÉGER 15/03"}},
			}},
			{today: 22, from: -13, rows: []posting{
				{movement: 8, row: row{id: "1", amount: -19500, booked: -12, value: -12, label: "PHARMACIE CENTRALE"}},
				{movement: 7, row: row{id: "1", amount: -4000, booked: 1, value: 1, label: "FONCIÈRE LOCATIVE"}},
				{movement: 13, row: row{id: "4", amount: -17300, booked: 6, value: 6, label: "TELECOM SERVICES"}},
				{movement: 9, row: row{id: "2", amount: -17300, booked: 6, value: 6, label: "BOULANGERIE LÉGER"}},
				{movement: 11, row: row{id: "3", amount: -5026, booked: 16, value: 17, label: "CB BOULANGERIE LÉGER 15/03"}},
				{movement: 12, row: row{id: "3", amount: -5026, booked: 17, value: 17, label: "CB BOULANGERIE LÉGER 15/03"}},
			}},
		}},
		{"numbers of rows within the answer move, one to the booked form of a row that stays pending", bank.IDPerConsent, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 3, row: row{id: "1", pending: true, amount: -16000, on: 8, label: "OPTIQUE LUMIÈRE"}},
				{movement: 12, row: row{id: "2", pending: true, amount: -17200, on: 9, label: "OPTIQUE LUMIÈRE"}},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 12, row: row{id: "1", pending: true, amount: -17200, on: 9, label: "OPTIQUE LUMIÈRE"}},
				{movement: 3, row: row{id: "2", amount: -16000, booked: 11, label: "OPTIQUE LUMIÈRE"}},
				{movement: 13, row: row{id: "3", amount: -17200, booked: 12, label: "OPTIQUE LUMIÈRE"}},
			}},
			{today: 43, from: -18, rows: []posting{
				{movement: 3, row: row{id: "1", amount: -16000, booked: 11, label: "OPTIQUE LUMIÈRE"}},
				{movement: 13, row: row{id: "2", amount: -17200, booked: 12, label: "OPTIQUE LUMIÈRE"}},
			}},
		}},
		{"ids of two accounts distinguish the rows of an answer once two of them are known as twins", bank.IDStable, []answer{
			{today: 14, from: -76, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -14600, booked: -20, label: "ELECTRICITE GENERALE"}},
				{movement: 6, row: row{id: "1", amount: -15000, booked: -17, label: "JARDINERIE DES BORDS"}},
				{movement: 7, row: row{id: "2", amount: -100, booked: 12, label: "OPTIQUE LUMIÈRE"}},
				{movement: 8, row: row{id: "2", amount: -100, booked: 12, label: "OPTIQUE LUMIÈRE"}},
			}},
			{today: 15, from: -18, rows: []posting{
				{movement: 6, row: row{id: "1", amount: -15000, booked: -17, label: "JARDINERIE DES BORDS"}},
				{movement: 7, row: row{id: "2", amount: -100, booked: 12, label: "OPTIQUE LUMIÈRE"}},
				{movement: 8, row: row{id: "2", amount: -100, booked: 12, label: "OPTIQUE LUMIÈRE"}},
			}},
		}},
		{"a row stands on two pages, and the id of another one is the reference of a recurring payment", bank.IDStable, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 9, row: row{id: "tx7060", amount: -900, booked: 4, label: "PRESSING EXPRESS"}},
				{movement: 10, row: row{id: "tx7060", amount: -900, booked: 11, label: "PRESSING EXPRESS"}},
				{movement: 9, row: row{id: "tx7060", amount: -900, booked: 4, label: "PRESSING EXPRESS"}},
				{movement: 3, row: row{id: "tx7030", amount: -700, booked: 12, label: "GARAGE DU MIDI"}},
			}},
			{today: 17, from: -73, rows: []posting{
				{movement: 9, row: row{id: "tx7060", amount: -900, booked: 4, label: "PRESSING EXPRESS"}},
				{movement: 10, row: row{id: "tx7060", amount: -900, booked: 11, label: "PRESSING EXPRESS"}},
				{movement: 3, row: row{id: "tx7030", amount: -700, booked: 12, label: "GARAGE DU MIDI"}},
			}},
		}},
		{"the first rows of two days have one number, and an equal row is inserted before one", bank.IDStable, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -11700, booked: 0, label: "TELECOM SERVICES", balance: 88300000}},
				{movement: 3, row: row{id: "1", amount: -12349, booked: 6, label: "GARAGE DU MIDI", balance: 75951000}},
			}},
			{today: 23, from: -24, rows: []posting{
				{movement: 5, row: row{id: "1", amount: -11700, booked: 0, label: "TELECOM SERVICES", balance: 88300000}},
				{movement: 7, row: row{id: "2", amount: -12349, booked: 6, label: "GARAGE DU MIDI", balance: 75951000}},
				{movement: 3, row: row{id: "1", amount: -12349, booked: 6, label: "GARAGE DU MIDI", balance: 63602000}},
			}},
		}},
		{"a cancelled authorisation's id goes to the next one of the shop, of a similar amount", bank.IDStable, []answer{
			{today: 23, from: -67, rows: []posting{
				{movement: 9, row: row{id: "tx7090", pending: true, amount: -19400, on: 20, label: "FLEURS D'OLIVIER"}},
			}},
			{today: 26, from: -64, rows: []posting{
				{movement: 10, row: row{id: "tx7090", amount: -19300, booked: 24, label: "FLEURS D'OLIVIER"}},
			}},
		}},
		{"a like row of another day of operation is booked on that day, at a bank that tells such days", bank.IDNone, []answer{
			{today: 12, from: -78, rows: []posting{
				{movement: 1, row: row{amount: -100, booked: 5, on: 3, label: "GARAGE DU MIDI"}},
				{movement: 5, row: row{pending: true, amount: -14826, on: 11, label: "LIBRAIRIE CORNÉE"}},
			}},
			{today: 40, from: 9, rows: []posting{
				{movement: 6, row: row{amount: -14826, booked: 17, on: 17, label: "LIBRAIRIE CORNÉE"}},
			}},
		}},
		{"a row without a day gets one, and stands twice in that answer", bank.IDConstant, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 12, row: row{pending: true, amount: -14300, label: "FERROVIAIRE INTERNET"}},
			}},
			{today: 13, from: -77, rows: []posting{
				{movement: 12, row: row{amount: -14300, booked: 13, value: 13, label: "FERROVIAIRE INTERNET"}},
				{movement: 13, row: row{amount: -14300, booked: 13, value: 14, label: "FERROVIAIRE INTERNET"}},
			}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { playAnswers(t, c.ids, c.answers) })
	}
}

// playAnswers reads answers one after the other.
func playAnswers(t *testing.T, class bank.IDClass, answers []answer) {
	t.Helper()
	var l ledger
	row := make(map[int]oxlin.TransactionID)
	movement := make(map[oxlin.TransactionID]int)
	var readUntil oxlin.Date
	for at, a := range answers {
		f := a.fetched(class)
		if !readUntil.IsZero() {
			f.ReadFrom, f.ReadUntil = march(answers[0].from), readUntil
		}
		result, ids := l.apply(f)
		if !a.partial { // as synchro tells it
			if late := march(a.today - 4); readUntil.Before(late) {
				readUntil = late
			}
			for _, r := range a.rows {
				if !r.pending && r.booked != 0 && readUntil.Before(march(r.booked)) {
					readUntil = march(r.booked)
				}
			}
		}
		for i, r := range a.rows {
			if before := row[r.movement]; before != 0 && ids[i] != 0 && ids[i] != before {
				t.Errorf("answer %d: movement %d has row %v in place of %v", at, r.movement, ids[i], before)
			}
			if other := movement[ids[i]]; other != 0 && other != r.movement {
				t.Errorf("answer %d: movement %d has row %v of movement %d", at, r.movement, ids[i], other)
			}
			if ids[i] != 0 {
				row[r.movement], movement[ids[i]] = ids[i], r.movement
			}
		}
		given := make(map[int]bool)
		for i, r := range a.rows {
			given[r.movement] = given[r.movement] || ids[i] != 0
		}
		for _, r := range a.rows {
			if !given[r.movement] && len(result.Waiting) == 0 {
				t.Errorf("answer %d: movement %d is missed", at, r.movement)
			}
		}
		if (a.suspect || a.partial) && len(result.Missing) > 0 {
			t.Errorf("answer %d: missing %v", at, result.Missing)
		}
	}
}
