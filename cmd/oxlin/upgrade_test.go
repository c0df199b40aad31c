package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/testbank/robot"
)

// TestAnUpgradeContinuesWhatWasStored opens databases that older commits have stored, with
// users who stopped half way, and continues with each of them. The clocks of the platform
// and of the test bank start at the moment of the copy, so that nothing has expired.
func TestAnUpgradeContinuesWhatWasStored(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, folder string) {
		upgrade(t, folder, func(_ *testing.T, address string) string { return address })
	})
}

// TestACopyInTheOtherDatabaseContinuesWhatWasStored moves those databases, from SQLite to
// PostgreSQL and the other way, before it continues.
func TestACopyInTheOtherDatabaseContinuesWhatWasStored(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, folder string) { upgrade(t, folder, moved) })
}

// eachFixture runs a test on each stored database, side by side.
func eachFixture(t *testing.T, test func(t *testing.T, folder string)) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(fixtureFolder, "*", "*", "notes.json"))
	if err != nil || len(folders) < 2 {
		t.Fatalf("the fixtures are not there: %v, %v", folders, err)
	}
	for _, notes := range folders {
		folder := filepath.Dir(notes)
		name, _ := filepath.Rel(fixtureFolder, folder)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, folder)
		})
	}
}

// moved copies a database to one of the other kind, and returns its address.
func moved(t *testing.T, address string) string {
	t.Helper()
	to := "sqlite:" + filepath.Join(t.TempDir(), "moved.db")
	if strings.HasPrefix(address, "sqlite:") {
		to = storetest.Postgres(t)
	}
	data := filePath(t.TempDir())
	for _, step := range []migrateCommand{
		{databaseFlags: databaseFlags{Data: data, Database: address}},
		{databaseFlags: databaseFlags{Data: data}, From: address, To: to},
	} {
		err := step.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestAnUpgradeChecksWhatWasStored starts on databases that older commits have stored,
// which name neither their key nor their kind, with what does not belong to them.
func TestAnUpgradeChecksWhatWasStored(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "other.key")
	_, err := vault.Open(vault.Options{KeyFile: other})
	if err != nil {
		t.Fatal(err)
	}
	eachFixture(t, func(t *testing.T, folder string) {
		data := t.TempDir()
		flags := serverFlags{
			databaseFlags: databaseFlags{Data: filePath(data), Database: restore(t, folder, data)}, Listen: "127.0.0.1:0", TestbankListen: "127.0.0.1:0",
			Roles: []string{"api"}, bankFlags: bankFlags{Sandbox: true},
		}
		start := func(adjust func(*serverFlags)) error {
			given := flags
			adjust(&given)
			server, err := startServer(t.Context(), given, time.Now, slog.New(slog.DiscardHandler))
			if err == nil {
				err = server.Close()
			}
			return err
		}
		absent := filepath.Join(data, "absent.key")
		for _, row := range []struct {
			adjust func(*serverFlags)
			want   error
		}{
			{func(f *serverFlags) { f.MasterKeyFile = filePath(other) }, installation.ErrOtherKey},
			{func(f *serverFlags) { f.MasterKeyFile = filePath(absent) }, installation.ErrNoKey},
			{func(f *serverFlags) { f.Sandbox = false }, installation.ErrSandbox},
			{func(*serverFlags) {}, nil},
			{func(f *serverFlags) { f.MasterKeyFile = filePath(other) }, installation.ErrOtherKey}, // the first start has left its mark
		} {
			err := start(row.adjust)
			if !errors.Is(err, row.want) {
				t.Errorf("want %v: %v", row.want, err)
			}
		}
		_, err := os.Stat(absent)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a key was made for a database that has another: %v", err)
		}
		opensSamples(t, flags)
	})
}

