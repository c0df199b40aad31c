package enablebanking

import (
	"encoding/json"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// convention is how amounts and dates are written.
var convention = notation.Interface(notation.DayFirst)

// dialect holds the headers and errors of the interface.
var dialect = psd2.Dialect{
	Accept: "application/json", RequestID: "X-Request-ID", ErrorText: errorText,
	ErrorCodes: func(body []byte) []string { return []string{string(readError(body).Error)} },
	Codes:      codes,
}

// shortHistory is a meaning of psd2.Answer.Means: the bank gives a shorter period.
const shortHistory = "short history"

// codes are the meanings of the interface's error codes. None that is about the application
// ends a user's access: a login would not help.
var codes = meanings(map[string][]string{
	// The session is over, and the user logs in again.
	string(bank.AccessLost): {"CLOSED_SESSION", "EXPIRED_SESSION", "REVOKED_SESSION", "SESSION_DOES_NOT_EXIST", "WRONG_SESSION_STATUS"},
	// The bank is slow or down.
	string(bank.Unavailable):         {"ASPSP_ERROR", "ASPSP_TIMEOUT"},
	string(bank.RateLimited):         {"ASPSP_RATE_LIMIT_EXCEEDED"},
	string(bank.ActionAtBank):        {"ASPSP_PSU_ACTION_REQUIRED"},
	string(bank.CredentialsRejected): {"WRONG_CREDENTIALS_PROVIDED"},
	string(bank.ChallengeTimedOut):   {"EXPIRED_AUTHORIZATION_CODE"},
	shortHistory:                     {"WRONG_TRANSACTIONS_PERIOD"},
	// An account, a page or a login is refused alone, or the application is.
	string(bank.Refused): {
		"ACCOUNT_DOES_NOT_EXIST", "ASPSP_ACCOUNT_NOT_ACCESSIBLE", "WRONG_CONTINUATION_KEY", "ALREADY_AUTHORIZED", "WRONG_AUTHORIZATION_CODE",
		"ACCESS_DENIED", "AUTHORIZATION_NOT_PROVIDED", "UNAUTHORIZED_ACCESS", "UNAUTHORIZED_IP", "INVALID_HOST", "NO_ACCOUNTS_ADDED",
		"REDIRECT_URI_NOT_ALLOWED", "WRONG_ASPSP_PROVIDED",
	},
	// A request is not what the interface wants, or answers one of ours that does not exist.
	string(bank.Nonsense): {
		"DATE_FROM_IN_FUTURE", "DATE_TO_WITHOUT_DATE_FROM", "WRONG_DATE_INTERVAL", "WRONG_REQUEST_PARAMETERS", "INVALID_ACCOUNT_ID",
		"PSU_HEADER_NOT_PROVIDED", "PSU_HEADER_INVALID", "TRANSACTION_DOES_NOT_EXIST", "PAYMENT_NOT_FOUND", "PAYMENT_LIMIT_EXCEEDED",
		"PAYMENT_NOT_FINALIZED", "ASPSP_PAYMENT_NOT_ACCESSIBLE", "INVALID_PAYMENT", "UNTRUSTED_PAYMENT_PARTY",
	},
})

// meanings turns a table around.
func meanings(of map[string][]string) map[string]string {
	all := map[string]string{}
	for means, names := range of {
		for _, name := range names {
			all[name] = means
		}
	}
	return all
}

// errorBody is an ErrorResponse.
type errorBody struct {
	Error   psd2.Text `json:"error"`
	Message psd2.Text `json:"message"`
}

func readError(body []byte) errorBody {
	var e psd2.Optional[errorBody]
	_ = json.Unmarshal(body, &e) // a gateway writes HTML
	return e.Value
}

// errorText returns the code of an error, else its message.
func errorText(body []byte) string {
	e := readError(body)
	return string(psd2.First(e.Error, e.Message))
}
