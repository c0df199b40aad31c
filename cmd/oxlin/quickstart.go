package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/journey"
	"github.com/oxlin/oxlin/testbank/visitor"
)

// started is when the process began to work: the first transaction is measured
// from here.
var started = time.Now()

type quickstartCommand struct {
	databaseFlags
	Listen         string `help:"Address of the platform; port 0 takes a free one." default:"127.0.0.1:8080"`
	TestbankListen string `help:"Address of the test bank; port 0 takes a free one." default:"127.0.0.1:8081"`
	Exit           bool   `help:"End after printing; the exit code is 0 only if data came."`
}

// Run plays the whole journey, as an integrator and as an end user would.
func (c quickstartCommand) Run(ctx context.Context) error {
	if c.Data == "" {
		directory, err := os.MkdirTemp("", "oxlin-quickstart-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(directory)
		c.Data = directory
	}
	begun := time.Now()
	// The journey tells what happens; the log would only stand in between.
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := startServer(ctx, serverFlags{
		databaseFlags: c.databaseFlags, Listen: c.Listen, TestbankListen: c.TestbankListen, Sandbox: true,
		TestbankControl: true, Roles: []string{"api", "worker", "testbank"},
	}, log)
	if err != nil {
		return err
	}
	tour := &tour{out: os.Stdout, server: s}
	tour.done("start the sandbox", begun, s.publicURL)
	err = tour.play(ctx)
	if err == nil && !c.Exit {
		tour.goOn()
		<-ctx.Done()
	}
	return errors.Join(err, s.Close())
}

// tour plays and prints.
type tour struct {
	out    io.Writer
	server *server
	email  string
}

// password is that of the tour's user, who owns nothing real.
const password = "quickstart-password"

// step does one thing and prints how long it took.
func (t *tour) step(name string, do func() (string, error)) error {
	begun := time.Now()
	result, err := do()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.done(name, begun, result)
	return nil
}

func (t *tour) done(name string, begun time.Time, result string) {
	fmt.Fprintf(t.out, "%7.0f ms  %-48s %s\n", float64(time.Since(begun).Microseconds())/1000, name, result)
}

func (t *tour) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	integrator := journey.Integrator{Platform: t.server.publicURL, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret"}
	t.email = fmt.Sprintf("quickstart-%d@example.test", started.UnixNano())
	const returnTo = "https://integrator.example/return"

	var client, user journey.Session
	var address, id string
	var connection journey.Connection
	var accounts []journey.Account
	var transactions []journey.Transaction
	var first time.Duration
	var queue string
	var typed []journey.Credential
	var key journey.Key
	steps := []struct {
		name string
		do   func() (string, error)
	}{
		{"authenticate the client  POST /token", func() (_ string, err error) {
			client, err = integrator.ClientToken(ctx)
			return "client token", err
		}},
		{"create a user            POST /users", func() (string, error) {
			id, err := client.CreateUser(ctx, t.email, password)
			return "user " + id, err
		}},
		{"authenticate the user    POST /token", func() (_ string, err error) {
			user, err = integrator.UserToken(ctx, t.email, password)
			return "user token", err
		}},
		{"prepare the bank's login POST .../authorize_url", func() (_ string, err error) {
			address, err = user.AuthorizeURL(ctx, "87", "8701", returnTo)
			return strings.SplitN(address, "?", 2)[0], err
		}},
		{"the user logs in at the bank, confirms by SMS", func() (string, error) {
			callback, err := visitor.Visit(ctx, address, visitor.Dev())
			if err != nil {
				return "", err
			}
			back, err := integrator.Arrive(ctx, callback)
			if err != nil {
				return "", err
			}
			id = back.Query().Get("connection_id")
			if back.Query().Get("status") != "success" {
				return "", fmt.Errorf("the bank's login ended with %s", back.RawQuery)
			}
			return "connection " + id, nil
		}},
		{"wait for the data        GET /connections/{id}", func() (_ string, err error) {
			connection, err = user.WaitForConnection(ctx, id)
			return connection.Status, err
		}},
		{"read a first transaction GET /transactions", func() (string, error) {
			var some []journey.Transaction
			err := user.Get(ctx, "/transactions?limit=1", &some)
			if err == nil && len(some) == 0 {
				err = fmt.Errorf("no data came: the connection is %s", connection.Status)
			}
			first = time.Since(started)
			return fmt.Sprintf("after %.1f s", first.Seconds()), err
		}},
		{"make an encryption key   POST /keys", func() (_ string, err error) {
			key, err = user.CreateKey(ctx)
			return "key " + key.ID, err
		}},
		{"encrypt the user's password for it", func() (string, error) {
			encrypted, err := journey.Encrypt(key.PublicKey, "dev")
			typed = []journey.Credential{{ID: "300", Value: "dev"}, {ID: "301", Value: encrypted}}
			return "an OpenPGP message", err
		}},
		{"add the bank's web site  PUT .../channels/8700", func() (_ string, err error) {
			queue, err = user.Subscribe(ctx)
			if err != nil {
				return "", err
			}
			return "queue " + queue, user.SetChannel(ctx, id, "8700", key.ID, typed)
		}},
		{"answer the bank's SMS    POST .../user_input", func() (string, error) {
			asked, err := user.Converse(ctx, queue, id, "123456")
			return fmt.Sprintf("%d questions", asked), err
		}},
		{"look at both channels    GET /connections/{id}", func() (_ string, err error) {
			connection, err = user.WaitForConnection(ctx, id)
			return connection.Status, err
		}},
		{"read the accounts        GET /accounts", func() (_ string, err error) {
			accounts, err = user.Accounts(ctx)
			return fmt.Sprintf("%d accounts", len(accounts)), err
		}},
		{"read the transactions    GET /transactions", func() (_ string, err error) {
			transactions, err = user.Transactions(ctx)
			return fmt.Sprintf("%d transactions", len(transactions)), err
		}},
	}
	for _, step := range steps {
		err := t.step(step.name, step.do)
		if err != nil {
			return err
		}
	}
	if connection.Status != "SUCCESS" || len(accounts) == 0 || len(transactions) == 0 {
		return fmt.Errorf("not all data came: the connection is %s, %+v", connection.Status, connection.Channels)
	}
	t.show(accounts, transactions)
	fmt.Fprintf(t.out, "\nFirst transaction after %.1f s.\n", first.Seconds())
	return nil
}

// newest is how many transactions are shown.
const newest = 15

func (t *tour) show(accounts []journey.Account, transactions []journey.Transaction) {
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nACCOUNT\tTYPE\tNUMBER\tBALANCE\tNAME\n")
	for _, a := range accounts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %s\t%s\n", a.ID, a.Type, cmp.Or(a.IBAN, a.Number), a.Balance, a.Currency, a.Name)
	}
	slices.SortStableFunc(transactions, func(a, b journey.Transaction) int { return cmp.Compare(b.Date, a.Date) })
	fmt.Fprint(table, "\nDATE\tACCOUNT\tAMOUNT\tTYPE\tSTATUS\tLABEL\n")
	for _, x := range transactions[:min(newest, len(transactions))] {
		day := oxlin.DateIn(time.Unix(x.Date, 0), oxlin.Paris)
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\n", day, x.AccountID, x.Amount, x.Currency, x.Type, x.Status, x.Label)
	}
	table.Flush()
}

// goOn says how to go on by hand.
func (t *tour) goOn() {
	fmt.Fprintln(t.out, "\nThe sandbox stays up until Ctrl-C:")
	t.server.addresses(t.out)
	fmt.Fprintf(t.out, "clients    sandbox-licensed / sandbox-licensed-secret, sandbox / sandbox-secret\n")
	fmt.Fprintf(t.out, "user       %s / %s\n", t.email, password)
	fmt.Fprintf(t.out, "bank       login dev, password dev, SMS code 123456\n")
	fmt.Fprintf(t.out, "data       %s\n", t.server.flags.Data)
	fmt.Fprintf(t.out, "\n  curl -u sandbox-licensed:sandbox-licensed-secret %s/token \\\n    -d grant_type=password -d username=%s -d password=%s \\\n    -d scope='%s'\n",
		t.server.publicURL, t.email, password, journey.Scopes)
}