// opensSamples wants each kind of sealed value to open: a database may have one of them only.
func opensSamples(t *testing.T, flags serverFlags) {
	t.Helper()
	db, err := store.Open(t.Context(), flags.Database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	v, err := vault.Open(flags.vaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	samples, err := db.SealedSamples(t.Context())
	if err != nil || len(samples) != 5 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, sample := range samples {
		_, err := v.Open(sample.Value, vault.Place{Table: sample.Table, Column: sample.Column, Row: sample.Row})
		if err != nil {
			t.Error(err)
		}
	}
}

// upgraded is a fixture that the present code serves.
type upgraded struct {
	*seat
	fixture
	bank string
	db   *store.DB
	told *integratorServer
}

func upgrade(t *testing.T, folder string, move func(*testing.T, string) string) {
	u := &upgraded{fixture: readFixture(t, folder), told: &integratorServer{}}
	integrator := httptest.NewServer(u.told)
	t.Cleanup(integrator.Close)
	data := t.TempDir()
	flags := serverFlags{
		databaseFlags: databaseFlags{Data: filePath(data), Database: restore(t, folder, data)}, Listen: "127.0.0.1:0", TestbankListen: "127.0.0.1:0",
		PublicURL: publicAddress, TrustProxy: true, Roles: []string{"api", "worker", "testbank"},
		bankFlags: bankFlags{
			Sandbox: true, Providers: existingDirectory(filepath.Join(folder, "..", "providers")), BankSettings: existingFile(filepath.Join(folder, "..", "bank-settings.json")),
		},
	}
	var err error
	u.db, err = store.Open(t.Context(), flags.Database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stored := u.db
	t.Cleanup(func() { stored.Close() })
	// The integrator's server has moved. Its address was a column before it was a setting.
	err = sql(t.Context(), u.db, "UPDATE clients SET webhook_url = '"+integrator.URL+"' WHERE webhook_url = '"+u.Webhook+"'")
	if err != nil {
		err = sql(t.Context(), u.db, "UPDATE clients SET settings = replace(settings, '"+u.Webhook+"', '"+integrator.URL+"')")
	}
	if err != nil {
		t.Fatal(err)
	}
	// An older decoder took the sign of a row for the other one.
	err = sql(t.Context(), u.db, "UPDATE transactions SET amount = -amount WHERE id = (SELECT min(id) FROM transactions)")
	if err != nil {
		t.Fatal(err)
	}
	if to := move(t, flags.Database); to != flags.Database {
		flags.Database = to
		u.db, err = store.Open(t.Context(), to, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { u.db.Close() })
	}
	// The log of what fails on purpose would hide the test's own words.
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	begun := time.Now()
	flags.ownTime = true
	server, err := startServer(t.Context(), flags, func() time.Time { return u.At.Add(time.Since(begun)) }, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := server.Close()
		if err != nil {
			t.Error(err)
		}
	})
	u.bank = server.bankURL
	u.seat = newSeat(t, server.web[1].Addr) // web[0] is the test bank
	for _, step := range []struct {
		what string
		do   func(*upgraded)
	}{
		{"the stored rows are read anew", (*upgraded).derives},
		{"what was read before is answered as before", (*upgraded).readsTheSame},
		{"the queue goes on after the last event that was read", (*upgraded).readsOn},
		{"access tokens and refresh tokens are taken", (*upgraded).usesTokens},
		{"the code is exchanged with its verifier", (*upgraded).exchangesTheCode},
		{"the client's theme colours the widget", (*upgraded).showsTheTheme},
		{"the question is answered", (*upgraded).answersTheQuestion},
		{"the user comes back from the bank", (*upgraded).comesBack},
		{"the stored access is used again", (*upgraded).synchronisesAgain},
		{"the staged page is taken up", (*upgraded).readsTheRest},
		{"the flow at the login continues", (*upgraded).logsIn},
		{"the flow at the question continues", (*upgraded).answersInTheFlow},
		{"the flow at the bank continues", (*upgraded).comesBackToTheFlow},
		{"the webhooks are sent", (*upgraded).isTold},
		{"all jobs are worked", (*upgraded).worksAllJobs},
	} {
		t.Run(step.what, func(t *testing.T) {
			u.seat.t = t
			step.do(u)
		})
	}
}

// restore copies a fixture to a place of its own and gives the database's address.
func restore(t *testing.T, folder, data string) string {
	t.Helper()
	err := os.Mkdir(filepath.Join(data, "testbank"), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"master.key": "master.key", "testbank.json": "testbank/testbank.json"} {
		text, err := os.ReadFile(filepath.Join(folder, from))
		if err == nil {
			err = os.WriteFile(filepath.Join(data, to), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	packed, _ := filepath.Glob(filepath.Join(folder, "oxlin.*.gz"))
	if len(packed) != 1 {
		t.Fatalf("the fixture has the databases %v", packed)
	}
	file, err := os.Open(packed[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(packed[0], ".db.gz") {
		path := filepath.Join(data, "oxlin.db")
		database, err := os.Create(path)
		if err == nil {
			_, err = io.Copy(database, content)
		}
		if err != nil {
			t.Fatal(err)
		}
		err = database.Close()
		if err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	dump, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	address := storetest.Postgres(t)
	db, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Lines that begin so are words to psql, which a machine may not have.
	err = sql(t.Context(), db, regexp.MustCompile(`(?m)^\\.*$`).ReplaceAllString(string(dump), ""))
	if err != nil {
		t.Fatalf("restore the database: %v", err)
	}
	return address
}

// derives waits until the first sweep has read all rows from their sealed records.
func (u *upgraded) derives() {
	u.waitFor("the derivation of all rows", func() bool {
		left, err := count(u.ctx, u.db, "SELECT count(*) FROM connections WHERE derivation = 0")
		u.check(err)
		return left == 0
	})
}

func (u *upgraded) readsTheSame() {
	for _, before := range u.Answers {
		resource := before.Resource
		if strings.HasPrefix(resource, "/transactions?") {
			resource += "&sort=import_date"
		}
		now := u.read(u.Reader.Tokens, resource)
		if strings.HasPrefix(resource, "/queues/") {
			now = u.withoutDerivation(now)
		}
		same(u.t, before, now)
	}
}

func (u *upgraded) readsOn() {
	same(u.t, u.Unread, u.withoutDerivation(u.read(u.Reader.Tokens, u.Unread.Resource)))
}

// withoutDerivation takes the event of the row that was read anew from the end of a list.
func (u *upgraded) withoutDerivation(list json.RawMessage) json.RawMessage {
	var events []json.RawMessage
	u.check(json.Unmarshal(list, &events))
	var last struct {
		ConnectionUpdated struct {
			Changed int `json:"changed_transactions"`
			New     int `json:"new_transactions"`
		} `json:"connection_updated"`
	}
	u.check(json.Unmarshal(events[len(events)-1], &last))
	if got := last.ConnectionUpdated; got.Changed != 1 || got.New != 0 {
		u.t.Errorf("%+v rows were read anew", got)
	}
	before, err := json.Marshal(events[:len(events)-1])
	u.check(err)
	return before
}

// same compares the JSON of two answers. The newer one may have more members.
func same(t *testing.T, before answer, now json.RawMessage) {
	t.Helper()
	var was, is any
	err := json.Unmarshal(before.Body, &was)
	if err != nil {
		t.Fatal(err)
	}
	err = json.Unmarshal(now, &is)
	if err != nil {
		t.Fatal(err)
	}
	if !holds(is, was) {
		t.Errorf("%s was answered with\n%s\nand is answered with\n%s", before.Resource, before.Body, now)
	}
}

// holds reports whether a newer answer has everything that an older one had, except the
// balance of 0 that older versions showed before the first reading.
func holds(is, was any) bool {
	switch was := was.(type) {
	case map[string]any:
		now, ok := is.(map[string]any)
		if !ok {
			return false
		}
		for name, value := range was {
			_, dated := was["balance_date"]
			if name == "balance" && !dated {
				continue
			}
			if name == "account_number" && was["iban"] != nil {
				continue // it was the bank's own, and is the one in the IBAN
			}
			if !holds(now[name], value) {
				return false
			}
		}
		return true
	case []any:
		now, ok := is.([]any)
		return ok && slices.EqualFunc(now, was, holds)
	}
	return reflect.DeepEqual(is, was)
}

func (u *upgraded) usesTokens() {
	id, err := u.session(u.ClientToken).CreateUser(u.ctx, "new@example.test", travellersPassword)
	u.check(err)
	if len(id) != 10 {
		u.t.Errorf("the new user has the id %s, want ten digits", id)
	}
	next, err := u.integrator().Token(u.ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {u.Reader.Tokens.RefreshToken}})
	u.check(err)
	if next.RefreshToken == "" || next.RefreshToken == u.Reader.Tokens.RefreshToken {
		u.t.Fatal("the refresh token is not rotated")
	}
	u.read(next, "/users/me")
	u.read(u.Reader.Tokens, "/users/me")
	_, err = u.integrator().Token(u.ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {next.RefreshToken}})
	u.check(err)
	_, err = u.integrator().UserToken(u.ctx, u.Reader.Email, travellersPassword)
	u.check(err)
}

func (u *upgraded) exchangesTheCode() {
	exchange := url.Values{"grant_type": {"authorization_code"}, "code": {u.Code}, "redirect_uri": {returnAddress}}
	_, err := u.integrator().Token(u.ctx, exchange)
	if err == nil {
		u.t.Fatal("the code is exchanged without its verifier")
	}
	exchange.Set("code_verifier", u.Verifier)
	tokens, err := u.integrator().Token(u.ctx, exchange)
	u.check(err)
	if tokens.RefreshToken == "" || tokens.IDToken == "" {
		u.t.Error("the code gives no refresh token or no id_token")
	}
	u.read(tokens, "/users/me")
}

func (u *upgraded) showsTheTheme() {
	b := u.tab().open(u.Flows["login"])
	page := b.open(publicAddress + b.page.Find("link[href*='theme.css']").AttrOr("href", ""))
	for _, part := range []string{"Georgia, serif", "#123456", "#00aa55"} {
		if !strings.Contains(page.text, part) {
			u.t.Errorf("the style of the client does not have %s: %s", part, page.text)
		}
	}
}

func (u *upgraded) answersTheQuestion() {
	api, err := u.session(u.Asked.Tokens).API()
	u.check(err)
	asked, err := scenario.AnswerChallenges(u.ctx, api, u.AskedQueue, u.Asked.Connection, "123456")
	u.check(err)
	if asked < 2 {
		u.t.Errorf("%d questions were asked; want the offer of an SMS and the code", asked)
	}
	u.wantSuccess(u.Asked)
}

func (u *upgraded) comesBack() {
	who := u.Gone
	who.Connection = u.visitBank(u.Away)
	u.wantSuccess(who)
}

// visitBank logs in at the bank, which has moved, and comes back with a connection.
func (u *upgraded) visitBank(address string) string {
	u.t.Helper()
	callback, err := robot.LogIn(u.ctx, strings.Replace(address, u.Bank, u.bank, 1), robot.Dev())
	u.check(err)
	return u.arrive(callback)
}

func (u *upgraded) synchronisesAgain() {
	_, err := u.session(u.Reader.Tokens).Post(u.ctx, "/connections/"+u.Reader.Connection+"/synchronize", map[string]string{}, nil)
	u.check(err)
	u.wantSuccess(u.Reader)
}

func (u *upgraded) readsTheRest() {
	u.wantSuccess(u.Staged)
	transactions, err := u.session(u.Staged.Tokens).Transactions(u.ctx)
	u.check(err)
	if len(transactions) != u.Rows {
		u.t.Errorf("the connection has %d transactions, and has %d where nothing was interrupted", len(transactions), u.Rows)
	}
}

func (u *upgraded) logsIn() {
	u.toTheEnd(u.tab().open(u.Flows["login"]).press(goOn, "10001", "demo").settled().press(goOn).settled())
}

func (u *upgraded) answersInTheFlow() {
	u.toTheEnd(u.tab().open(u.Flows["question"]))
}

// toTheEnd types the code of the SMS and consents.
func (u *upgraded) toTheEnd(b *tab) {
	u.t.Helper()
	b.press(goOn, "306", "123456").settled().press("button[name=action][value=consent]").settled().wantEnd("created")
}

func (u *upgraded) comesBackToTheFlow() {
	callback, err := robot.LogIn(u.ctx, strings.Replace(u.Flows["away"], u.Bank, u.bank, 1), robot.Dev())
	u.check(err)
	b := u.tab().open(callback.String()).settled().press("button[name=action][value=consent]").settled()
	if b.page.Find("button[value=add_channel]").Length() > 0 {
		b = b.press("button[name=action][value=finish]").settled()
	}
	b.wantEnd("created")
}

// integratorServer takes webhooks.
type integratorServer struct {
	mu    sync.Mutex
	taken []json.RawMessage
}

func (i *integratorServer) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.taken = append(i.taken, body)
}

// isTold wants the webhooks that were not taken before, with the same content; they may
// have more members.
func (u *upgraded) isTold() {
	for _, before := range u.Told {
		u.waitFor("the webhook "+string(before), func() bool {
			u.told.mu.Lock()
			defer u.told.mu.Unlock()
			return slices.ContainsFunc(u.told.taken, func(now json.RawMessage) bool {
				var was, is any
				return json.Unmarshal(before, &was) == nil && json.Unmarshal(now, &is) == nil && holds(is, was)
			})
		})
	}
}

// worksAllJobs wants no job of the fixture to be left, and none to have failed.
func (u *upgraded) worksAllJobs() {
	const old = "FROM river_job WHERE kind IN ('run', 'revoke', 'webhook', 'sweep') AND "
	u.waitFor("the end of all jobs", func() bool {
		left, err := count(u.ctx, u.db, "SELECT count(*) "+old+"finalized_at IS NULL")
		u.check(err)
		return left == 0
	})
	failed, err := count(u.ctx, u.db, "SELECT count(*) "+old+"state <> 'completed'")
	u.check(err)
	if failed > 0 {
		u.t.Errorf("%d jobs have not been completed", failed)
	}
}
