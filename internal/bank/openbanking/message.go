package openbanking

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// pound is the currency of a bank that names none anywhere.
const pound = "GBP"

// london is the zone of a bank whose data name none.
const london = "Europe/London"

// convention is how the banks write amounts and dates.
var convention = notation.Interface(notation.DayFirst)

// dialect holds the headers and errors of the standard (banks §3).
var dialect = psd2.Dialect{
	Accept:      "application/json",
	ContentType: "application/json;charset=UTF-8",
	PSUAddress:  "x-fapi-customer-ip-address",
	PSUAgent:    "x-customer-user-agent",
	RequestID:   "x-fapi-interaction-id",
	ErrorText:   errorText,
	ErrorCodes:  errorCodes,
	Codes:       codes,
}

// codes are the error codes of the standard whose meaning the HTTP status does not tell.
var codes = map[string]string{
	"UK.OBIE.Reauthenticate":                         string(bank.AccessLost),
	"UK.OBIE.Resource.InvalidConsentStatus":          string(bank.AccessLost),
	"UK.OBIE.Resource.ConsentMismatch":               string(bank.AccessLost),
	"UK.OBIE.Resource.NotFound":                      string(bank.Refused),
	"UK.OBIE.Unsupported.AccountIdentifier":          string(bank.Refused),
	"UK.OBIE.Unsupported.AccountSecondaryIdentifier": string(bank.Refused),
	"UK.OBIE.UnexpectedError":                        string(bank.Unavailable),
	"UK.OBIE.Rules.FailsControlParameters":           string(bank.Refused),

	// Those of 4.0: ConsentMismatch, InvalidConsentStatus, NotFound and Reauthenticate. U000 stands beside
	// many statuses, which say more.
	"U008": string(bank.AccessLost), "U009": string(bank.AccessLost), "U011": string(bank.Refused), "U028": string(bank.AccessLost),
}

// errorBody is OBErrorResponse1, and what gateways write in its place.
type errorBody struct {
	Code    psd2.Text `json:"Code"`
	Message psd2.Text `json:"Message"`
	Error   psd2.Text `json:"error"`
	Errors  psd2.Optional[[]struct {
		ErrorCode psd2.Text `json:"ErrorCode"`
		Message   psd2.Text `json:"Message"`
	}] `json:"Errors"`
}

func readError(body []byte) errorBody {
	var e psd2.Optional[errorBody]
	_ = json.Unmarshal(body, &e) // the body is often HTML
	return e.Value
}

// errorText returns the code of an error, else what else describes it.
func errorText(body []byte) string {
	e := readError(body)
	for _, one := range e.Errors.Value {
		if one.ErrorCode != "" {
			return string(one.ErrorCode)
		}
	}
	if strings.ContainsAny(string(e.Code), "._") {
		return string(e.Code) // a code of the bank's own, not the status once more
	}
	return string(psd2.First(e.Error, e.Message, e.Code))
}

// errorCodes returns the codes of all errors, the most specific ones first.
func errorCodes(body []byte) (found []string) {
	e := readError(body)
	for _, one := range e.Errors.Value {
		found = append(found, string(one.ErrorCode))
	}
	return append(found, string(e.Code), string(e.Error))
}

// standardPaths are the paths of the standard below the base address.
var standardPaths = map[string]string{
	"accounts": "/accounts", "account": "/accounts/{id}", "balances": "/accounts/{id}/balances", "transactions": "/accounts/{id}/transactions",
	"party": "/party", "account_party": "/accounts/{id}/party", "account_parties": "/accounts/{id}/parties",
	"consents": "/account-access-consents", "consent": "/account-access-consents/{id}",
}

// path returns the escaped path of a resource, of an account or a consent with this id.
func (c *Connector) path(name, id string) string {
	return strings.ReplaceAll(cmp.Or(c.config.Paths[name], standardPaths[name]), "{id}", url.PathEscape(id))
}

// recordMembers are, for each list, members that only its records have.
var recordMembers = map[string][]string{
	"Data.Account":     {"AccountId", "AccountType", "AccountSubType", "AccountCategory", "AccountTypeCode"},
	"Data.Balance":     {"AccountId", "Amount", "CreditDebitIndicator"},
	"Data.Transaction": {"TransactionId", "BookingDateTime", "CreditDebitIndicator"},
	"Data.Party":       {"PartyId", "PartyType", "Name", "FullLegalName"},
}

// resource returns a list of the interface.
func (c *Connector) resource(op, path, member string) psd2.Resource {
	r := psd2.Resource{
		Op: op, Path: path, Member: member, RecordMembers: recordMembers[member], RepeatEnds: c.config.RepeatedPageEnds,
		PlainColons: c.config.History.Unescaped, Counter: c.config.Pages.Parameter, FirstPage: 1, Total: totalPages,
	}
	if c.config.Pages.First != nil {
		r.FirstPage = *c.config.Pages.First
	}
	return r
}

// totalPages returns how many pages a list has, as the Meta of an answer tells; 0 if it does not.
func totalPages(list psd2.List) int {
	var meta psd2.Optional[struct {
		Total psd2.Text `json:"TotalPages"`
	}]
	list.Member("Meta", &meta)
	total, err := strconv.Atoi(string(meta.Value.Total))
	if err != nil {
		return 0
	}
	return total
}
