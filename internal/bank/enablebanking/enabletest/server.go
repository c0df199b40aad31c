package enabletest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// Application is the id of the only application that the server knows.
const Application = "cf589be3-3755-465b-a8df-a90a16a31403"

// Bank is a bank of the list, as GET /aspsps has it.
type Bank struct {
	Name     string   `json:"name"`
	Country  string   `json:"country"`
	Logo     string   `json:"logo"`
	PSUTypes []string `json:"psu_types"`
	Methods  []any    `json:"auth_methods"`
	Validity int      `json:"maximum_consent_validity"`
	Beta     bool     `json:"beta"`
	BIC      string   `json:"bic,omitempty"`
	Headers  []string `json:"required_psu_headers,omitempty"`
}

// Account is an account of the only customer, whatever bank they choose.
type Account struct {
	// Members are those of AccountResource beside uid.
	Members map[string]any
	// Blocked is set for an account to which the server gives no uid.
	Blocked bool
	// Balances are answered as they are. Pages are those of the transactions, newest first;
	// the rows of one are answered as they are.
	Balances []map[string]any
	Pages    [][]map[string]any
}

// Server plays the aggregator. Its fields may be changed between requests.
type Server struct {
	Now func() time.Time
	// Key is the application's private key as a PEM text.
	Key string
	// Redirects are the addresses to which users may be returned.
	Redirects []string
	Banks     []Bank
	Accounts  []Account
	// Fail has error codes for requests, by method and the last part of the path, such as
	// "GET transactions". Each is answered until it is deleted.
	Fail map[string]string
	// Pictures are the banks' logos, by path.
	Pictures map[string][]byte
	// Late is the age of a login from which on rows older than 90 days are refused; zero for
	// none.
	Late time.Duration
	// Shorter is how much earlier a session ends than was asked for.
	Shorter time.Duration

	t        testing.TB
	mu       sync.Mutex
	public   *rsa.PublicKey
	begun    map[string]authorization // by the id in the address of the login page
	codes    map[string]string        // the same ids, by code
	sessions map[string]*Session
	seen     []*http.Request
}

// authorization is a login that has begun.
type authorization struct {
	Access struct {
		ValidUntil time.Time `json:"valid_until"`
	} `json:"access"`
	Bank struct {
		Name    string `json:"name"`
		Country string `json:"country"`
	} `json:"aspsp"`
	State    string `json:"state"`
	Redirect string `json:"redirect_url"`
	PSUType  string `json:"psu_type"`
	at       time.Time
	used     bool
}

// Session is a user's session.
type Session struct {
	ID     string
	Status string
	Until  time.Time
	// UIDs are the ids of the accounts, in their order; empty for a blocked one.
	UIDs  []string
	begun authorization
	at    time.Time
	// keys are the continuation keys that were given, and the pages to which they lead.
	keys map[string]int
}

// New returns a server with a key, without banks and accounts.
func New(t testing.TB, now func() time.Time) *Server {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{
		Now: now, Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})), t: t, public: &key.PublicKey,
		Fail: map[string]string{}, Pictures: map[string][]byte{}, begun: map[string]authorization{}, codes: map[string]string{}, sessions: map[string]*Session{},
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if picture, ok := s.Pictures[r.URL.Path]; ok {
		s.write(w, picture)
		return
	}
	s.seen = append(s.seen, r)
	status, answer := s.answer(r)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	text, err := json.Marshal(answer)
	if err != nil {
		s.t.Error(err)
	}
	s.write(w, text)
}

func (s *Server) write(w http.ResponseWriter, text []byte) {
	_, err := w.Write(text)
	if err != nil {
		s.t.Log(err) // the client has enough of a picture that is too large
	}
}

// Requests returns the requests to the interface since the last call.
func (s *Server) Requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// Sessions returns the sessions, the latest last.
func (s *Server) Sessions() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Session
	for _, session := range s.sessions {
		all = append(all, session)
	}
	slices.SortFunc(all, func(a, b *Session) int { return a.at.Compare(b.at) })
	return all
}

