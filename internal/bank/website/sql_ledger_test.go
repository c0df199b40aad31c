package website_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/website"
	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// startLedger starts SQL-Ledger with books in PostgreSQL.
func startLedger(t *testing.T, books map[string][]booked) *httptest.Server {
	t.Helper()
	program := os.DirFS("../../../bin/sql-ledger")
	_, err := fs.Stat(program, "VERSION")
	if err != nil || exec.Command("perl", "-MDBD::Pg", "-e", "1").Run() != nil {
		omit.Skip(t, 1, "SQL-Ledger is not installed (.ci/sql-ledger)")
	}
	database, err := postgrestest.Start(false)
	if err != nil {
		omit.Skip(t, 1, "PostgreSQL is not installed (.ci/postgresql)")
	}
	t.Cleanup(func() { _ = database.Close() })
	home := filepath.Join(t.TempDir(), "ledger")
	installLedger(t, program, home)
	at, err := url.Parse(database.Address("books"))
	if err != nil {
		t.Fatal(err)
	}
	setup, err := filepath.Abs("testdata/sql-ledger/setup.pl")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "perl", setup, at.Query().Get("host"), at.User.Username())
	command.Dir = home
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	writeLedger(t, database.Address("books"), books)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := cgi.Handler{Path: filepath.Join(home, path.Base(r.URL.Path)), Dir: home}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	// The first login brings the books to the program's version.
	response, err := server.Client().PostForm(server.URL+"/login.pl", url.Values{
		"login": {"zoe@books"}, "password": {"s3same"}, "path": {"bin/mozilla"}, "action": {"Login"},
	})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return server
}

// installLedger copies the program, which knows its folder by name.
func installLedger(t *testing.T, program fs.FS, home string) {
	t.Helper()
	err := os.CopyFS(home, program)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"users", "spool", "templates", "css"} {
		err := os.Mkdir(filepath.Join(home, folder), 0o700)
		if err != nil {
			t.Fatal(err)
		}
	}
	scripts, err := filepath.Glob(filepath.Join(home, "*.pl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err == nil {
			err = os.WriteFile(script, bytes.ReplaceAll(text, []byte("/usr/share/sql-ledger"), []byte(home)), 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const settings = `$userspath = "users"; $spool = "spool"; $templates = "templates"; $memberfile = "users/members"; $images = "images"; ` +
		`$language = ""; $charset = "UTF8"; 1;`
	err = os.WriteFile(filepath.Join(home, "sql-ledger.conf"), []byte(settings), 0o600)
	if err != nil {
		t.Fatal(err)
	}
}

// writeLedger writes the rows as the program stores them, where money that comes in is negative.
func writeLedger(t *testing.T, address string, books map[string][]booked) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(t.Context())
	execute := func(statement string, arguments ...any) {
		t.Helper()
		_, err := connection.Exec(t.Context(), statement, arguments...)
		if err != nil {
			t.Fatal(err)
		}
	}
	execute("INSERT INTO employee (login, name) VALUES ('zoe', 'Zoe')")
	id := 1
	for number, rows := range books {
		for _, row := range rows {
			execute("INSERT INTO gl (id, reference, description, transdate) VALUES ($1, 'R', $2, CAST($3::text AS date))", id, row.Label, row.Day)
			execute("INSERT INTO acc_trans (trans_id, chart_id, amount, transdate) SELECT $1, id, CAST($2::text AS float8), CAST($3::text AS date) FROM chart WHERE accno = $4",
				id, inUnits(-row.Cents), row.Day, number)
			id++
		}
	}
}

// TestSQLLedgerAsABank reads a real accounting program: frames, addresses with the user's name, a
// cookie whose name no standard allows, two columns, in American notation and the oldest row first.
func TestSQLLedgerAsABank(t *testing.T) {
	books := map[string][]booked{"1060": ledger("1060", 90), "1065": ledger("1065", 5)}
	for number, rows := range books {
		for i := range rows {
			books[number][i].Label = strings.NewReplacer("<", "(", ">", ")", "&", "and").Replace(rows[i].Label) // it writes texts as they are
		}
	}
	server := startLedger(t, books)
	connector := func() *website.Connector {
		connector, err := website.New(website.Config{
			Recipe: "sql-ledger", BaseURL: server.URL, Fields: map[string]oxlin.CredentialID{"login": "1", "password": "2"},
		}, website.Deps{Transport: server.Client().Transport})
		if err != nil {
			t.Fatal(err)
		}
		return connector
	}
	typed := secrets("1", "zoe@books", "2", "s3same")
	_, err := banktest.LogIn(t.Context(), connector(), banktest.Login{Credentials: secrets("1", "zoe@books", "2", "wrong")})
	if kind := kindOf(t, err); kind != bank.CredentialsRejected {
		t.Errorf("a wrong password: %q", kind)
	}
	result, err := banktest.LogIn(t.Context(), connector(), banktest.Login{Credentials: typed})
	if err != nil {
		t.Fatal(err)
	}
	call := bank.Call{Access: result.Access}
	checkBooks(t, connector, call, books)
	banktest.Exercise(t, banktest.Subject{
		New: func() bank.Connector { return connector() }, Call: call, From: oxlin.NewDate(2026, 5, 1), Logins: typed,
		Lost: bank.Call{Access: bank.Access{Token: oxlin.NewSecret(`{"notes":{"user":"zoe@books"}}`)}},
	})
}
