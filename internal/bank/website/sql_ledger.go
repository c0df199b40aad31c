package website

import (
	"regexp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// sqlLedger reads the cash accounts of SQL-Ledger's chart, whose numbers begin with 10, in American
// notation. A debit of the books is money that came in. Each address names the user, and the cookie
// of the session too, in a way that is no name of a cookie for the standard.
var sqlLedger = plainSite{
	about:      bank.Profile{IDs: bank.IDNone, UnattendedPerDay: 4, HistoryDays: 365, Currency: "USD"},
	convention: notation.American,
	login: plainLogin{
		page: "login.pl", form: "form[method=post]:has(input[type=password])",
		inputs: map[string]string{"login": "login", "password": "password"}, remembered: "login",
	},
	inside: "frame[name=acc_menu], th.listtop",
	failures: []marker{
		{`body:has(h2.error):contains("Incorrect")`, bank.CredentialsRejected},
		{`body:has(h2.error):contains("You did not enter")`, bank.CredentialsRejected},
	},
	visits: habits{home: chartOfAccounts},
	logout: "login.pl?path=bin/mozilla&action=logout&login={user}",
	accounts: plainAccounts{
		page: chartOfAccounts, whole: "tr.listtotal", each: `tr:has(td:first-child > a[href*="&accno=10"])`,
		number: "td:first-child", name: "td:nth-child(3)", balance: "td:nth-child(4)", overdrawn: "td:nth-child(5)",
		kind: oxlin.AccountCheckings, currency: "USD",
		statement: "ca.pl?path=bin/mozilla&action=list_transactions&accounttype=standard&sort=transdate&oldsort=transdate&accno={number}&login={user}",
	},
	rows: plainRows{
		whole: "tr.listtotal", each: "tr.listrow0:has(a), tr.listrow1:has(a)",
		number: "th.listtop", numberForm: regexp.MustCompile(`^Account (\S+) - `),
		day: "td:first-child", words: "td:nth-child(3)", received: "td:nth-last-child(3)", paid: "td:nth-last-child(2)",
		oldestFirst: true, since: "fromdate", layout: "01/02/2006",
	},
}

// chartOfAccounts is the address of the list.
const chartOfAccounts = "ca.pl?path=bin/mozilla&action=chart_of_accounts&login={user}"
