package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/store"
)

// The command imports a file for a user of a database, once, and asks where the file leaves something open.
func TestImport(t *testing.T) {
	t.Cleanup(func() { slog.SetDefault(slog.Default()) })
	directory := t.TempDir()
	if code := run(t.Context(), notify.Ways(), []string{"migrate", "--data", directory}); code != 0 {
		t.Fatalf("migrate ends with %d", code)
	}
	if code := run(t.Context(), notify.Ways(), []string{"client", "create", "Home", "--data", directory}); code != 0 {
		t.Fatalf("client create ends with %d", code)
	}
	db, err := (databaseFlags{Data: filePath(directory)}).open(t.Context(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	clients, err := db.Read().Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var user oxlin.UserID
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		user, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: clients[0].ID, Email: "a@example.org", CreatedAt: time.Now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(directory, name)
		err := os.WriteFile(path, []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	const rows = ":28C:1/1\n:61:2601050105D12,50NMSCNONREF\n:86:CAFE\n:61:2601060106D9,00NMSCNONREF\n:86:MARCHE\n-\n"
	named := write("named.sta", ":20:S\n:25:FR7630006000011234567890189\n"+rows)
	nameless := write("nameless.sta", ":20:S\n"+rows)
	importing := func(want int, arguments ...string) {
		t.Helper()
		arguments = append([]string{"import", "--data", directory, "--user", user.String()}, arguments...)
		if code := run(t.Context(), notify.Ways(), arguments); code != want {
			t.Errorf("%v ends with %d, want %d", arguments, code, want)
		}
	}
	stored := func() int {
		t.Helper()
		rows, err := db.Read().Transactions(t.Context(), user, store.TransactionFilter{}, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	importing(0, named)
	importing(0, named)
	if n := stored(); n != 2 {
		t.Errorf("%d transactions, want 2", n)
	}
	importing(1, nameless)
	importing(1, nameless, "--account", "x")
	importing(1, named, "--provider", "1", "--connection", "1")
	importing(0, nameless, "--account", "new")
	if n := stored(); n != 4 {
		t.Errorf("%d transactions, want 4", n)
	}
}

func TestAQuestionOfAFileIsPrinted(t *testing.T) {
	var out strings.Builder
	err := explained(&connect.AccountQuestion{Accounts: []oxlin.Account{{ID: 7, Type: oxlin.AccountCheckings, IBAN: "FR76"}}}, &out)
	if err == nil || !strings.Contains(out.String(), "7        CHECKINGS  FR76") {
		t.Errorf("%v\n%s", err, out.String())
	}
	other := errors.New("other")
	if got := explained(other, &out); got != other {
		t.Errorf("error %v", got)
	}
}
