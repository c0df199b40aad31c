package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"

	_ "github.com/oxlin/oxlin/internal/store" // brings the same drivers as the platform
)

// ceilingCommand makes this program the ceiling.
const ceilingCommand = "ceiling"

// ceiling does the same durable work as the platform, and nothing besides: no checks of rights,
// no limits, no request ids. It has net/http, database/sql with the same drivers and settings,
// encoding/json, and one line of log for a request. It checks the platform's tokens and reads the
// platform's rows; the tokens that it issues are in a table of its own.
type ceiling struct {
	read *sql.DB

	checkToken, checkClient, list, one, events, insert *sql.Stmt
	// hashing is a slot for each processor.
	hashing chan bool
}

// transactionColumns are those that the API shows.
const transactionColumns = `id, currency, origin, label, notes, account_id, amount, type, category, date, imported_at, updated_at,
	value_date, status, booking_date, transaction_date, remittance, check_number, source_label, missing_since`

func serveCeiling() {
	c, err := openCeiling(context.Background(), os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /token", c.token)
	mux.HandleFunc("GET /v2.1/transactions", c.transactions)
	mux.HandleFunc("GET /v2.1/transactions/{id}", c.transaction)
	mux.HandleFunc("GET /v2.1/queues/{id}", c.poll)
	mux.HandleFunc("GET /bare/{size}", bare)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	serveAs("ceiling", func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			mux.ServeHTTP(w, r)
			log.Info("ceiling", "method", r.Method, "route", r.Pattern, "from", r.RemoteAddr, "took", time.Since(begun))
		})
	})
}

// serveAs serves until the process gets SIGTERM.
func serveAs(label string, handler func(address string) http.Handler) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := "http://" + listener.Addr().String()
	served := handler(address)
	fmt.Printf("%s %s\n", label, address)
	go func() { panic(http.Serve(listener, served)) }()
	<-ctx.Done()
}

// openCeiling opens the platform's database as the platform does, and makes the table for tokens.
func openCeiling(ctx context.Context, address string) (*ceiling, error) {
	read, write, err := openDatabase(address)
	if err != nil {
		return nil, err
	}
	c := &ceiling{read: read, hashing: make(chan bool, runtime.NumCPU())}
	_, err = write.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS bench_tokens (hash "+kindOf(address, "BLOB", "BYTEA")+
		" NOT NULL PRIMARY KEY, client_id TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)")
	for _, statement := range []struct {
		into **sql.Stmt
		in   *sql.DB
		text string
	}{
		{&c.checkToken, read, "SELECT user_id FROM oauth_tokens WHERE hash = ? AND expires_at > ?"},
		{&c.checkClient, read, "SELECT secrets FROM clients WHERE id = ?"},
		{&c.list, read, "SELECT " + transactionColumns + " FROM transactions WHERE user_id = ? ORDER BY imported_at DESC LIMIT 100"},
		{&c.one, read, "SELECT " + transactionColumns + " FROM transactions WHERE id = ? AND user_id = ?"},
		{&c.events, read, "SELECT id, payload FROM events WHERE user_id = ? AND id > (SELECT position FROM queues WHERE id = ?) ORDER BY id LIMIT 500"},
		{&c.insert, write, "INSERT INTO bench_tokens (hash, client_id, created_at, expires_at) VALUES (?, ?, ?, ?)"},
	} {
		if err != nil {
			return nil, err
		}
		*statement.into, err = statement.in.PrepareContext(ctx, numbered(address, statement.text))
	}
	return c, err
}

// kindOf chooses between two words, for SQLite and for PostgreSQL.
func kindOf(address, sqlite, postgres string) string {
	if strings.HasPrefix(address, "sqlite:") {
		return sqlite
	}
	return postgres
}

// numbered writes parameters as the database of an address wants them.
func numbered(address, text string) string {
	if strings.HasPrefix(address, "sqlite:") {
		return text
	}
	parts := strings.Split(text, "?")
	for i := range parts[1:] {
		parts[i] += "$" + strconv.Itoa(i+1)
	}
	return strings.Join(parts, "")
}

// openDatabase opens a database with the settings of the platform: on SQLite one connection that
// writes and eight that read.
func openDatabase(address string) (read, write *sql.DB, err error) {
	path, ok := strings.CutPrefix(address, "sqlite:")
	if !ok {
		read, err = sql.Open("pgx", address)
		if err != nil {
			return nil, nil, err
		}
		read.SetMaxOpenConns(16)
		read.SetMaxIdleConns(16)
		return read, read, nil
	}
	source := "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16000)"
	read, err = sql.Open("sqlite", source+"&_pragma=query_only(ON)")
	if err != nil {
		return nil, nil, err
	}
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(8)
	write, err = sql.Open("sqlite", source+"&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	return read, write, nil
}

// token issues a token to a client that proves its secret. A password is hashed beside it, at the
// platform's cost, and compared with nothing.
func (c *ceiling) token(w http.ResponseWriter, r *http.Request) {
	client, secret, _ := r.BasicAuth()
	var secrets string
	err := c.checkClient.QueryRowContext(r.Context(), client).Scan(&secrets)
	sum := sha256.Sum256([]byte(secret))
	if err != nil || !containsHash(secrets, sum[:]) {
		refuse(w, err)
		return
	}
	if password := r.FormValue("password"); password != "" {
		c.hashing <- true
		argon2.IDKey([]byte(password), []byte("sixteen bytes ok"), 2, 19*1024, 1, 32)
		<-c.hashing
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	token := base64.RawURLEncoding.EncodeToString(random)
	hash, now := sha256.Sum256([]byte(token)), time.Now()
	_, err = c.insert.ExecContext(r.Context(), hash[:], client, now.UnixMicro(), now.Add(time.Hour).UnixMicro())
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "users_create"})
}