// failed is an ErrorResponse.
func failed(status int, code string) (int, any) {
	return status, map[string]any{"message": "refused: " + code, "code": status, "error": code}
}

// statuses are the HTTP statuses of the codes that are not 400.
var statuses = map[string]int{
	"AUTHORIZATION_NOT_PROVIDED": 401, "UNAUTHORIZED_ACCESS": 401, "EXPIRED_SESSION": 401, "CLOSED_SESSION": 401, "REVOKED_SESSION": 401,
	"ACCESS_DENIED": 403, "UNAUTHORIZED_IP": 403, "SESSION_DOES_NOT_EXIST": 404, "ACCOUNT_DOES_NOT_EXIST": 404, "ASPSP_TIMEOUT": 408,
	"ALREADY_AUTHORIZED": 422, "WRONG_AUTHORIZATION_CODE": 422, "EXPIRED_AUTHORIZATION_CODE": 422, "PSU_HEADER_NOT_PROVIDED": 422, "WRONG_CONTINUATION_KEY": 422,
	"ASPSP_RATE_LIMIT_EXCEEDED": 429,
}

// refused answers a code with its status.
func refused(code string) (int, any) {
	status, ok := statuses[code]
	if !ok {
		status = http.StatusBadRequest
	}
	return failed(status, code)
}

func (s *Server) answer(r *http.Request) (int, any) {
	if code := s.unknown(r); code != "" {
		return refused(code)
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if code := s.Fail[r.Method+" "+parts[len(parts)-1]]; code != "" {
		return refused(code)
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/auth":
		return s.begin(r)
	case r.Method == http.MethodPost && r.URL.Path == "/sessions":
		return s.redeem(r)
	case parts[0] == "sessions" && len(parts) == 2:
		return s.session(r, parts[1])
	case parts[0] == "accounts" && len(parts) == 3:
		return s.account(r, parts[1], parts[2])
	case r.URL.Path == "/aspsps":
		return s.list(r)
	case r.URL.Path == "/application":
		return http.StatusOK, map[string]any{
			"name": "Home", "kid": Application, "environment": "PRODUCTION", "redirect_urls": s.Redirects, "active": true, "countries": []string{"FR"}, "services": []string{"AIS"},
		}
	}
	return failed(http.StatusNotFound, "WRONG_REQUEST_PARAMETERS")
}

// unknown returns why a request is not the application's; empty if it is.
func (s *Server) unknown(r *http.Request) string {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "AUTHORIZATION_NOT_PROVIDED"
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || token.Headers[0].KeyID != Application || token.Headers[0].ExtraHeaders["typ"] != "JWT" {
		return "UNAUTHORIZED_ACCESS"
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"` // a text, not a list
		From     int64  `json:"iat"`
		Until    int64  `json:"exp"`
	}
	now := s.Now().Unix()
	if token.Claims(s.public, &claims) != nil || claims.Issuer != "enablebanking.com" || claims.Audience != "api.enablebanking.com" ||
		claims.From > now || claims.Until <= now || claims.Until-claims.From > 86400 {
		return "UNAUTHORIZED_ACCESS"
	}
	return ""
}

func (s *Server) bank(name, country string) (Bank, bool) {
	i := slices.IndexFunc(s.Banks, func(b Bank) bool { return b.Name == name && b.Country == country })
	if i < 0 {
		return Bank{}, false
	}
	return s.Banks[i], true
}

// begin answers POST /auth.
func (s *Server) begin(r *http.Request) (int, any) {
	var asked authorization
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err != nil || asked.State == "" {
		return refused("WRONG_REQUEST_PARAMETERS")
	}
	bank, ok := s.bank(asked.Bank.Name, asked.Bank.Country)
	switch {
	case !ok:
		return refused("WRONG_ASPSP_PROVIDED")
	case !slices.Contains(s.Redirects, asked.Redirect):
		return refused("REDIRECT_URI_NOT_ALLOWED")
	case asked.Access.ValidUntil.After(s.Now().Add(time.Duration(bank.Validity)*time.Second)) || !asked.Access.ValidUntil.After(s.Now()):
		return refused("WRONG_REQUEST_PARAMETERS")
	}
	id := uuid.NewString()
	asked.at = s.Now()
	s.begun[id] = asked
	return http.StatusOK, map[string]any{
		"url": "https://" + r.Host + "/welcome?sessionid=" + id, "authorization_id": id, "psu_id_hash": "a-hash",
	}
}

// Approve logs the user in at the bank's page and consents. It returns
// the address to which they are sent.
func (s *Server) Approve(page string) string {
	s.t.Helper()
	return s.leave(page, func(id string) url.Values {
		code := uuid.NewString()
		s.codes[code] = id
		return url.Values{"code": {code}}
	})
}

// Refuse plays a user who cancels.
func (s *Server) Refuse(page string) string {
	s.t.Helper()
	return s.leave(page, func(string) url.Values {
		return url.Values{"error": {"access_denied"}, "error_description": {"Denied data sharing consent"}}
	})
}

func (s *Server) leave(page string, with func(id string) url.Values) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	address, err := url.Parse(page)
	if err != nil {
		s.t.Fatal(err)
	}
	id := address.Query().Get("sessionid")
	begun, ok := s.begun[id]
	if !ok || address.Path != "/welcome" {
		s.t.Fatalf("%s is no login page", page)
	}
	query := with(id)
	query.Set("state", begun.State)
	return begun.Redirect + "?" + query.Encode()
}

