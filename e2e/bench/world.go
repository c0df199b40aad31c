package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
)

// bench plays integrators and users.
type bench struct {
	settings   settings
	integrator scenario.Integrator
	// user has synchronised accounts, and transaction is the id of one of their
	// transactions.
	user        scenario.Session
	transaction string
}

const password = "bench-password"

// accounts is how many accounts each user has.
const accounts = 4

// file is a test-bank file with so many transactions, all of the last weeks: a
// bank shows older ones only while the user is there.
func file(rows int) string {
	var text strings.Builder
	text.WriteString("CREDENTIALS|bench|bench\nCREDENTIALS_OWNER|MARIE BENCH\n")
	for account := range accounts {
		fmt.Fprintf(&text, "ACCOUNT|BENCH%d|000%d|D|1000.00|Checkings|||MARIE BENCH|COMPTE %d|true|true||EUR\n", account, account, account)
		for row := account; row < rows; row += accounts {
			fmt.Fprintf(&text, "TRANSACTION|-%d.%02d|D-%d|CB MAGASIN %d\n", 1+row%97, row%100, 1+row*80/rows, row)
		}
	}
	return text.String()
}

// synchronise sends several users to the bank at once and returns the rate of their
// transactions, from their return from the bank to the end of the synchronisation.
func (b *bench) synchronise(ctx context.Context) (float64, error) {
	text := file(b.settings.rows)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	defer web.Close()
	applicant, err := b.integrator.ClientToken(ctx)
	if err != nil {
		return 0, err
	}
	type returningUser struct {
		session  scenario.Session
		callback *url.URL
	}
	var returning []returningUser
	for n := range b.settings.users {
		email := fmt.Sprintf("bench-%d-%d@example.test", time.Now().UnixNano(), n)
		_, err := applicant.CreateUser(ctx, email, password)
		if err != nil {
			return 0, err
		}
		session, err := b.integrator.UserToken(ctx, email, password)
		if err != nil {
			return 0, err
		}
		address, err := session.AuthorizeURL(ctx, "87", "8701", "https://integrator.example/return")
		if err != nil {
			return 0, err
		}
		callback, err := robot.LogIn(ctx, address, map[string]string{
			"login": "bench", "password": "bench", "code": "123456", "file_url": fmt.Sprintf("%s/%d.txt", web.URL, n),
		})
		if err != nil {
			return 0, err
		}
		returning = append(returning, returningUser{session, callback})
	}
	var group sync.WaitGroup
	results := make(chan error, len(returning))
	begun := time.Now()
	for _, t := range returning {
		group.Go(func() { results <- b.arrive(ctx, t.session, t.callback) })
	}
	group.Wait()
	elapsed := time.Since(begun)
	close(results)
	for result := range results {
		err = errors.Join(err, result)
	}
	if err != nil {
		return 0, err
	}
	total := 0
	for _, t := range returning {
		transactions, err := t.session.Transactions(ctx)
		if err != nil {
			return 0, err
		}
		if len(transactions) != b.settings.rows {
			return 0, fmt.Errorf("%d transactions came; want %d", len(transactions), b.settings.rows)
		}
		total += len(transactions)
		b.user, b.transaction = t.session, transactions[0].ID
	}
	return float64(total) / elapsed.Seconds(), nil
}

func (b *bench) arrive(ctx context.Context, session scenario.Session, callback *url.URL) error {
	back, err := b.integrator.FollowCallback(ctx, callback)
	if err != nil {
		return err
	}
	connection, err := session.WaitForConnection(ctx, back.Query().Get("connection_id"))
	if err != nil {
		return err
	}
	if connection.Status != "SUCCESS" {
		return fmt.Errorf("the connection is %s: %s", connection.Status, back.RawQuery)
	}
	return nil
}

// loads are the requests that integrators make most.
func (b *bench) loads() []load {
	token := func(form url.Values) func(string) (*http.Request, error) {
		return func(address string) (*http.Request, error) {
			request, err := http.NewRequest(http.MethodPost, address+"/token", strings.NewReader(form.Encode()))
			if err != nil {
				return nil, err
			}
			request.SetBasicAuth(b.integrator.ClientID, b.integrator.ClientSecret)
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return request, nil
		}
	}
	get := func(resource string) func(string) (*http.Request, error) {
		return func(address string) (*http.Request, error) {
			request, err := http.NewRequest(http.MethodGet, address+"/v2.1"+resource, nil)
			if err != nil {
				return nil, err
			}
			request.Header.Set("Authorization", "Bearer "+b.user.Tokens.AccessToken)
			return request, nil
		}
	}
	address := b.integrator.Platform
	return []load{
		{"tokens, client credentials", token(url.Values{"grant_type": {"client_credentials"}, "scope": {"users_create"}}), address},
		{"lists of 100 transactions", get("/transactions?limit=100"), address},
		{"single transactions", get("/transactions/" + b.transaction), address},
	}
}