// containsHash reports whether a list of secrets, as JSON, has one with a hash.
func containsHash(list string, hash []byte) bool {
	var secrets []struct{ Hash []byte }
	_ = json.Unmarshal([]byte(list), &secrets)
	for _, known := range secrets {
		if subtle.ConstantTimeCompare(known.Hash, hash) == 1 {
			return true
		}
	}
	return false
}

// user returns the user of the request's token.
func (c *ceiling) user(r *http.Request) (user int64, err error) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	hash := sha256.Sum256([]byte(token))
	err = c.checkToken.QueryRowContext(r.Context(), hash[:], time.Now().UnixMicro()).Scan(&user)
	return user, err
}

// shownTransaction is a transaction in the JSON of the API.
type shownTransaction struct {
	ID              string          `json:"id"`
	Currency        string          `json:"currency"`
	Origin          string          `json:"origin"`
	Label           string          `json:"label"`
	Notes           string          `json:"notes,omitempty"`
	AccountID       string          `json:"account_id"`
	Amount          json.Number     `json:"amount"`
	Type            string          `json:"type"`
	Category        string          `json:"category_id"`
	Date            int64           `json:"date"`
	ImportDate      int64           `json:"import_date"`
	LastUpdate      int64           `json:"last_update_date,omitempty"`
	ValueDate       int64           `json:"value_date,omitempty"`
	Status          string          `json:"status"`
	BookingDate     int64           `json:"booking_date,omitempty"`
	TransactionDate int64           `json:"transaction_date,omitempty"`
	Remittance      json.RawMessage `json:"remittance_information"`
	Check           string          `json:"check_number,omitempty"`
	Source          *source         `json:"source,omitempty"`
	MissingSince    int64           `json:"missing_since,omitempty"`
}

type source struct {
	Label string `json:"label"`
}

var paris, _ = time.LoadLocation("Europe/Paris")

func midnight(day string) int64 {
	t, err := time.ParseInLocation(time.DateOnly, day, paris)
	if err != nil {
		return 0
	}
	return t.Unix()
}

func scanTransaction(scan func(...any) error) (t shownTransaction, err error) {
	var amount, imported, updated int64
	var date, value, booking, made, missing, remittance, label string
	err = scan(&t.ID, &t.Currency, &t.Origin, &t.Label, &t.Notes, &t.AccountID, &amount, &t.Type, &t.Category, &date, &imported, &updated,
		&value, &t.Status, &booking, &made, &remittance, &t.Check, &label, &missing)
	t.Amount = json.Number(strconv.FormatFloat(float64(amount)/100_000, 'f', -1, 64))
	t.Date, t.ValueDate, t.BookingDate, t.TransactionDate, t.MissingSince = midnight(date), midnight(value), midnight(booking), midnight(made), midnight(missing)
	t.ImportDate, t.LastUpdate, t.Remittance = imported/1_000_000, updated/1_000_000, json.RawMessage(remittance)
	if label != "" {
		t.Source = &source{label}
	}
	return t, err
}

func (c *ceiling) transactions(w http.ResponseWriter, r *http.Request) {
	user, err := c.user(r)
	if err != nil {
		refuse(w, err)
		return
	}
	rows, err := c.list.QueryContext(r.Context(), user)
	if err != nil {
		refuse(w, err)
		return
	}
	defer rows.Close()
	list := make([]shownTransaction, 0, 100)
	for rows.Next() {
		t, err := scanTransaction(rows.Scan)
		if err != nil {
			refuse(w, err)
			return
		}
		list = append(list, t)
	}
	answer(w, list)
}

func (c *ceiling) transaction(w http.ResponseWriter, r *http.Request) {
	user, err := c.user(r)
	if err == nil {
		var t shownTransaction
		t, err = scanTransaction(c.one.QueryRowContext(r.Context(), r.PathValue("id"), user).Scan)
		if err == nil {
			answer(w, t)
			return
		}
	}
	refuse(w, err)
}

func (c *ceiling) poll(w http.ResponseWriter, r *http.Request) {
	user, err := c.user(r)
	if err != nil {
		refuse(w, err)
		return
	}
	rows, err := c.events.QueryContext(r.Context(), user, r.PathValue("id"))
	if err != nil {
		refuse(w, err)
		return
	}
	defer rows.Close()
	if rows.Next() {
		refuse(w, errors.New("the queue has events"))
		return
	}
	answer(w, []int{})
}

// bare gives an answer of so many bytes without doing anything for it.
func bare(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.PathValue("size"))
	if err != nil {
		refuse(w, err)
		return
	}
	_, _ = w.Write(bytes.Repeat([]byte("x"), size))
}

func answer(w http.ResponseWriter, what any) {
	text, err := json.Marshal(what)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

func refuse(w http.ResponseWriter, err error) {
	http.Error(w, fmt.Sprint("the ceiling: ", err), http.StatusInternalServerError)
}