// redeem answers POST /sessions.
func (s *Server) redeem(r *http.Request) (int, any) {
	const life = 10 * time.Minute
	var asked struct {
		Code string `json:"code"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err != nil {
		return refused("WRONG_REQUEST_PARAMETERS")
	}
	id, ok := s.codes[asked.Code]
	begun := s.begun[id]
	switch {
	case !ok:
		return refused("WRONG_AUTHORIZATION_CODE")
	case begun.used:
		return refused("ALREADY_AUTHORIZED")
	case s.Now().Sub(begun.at) > life:
		return refused("EXPIRED_AUTHORIZATION_CODE")
	}
	begun.used = true
	s.begun[id] = begun
	made := &Session{ID: uuid.NewString(), Status: "AUTHORIZED", Until: begun.Access.ValidUntil.Add(-s.Shorter), begun: begun, at: s.Now(), keys: map[string]int{}}
	accounts := []any{}
	for _, account := range s.Accounts {
		described := map[string]any{}
		for name, value := range account.Members {
			described[name] = value
		}
		uid := ""
		if !account.Blocked {
			uid = uuid.NewString()
			described["uid"] = uid
		}
		made.UIDs = append(made.UIDs, uid)
		accounts = append(accounts, described)
	}
	s.sessions[made.ID] = made
	return http.StatusOK, map[string]any{
		"session_id": made.ID, "accounts": accounts, "aspsp": begun.Bank, "psu_type": begun.PSUType, "access": map[string]any{"valid_until": made.Until},
	}
}

// state returns the state of a session now.
func (s *Server) state(of *Session) string {
	if of.Status == "AUTHORIZED" && !s.Now().Before(of.Until) {
		return "EXPIRED"
	}
	return of.Status
}

// overCodes are the codes of sessions that are over.
var overCodes = map[string]string{"EXPIRED": "EXPIRED_SESSION", "CLOSED": "CLOSED_SESSION", "REVOKED": "REVOKED_SESSION"}

// session answers GET and DELETE /sessions/{id}.
func (s *Server) session(r *http.Request, id string) (int, any) {
	found, ok := s.sessions[id]
	if !ok {
		return refused("SESSION_DOES_NOT_EXIST")
	}
	if r.Method == http.MethodDelete {
		if code := overCodes[s.state(found)]; code != "" {
			return refused(code)
		}
		found.Status = "CLOSED"
		return http.StatusOK, map[string]any{"message": "OK"}
	}
	uids, data := []string{}, []any{}
	for i, uid := range found.UIDs {
		if uid != "" {
			uids = append(uids, uid)
			data = append(data, map[string]any{
				"uid": uid, "identification_hash": s.Accounts[i].Members["identification_hash"], "identification_hashes": s.Accounts[i].Members["identification_hashes"],
			})
		}
	}
	return http.StatusOK, map[string]any{
		"status": s.state(found), "accounts": uids, "accounts_data": data, "aspsp": found.begun.Bank, "psu_type": found.begun.PSUType,
		"psu_id_hash": "a-hash", "access": map[string]any{"valid_until": found.Until}, "created": found.at, "authorized": found.at,
	}
}

// account answers GET /accounts/{uid}/balances and /transactions.
func (s *Server) account(r *http.Request, uid, what string) (int, any) {
	for _, session := range s.sessions {
		i := slices.Index(session.UIDs, uid)
		if i < 0 {
			continue
		}
		if state := s.state(session); state != "AUTHORIZED" {
			return refused(overCodes[state])
		}
		bank, _ := s.bank(session.begun.Bank.Name, session.begun.Bank.Country)
		if code := presence(r.Header, bank.Headers); code != "" {
			return refused(code)
		}
		if what == "balances" {
			return http.StatusOK, map[string]any{"balances": append([]map[string]any{}, s.Accounts[i].Balances...)}
		}
		return s.rows(r, session, s.Accounts[i])
	}
	return refused("ACCOUNT_DOES_NOT_EXIST")
}

// presence returns why the headers about the user are refused: there are some, and not all
// that the bank requires.
func presence(header http.Header, required []string) string {
	some := false
	for name := range header {
		some = some || strings.HasPrefix(name, "Psu-")
	}
	for _, name := range required {
		if some && header.Get(name) == "" {
			return "PSU_HEADER_NOT_PROVIDED"
		}
	}
	return ""
}

// rows answers a page of transactions.
func (s *Server) rows(r *http.Request, session *Session, account Account) (int, any) {
	query := r.URL.Query()
	from, to := query.Get("date_from"), query.Get("date_to")
	today := s.Now().UTC().Format(time.DateOnly)
	limit := s.Now().UTC().AddDate(0, 0, -91).Format(time.DateOnly)
	switch {
	case from > today:
		return refused("DATE_FROM_IN_FUTURE")
	case from == "" && to != "":
		return refused("DATE_TO_WITHOUT_DATE_FROM")
	case to != "" && to < from:
		return refused("WRONG_DATE_INTERVAL")
	case s.Late > 0 && s.Now().Sub(session.at) > s.Late && from < limit:
		return refused("WRONG_TRANSACTIONS_PERIOD")
	}
	page, key := 0, query.Get("continuation_key")
	if key != "" {
		known, ok := session.keys[key]
		if !ok {
			return refused("WRONG_CONTINUATION_KEY")
		}
		page = known
	}
	rows := []map[string]any{}
	if page < len(account.Pages) {
		for n, row := range account.Pages[page] {
			day, _ := row["booking_date"].(string)
			if day != "" && (day < from || to != "" && day > to) {
				continue
			}
			given := map[string]any{"transaction_id": fmt.Sprintf("%s-%d-%d", uuid.NewString(), page, n)} // another one in each answer
			for name, value := range row {
				given[name] = value
			}
			rows = append(rows, given)
		}
	}
	answer := map[string]any{"transactions": rows}
	if page+1 < len(account.Pages) {
		next := base64.StdEncoding.EncodeToString([]byte(session.ID + fmt.Sprintf("/%s?>%d", strings.Split(r.URL.Path, "/")[2], page+1)))
		session.keys[next] = page + 1
		answer["continuation_key"] = next
	}
	return http.StatusOK, answer
}

// list answers GET /aspsps.
func (s *Server) list(r *http.Request) (int, any) {
	country, kind := r.URL.Query().Get("country"), r.URL.Query().Get("psu_type")
	banks := []Bank{}
	for _, bank := range s.Banks {
		if (country == "" || bank.Country == country) && (kind == "" || slices.Contains(bank.PSUTypes, kind)) {
			if bank.Methods == nil {
				bank.Methods = []any{}
			}
			banks = append(banks, bank)
		}
	}
	return http.StatusOK, map[string]any{"aspsps": banks}
}
