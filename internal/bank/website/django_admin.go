package website

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// djangoAdmin reads a bank that keeps its books in the admin site of Django, in the models
// account (number, name, balance) and movement (account, day, label, amount), in American
// notation and the oldest row first. Django refuses a form without a Referer of its own host.
var djangoAdmin = plainSite{
	about:      bank.Profile{IDs: bank.IDNone, UnattendedPerDay: 4, HistoryDays: 365, Currency: "USD"},
	convention: notation.American,
	login: plainLogin{
		page: "admin/login/", form: "#login-form", wrong: ".errornote",
		inputs: map[string]string{"username": "username", "password": "password"},
	},
	inside: "#user-tools",
	visits: habits{home: "admin/"},
	logout: "admin/logout/",
	accounts: plainAccounts{
		page: "admin/bank/account/?all=", whole: "#changelist", each: "#result_list tbody tr",
		number: ".field-number", name: ".field-name", balance: ".field-balance", kind: oxlin.AccountCheckings, currency: "USD",
		statement: "admin/bank/movement/?account__number={number}",
	},
	rows: plainRows{
		whole: "#changelist", each: "#result_list tbody tr", number: ".field-account",
		day: ".field-day", words: ".field-label", amount: ".field-amount", silentCredit: true,
		next: ".this-page + a:not(.showall)", last: ".paginator", oldestFirst: true, since: "day__gte", layout: "2006-01-02",
	},
}
