package berlingroup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// convention is how the banks write amounts and dates.
var convention = notation.Interface(notation.DayFirst)

// dialect holds the headers and errors of the standard (banks §2).
var dialect = psd2.Dialect{
	Accept:     "application/json",
	PSUAddress: "PSU-IP-Address",
	PSUAgent:   "PSU-User-Agent",
	Place:      geo,
	RequestID:  "X-Request-ID",
	ErrorText:  errorText,
	ErrorCodes: func(body []byte) []string { found, _ := errorsIn(body); return found },
	Codes:      codes,
}

// geo returns the place of a user as the standard writes it.
func geo(place string) string {
	latitude, longitude, ok := psd2.Coordinates(place)
	if !ok {
		return ""
	}
	return fmt.Sprintf("GEO:%.6f;%.6f", latitude, longitude)
}

// errorBody is an error of the standard in its two forms, of a gateway, or of OAuth2.
type errorBody struct {
	Code      psd2.Text `json:"code"`
	ErrorCode psd2.Text `json:"errorCode"`
	Title     psd2.Text `json:"title"`
	Detail    psd2.Text `json:"detail"`
	Message   psd2.Text `json:"message"`
	Error     psd2.Text `json:"error"`
}

// messageLists are the members in which banks have the messages of the standard: within it, as RFC 7807
// has them, or in an object of a gateway.
const messageLists = "tppMessages|tppMessage|error.tppMessages|errors|error"

type tppMessage struct {
	Category psd2.Text `json:"category"`
	Code     psd2.Text `json:"code"`
	Text     psd2.Text `json:"text"`
}

// errorsIn returns the standard's codes in an error, without warnings, and another text
// that describes it.
func errorsIn(body []byte) (found []string, text string) {
	var e psd2.Optional[errorBody]
	_ = json.Unmarshal(body, &e) // the body is often HTML
	for _, path := range []string{messageLists, "additionalErrors"} {
		records, _ := psd2.ReadRecords(valueAt(body, path), "code", "category")
		for _, raw := range records {
			var message psd2.Optional[tppMessage]
			_ = json.Unmarshal(raw, &message)
			code := strings.ToUpper(strings.TrimSpace(string(message.Value.Code)))
			if code != "" && !strings.EqualFold(string(message.Value.Category), "WARNING") {
				found = append(found, code)
			}
			text = string(psd2.First(psd2.Text(text), message.Value.Text))
		}
	}
	for _, code := range []psd2.Text{e.Value.Code, e.Value.ErrorCode} {
		if code != "" && !slices.Contains(found, strings.ToUpper(string(code))) {
			found = append(found, strings.ToUpper(string(code)))
		}
	}
	return found, string(psd2.First(psd2.Text(text), e.Value.Error, e.Value.Title, e.Value.Detail, e.Value.Message, e.Value.Code))
}

func errorText(body []byte) string {
	found, text := errorsIn(body)
	for _, code := range found {
		if codes[code] != "" || text == "" {
			return code
		}
	}
	if len(found) > 0 {
		return found[0]
	}
	return text
}

// codes are the failures behind the standard's codes (XS2A 1.3, 14.11). A certificate or
// signature that a bank refuses is a matter of the operator, not of the user.
var codes = map[string]string{
	"CONSENT_EXPIRED": accessLost, "CONSENT_INVALID": accessLost, "CONSENT_UNKNOWN": accessLost,
	"TOKEN_EXPIRED": accessLost, "TOKEN_INVALID": accessLost, "TOKEN_UNKNOWN": accessLost,

	"ACCESS_EXCEEDED": string(bank.RateLimited),

	"PSU_CREDENTIALS_INVALID": string(bank.CredentialsRejected), "CORPORATE_ID_INVALID": string(bank.CredentialsRejected),
	"SCA_INVALID": string(bank.ChallengeRejected),

	"SERVICE_BLOCKED": string(bank.ActionAtBank), "RESOURCE_BLOCKED": string(bank.ActionAtBank),

	"CERTIFICATE_INVALID": refused, "CERTIFICATE_EXPIRED": refused, "CERTIFICATE_BLOCKED": refused, "CERTIFICATE_REVOKED": refused,
	"CERTIFICATE_MISSING": refused, "SIGNATURE_INVALID": refused, "SIGNATURE_MISSING": refused, "ROLE_INVALID": refused,
	"FORMAT_ERROR": refused, "PARAMETER_NOT_CONSISTENT": refused, "PARAMETER_NOT_SUPPORTED": refused, "TIMESTAMP_INVALID": refused,
	"SERVICE_INVALID": refused, "REQUESTED_FORMATS_INVALID": refused, "SESSIONS_NOT_SUPPORTED": refused, "STATUS_INVALID": refused,
	"SCA_METHOD_UNKNOWN": refused, "RESOURCE_UNKNOWN": refused, "RESOURCE_EXPIRED": refused, "PRODUCT_UNKNOWN": refused,
	"PRODUCT_INVALID": refused, "PAYMENT_FAILED": refused, "REFERENCE_MIX_INVALID": refused, "REFERENCE_STATUS_INVALID": refused,

	"PERIOD_INVALID": shortHistory,

	"INTERNAL_SERVER_ERROR": string(bank.Unavailable), "SERVICE_UNAVAILABLE": string(bank.Unavailable),
}

const (
	accessLost = string(bank.AccessLost)
	refused    = string(bank.Refused)
	// shortHistory is a meaning of psd2.Answer.
	shortHistory = "short history"
)

// meaning returns what the codes of an error mean, by the bank's data, else by the
// standard; "" without a known one.
func (c *Connector) meaning(found []string) string {
	for _, table := range []map[string]string{c.config.Codes, codes} {
		for _, code := range found {
			means := psd2.MeaningOf(table, code)
			if means != "" {
				return means
			}
		}
	}
	return ""
}
