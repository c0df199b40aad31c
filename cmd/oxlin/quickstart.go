package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin/client"
	"github.com/oxlin/oxlin/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
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
	address := t.server.publicURL
	software := client.Application{Auth: address, ID: "sandbox-licensed", Secret: "sandbox-licensed-secret"}
	t.email = fmt.Sprintf("quickstart-%d@example.test", started.UnixNano())
	const returnTo = "https://integrator.example/return"

	var own, user *client.Client
	var token *oauth2.Token
	var bank, id, queue string
	var connection *client.Connection
	var accounts []client.Account
	var transactions []client.Transaction
	var first time.Duration
	var key *client.Key
	var typed []client.Credential
	steps := []struct {
		name string
		do   func() (string, error)
	}{
		{"authenticate the client  POST /token", func() (_ string, err error) {
			tokens := software.Own("users_create")
			_, err = tokens.Token()
			if err != nil {
				return "", err
			}
			own, err = client.New(address, tokens)
			return "client token", err
		}},
		{"create a user            POST /users", func() (string, error) {
			made, err := own.CreateUser(ctx, &client.NewUser{Email: t.email, Password: password})
			if err != nil {
				return "", err
			}
			return "user " + made.ID(), nil
		}},
		{"authenticate the user    POST /token", func() (string, error) {
			tokens, err := software.User(ctx, t.email, password, strings.Fields(scenario.Scopes)...)
			if err != nil {
				return "", err
			}
			token, err = tokens.Token()
			if err != nil {
				return "", err
			}
			user, err = client.New(address, tokens)
			return "user token", err
		}},
		{"prepare the bank's login POST .../authorize_url", func() (string, error) {
			way, err := user.CreateAuthorizeURL(ctx, &client.AuthorizeRequest{
				WidgetParams: client.NewOptWidgetParams(client.WidgetParams{
					ClientID: client.NewOptString(software.ID), ClientSecret: client.NewOptString(software.Secret),
					AccessToken: client.NewOptString(token.AccessToken), RedirectURI: client.NewOptString(returnTo),
				}),
			}, client.CreateAuthorizeURLParams{ProviderID: "87", ChannelDefinitionID: "8701"})
			if err != nil {
				return "", err
			}
			bank = way.Location
			return strings.SplitN(bank, "?", 2)[0], nil
		}},
		{"the user logs in at the bank, confirms by SMS", func() (string, error) {
			callback, err := robot.LogIn(ctx, bank, robot.Dev())
			if err != nil {
				return "", err
			}
			back, err := scenario.Integrator{}.FollowCallback(ctx, callback)
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
			connection, err = user.WaitForConnection(ctx, id, scenario.PollInterval)
			if err != nil {
				return "", err
			}
			return string(connection.Status), nil
		}},
		{"read a first transaction GET /transactions", func() (string, error) {
			some, err := user.GetTransactions(ctx, client.GetTransactionsParams{Limit: client.NewOptInt(1)})
			if err == nil && len(some) == 0 {
				err = fmt.Errorf("no data came: the connection is %s", connection.Status)
			}
			first = time.Since(started)
			return fmt.Sprintf("after %.1f s", first.Seconds()), err
		}},
		{"make an encryption key   POST /keys", func() (string, error) {
			made, err := user.CreateKey(ctx, &client.NewKey{Type: client.KeyTypePGP})
			if err != nil {
				return "", err
			}
			key, err = user.GetKey(ctx, client.GetKeyParams{KeyID: made.ID()})
			return "key " + made.ID(), err
		}},
		{"encrypt the user's password for it", func() (string, error) {
			encrypted, err := key.Encrypt("dev")
			typed = []client.Credential{{ID: "300", Value: "dev"}, {ID: "301", Value: encrypted}}
			return "an OpenPGP message", err
		}},
		{"add the bank's web site  PUT .../channels/8700", func() (string, error) {
			made, err := user.Subscribe(ctx, &client.Subscription{Topics: []client.Topic{client.TopicConnections}})
			if err != nil {
				return "", err
			}
			queue = made.ID()
			return "queue " + queue, user.UpdateChannel(ctx,
				&client.ChannelUpdate{KeyID: client.NewOptString(key.ID), Credentials: typed},
				client.UpdateChannelParams{ConnectionID: id, ChannelDefinitionID: "8700"})
		}},
		{"answer the bank's SMS    POST .../user_input", func() (string, error) {
			asked, err := scenario.AnswerChallenges(ctx, user, queue, id, "123456")
			return fmt.Sprintf("%d questions", asked), err
		}},
		{"look at both channels    GET /connections/{id}", func() (_ string, err error) {
			connection, err = user.WaitForConnection(ctx, id, scenario.PollInterval)
			if err != nil {
				return "", err
			}
			return string(connection.Status), nil
		}},
		{"read the accounts        GET /accounts", func() (_ string, err error) {
			accounts, err = all(user.AllAccounts(ctx, client.GetAccountsParams{}))
			return fmt.Sprintf("%d accounts", len(accounts)), err
		}},
		{"read the transactions    GET /transactions", func() (_ string, err error) {
			transactions, err = all(user.AllTransactions(ctx, client.GetTransactionsParams{}))
			return fmt.Sprintf("%d transactions", len(transactions)), err
		}},
	}
	for _, step := range steps {
		err := t.step(step.name, step.do)
		if err != nil {
			return err
		}
	}
	if connection.Status != client.ConnectionStatusSUCCESS || len(accounts) == 0 || len(transactions) == 0 {
		return fmt.Errorf("not all data came: the connection is %s, %+v", connection.Status, connection.Channels)
	}
	t.show(accounts, transactions)
	fmt.Fprintf(t.out, "\nFirst transaction after %.1f s.\n", first.Seconds())
	return nil
}

// all collects a list.
func all[T any](list iter.Seq2[T, error]) ([]T, error) {
	var collected []T
	for one, err := range list {
		if err != nil {
			return nil, err
		}
		collected = append(collected, one)
	}
	return collected, nil
}

// newest is how many transactions are shown.
const newest = 15

func (t *tour) show(accounts []client.Account, transactions []client.Transaction) {
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nACCOUNT\tTYPE\tNUMBER\tBALANCE\tNAME\n")
	for _, a := range accounts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %s\t%s\n", a.ID, a.Type, cmp.Or(a.Iban.Value, a.AccountNumber.Value), a.Balance.Value, a.Currency, a.Name.Value)
	}
	slices.SortStableFunc(transactions, func(a, b client.Transaction) int { return cmp.Compare(b.Date, a.Date) })
	fmt.Fprint(table, "\nDATE\tACCOUNT\tAMOUNT\tTYPE\tSTATUS\tLABEL\n")
	for _, x := range transactions[:min(newest, len(transactions))] {
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\n", x.Date.Date(), x.AccountID, x.Amount, x.Currency, x.Type, x.Status, x.Label)
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
		t.server.publicURL, t.email, password, scenario.Scopes)
}
