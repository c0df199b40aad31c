package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// person is a user whose data differ from every other user's.
type person struct{ email, login, password, owner, iban, account, label, savings string }

var (
	leaving = person{
		"leaving-k3Wz@example.test", "leaving-login-Qb7", "leaving-password-Hs2", "LEONTINE DEPARTEMENTAL", "FR7630001007941234567890185",
		"COMPTE DE LEONTINE", "CB LIBRAIRIE DU DEPART", "LIVRET DE LEONTINE",
	}
	staying = person{
		"staying-p9Ly@example.test", "staying-login-Mc4", "staying-password-Td8", "REMI SEDENTAIRE", "FR7610107001011234567890129",
		"COMPTE DE REMI", "CB CAFE DE LA RESTE", "LIVRET DE REMI",
	}
)

// file is the person's test-bank file.
func (p person) file() string {
	return fmt.Sprintf(`
CREDENTIALS|%s|%s
CREDENTIALS_OWNER|%s
OWNER|MADM|LEA|%s|21/11/1980|1 RUE DU PORT 44000 NANTES|NANTES|0612345678
ACCOUNT|1|00011122233|D|1200.50|Checkings|||%s|%s|||%s|EUR
TRANSACTION|-12.30|D-3|%s
TRANSACTION|1500.00|D-10|%s VIREMENT
ACCOUNT|2|00011122244|D|300.00|Savings|||%s|%s||||EUR
TRANSACTION|300.00|D-20|%s VERSEMENT
`, p.login, p.password, p.owner, p.owner, p.owner, p.account, p.iban, p.label, p.label, p.owner, p.savings, p.label)
}

// searches returns a search for each of the person's data.
func (p person) searches() []search {
	return []search{
		searchFor("the e-mail", p.email), searchFor("the owner", p.owner), searchFor("the IBAN", p.iban),
		searchFor("the account", p.account), searchFor("the label", p.label), searchFor("the savings account", p.savings),
	}
}

// TestADeletedUserHasLeftNothing reads the files of the database after a user's
// deletion: none of the user's data remain, and another user's are complete.
func TestADeletedUserHasLeftNothing(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		deletion(t, data, data)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		deletion(t, t.TempDir(), "", "--database", storetest.Postgres(t))
	})
}

// deletion deletes one of two users. PostgreSQL keeps deleted rows in its files until
// it vacuums them, so files is empty there and nothing is searched.
func deletion(t *testing.T, data, files string, flags ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, p := range []person{leaving, staying} {
			if strings.HasSuffix(r.URL.Path, p.login) {
				io.WriteString(w, p.file())
			}
		}
	}))
	defer pages.Close()
	bankWire, bank := tapped(t)
	address := freeAddress(t)
	platform := run(t, "platform", append([]string{
		"serve", "--log-level", "DEBUG", "--sandbox", "--roles", "api", "--roles", "worker", "--data", data,
		"--listen", address, "--testbank-url", bank,
	}, flags...)...)
	platform.where(t, "platform")
	software := integrator("http://" + address)
	var token string
	users := map[person]*journey.EndUser{}
	var neighbour []string
	for _, p := range []person{leaving, staying} {
		who := journey.Customer{Login: p.login, Password: p.password, Code: "123456", File: pages.URL + "/" + p.login}
		user, err := journey.Travel(ctx, software, p.email, who, false, func() {})
		if err == nil {
			neighbour, err = user.Brought(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		users[p] = user
		if p == leaving {
			token = bankWire.last("access_token")
		}
	}
	gone := users[leaving].User
	if status := visitBank(t, bank, token); status != http.StatusOK {
		t.Fatalf("before the deletion the bank's token is answered with %d", status)
	}

	err := gone.Delete(ctx, "/users/me")
	if err != nil {
		t.Fatal(err)
	}

	err = gone.Get(ctx, "/users/me", nil)
	if !journey.Refused(err, http.StatusUnauthorized) {
		t.Errorf("the deleted user's token is answered with %v", err)
	}
	_, err = software.Token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {gone.Tokens.RefreshToken}})
	if !journey.Refused(err, http.StatusBadRequest) {
		t.Errorf("the deleted user's refresh token is answered with %v", err)
	}
	for visitBank(t, bank, token) == http.StatusOK {
		if ctx.Err() != nil {
			t.Fatal("the bank's token is not revoked")
		}
		time.Sleep(20 * time.Millisecond)
	}
	after, err := journey.Belongings(ctx, users[staying].User)
	if err != nil || !slices.Equal(after, neighbour) {
		t.Errorf("the neighbour's data have changed: %v\n%s", err, cmp.Diff(neighbour, after))
	}
	if files != "" {
		look(t, "while it runs", []string{files, filepath.Dir(platform.Log)})
	}
	client, err := software.ClientToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateUser(ctx, leaving.email, password)
	if err != nil {
		t.Fatalf("the e-mail is not free again: %v", err)
	}
	again, err := software.UserToken(ctx, leaving.email, password)
	if err == nil {
		err = again.Delete(ctx, "/users/me")
	}
	if err != nil {
		t.Fatal(err)
	}
	platform.stop(t)
	if files != "" {
		look(t, "at the end", []string{files, filepath.Dir(platform.Log)})
	}
}

// look fails unless the files hold the data of the remaining users and none of the
// deleted ones.
func look(t *testing.T, when string, directories []string) {
	t.Helper()
	stayed := 0
	for _, directory := range directories {
		stayed += len(inFiles(t, directory, staying.searches()))
		for _, found := range inFiles(t, directory, leaving.searches()) {
			t.Errorf("%s there is %s", when, found)
		}
	}
	if stayed < len(staying.searches()) {
		t.Errorf("%s not even the neighbour is found", when)
	}
}

// visitBank requests the accounts from the bank with a given token, and returns the
// status.
func visitBank(t *testing.T, bank, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, bank+"/stet/v1.5/accounts", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("X-Request-ID", "1")
	request.Header.Set("PSU-IP-Address", "192.0.2.1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
