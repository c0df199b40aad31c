package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin/client"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
)

// tour calls the platform as an integrator's software does, acts as the end user at the
// bank, and prints a line for each step. Each step reads what earlier ones have set.
type tour struct {
	out      io.Writer
	platform string
	software client.Application
	email    string

	own   *client.Client // the client's own API, by a client token
	token *oauth2.Token  // the user's token
	user  *client.Client // the user's API, by that token

	bankLogin    string // the address of the bank's login
	connection   *client.Connection
	firstData    time.Duration // from the start of the process to the first transaction
	key          *client.Key
	credentials  []client.Credential // for the bank's web site, the password encrypted
	queue        string
	accounts     []client.Account
	transactions []client.Transaction
}

// password is the password of the tour's user, who exists in this sandbox only.
const password = "quickstart-password"

func newTour(out io.Writer, platform string) *tour {
	return &tour{
		out: out, platform: platform, email: fmt.Sprintf("quickstart-%d@example.test", started.UnixNano()),
		software: client.Application{Auth: platform, ID: "sandbox-licensed", Secret: "sandbox-licensed-secret"},
	}
}

// play runs the steps in order and prints the data.
func (t *tour) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	steps := []struct {
		name string
		do   func(context.Context) (result string, err error)
	}{
		{"authenticate the client  POST /token", t.authenticateClient},
		{"create a user            POST /users", t.createUser},
		{"authenticate the user    POST /token", t.authenticateUser},
		{"prepare the bank's login POST .../authorize_url", t.prepareLogin},
		{"the user logs in at the bank", t.logInAtBank},
		{"wait for the data        GET /connections/{id}", t.waitForConnection},
		{"read a first transaction GET /transactions", t.readFirstTransaction},
		{"make an encryption key   POST /keys", t.createKey},
		{"encrypt the user's password for it", t.encryptPassword},
		{"add the bank's web site  PUT .../channels/8700", t.addWebSite},
		{"answer the bank's SMS    POST .../user_input", t.answerChallenges},
		{"look at both channels    GET /connections/{id}", t.waitForConnection},
		{"read the accounts        GET /accounts", t.readAccounts},
		{"read the transactions    GET /transactions", t.readTransactions},
	}
	for _, step := range steps {
		begun := time.Now()
		result, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		t.print(step.name, begun, result)
	}
	if t.connection.Status != client.ConnectionStatusSUCCESS || len(t.accounts) == 0 || len(t.transactions) == 0 {
		return fmt.Errorf("the data are incomplete: the connection is %s, %+v", t.connection.Status, t.connection.Channels)
	}
	t.printData()
	return nil
}

// print writes the line of a step: its duration, its name and its result.
func (t *tour) print(name string, begun time.Time, result string) {
	fmt.Fprintf(t.out, "%7.0f ms  %-48s %s\n", float64(time.Since(begun).Microseconds())/1000, name, result)
}

func (t *tour) authenticateClient(context.Context) (string, error) {
	tokens := t.software.Own("users_create")
	_, err := tokens.Token()
	if err != nil {
		return "", err
	}
	t.own, err = client.New(t.platform, tokens)
	return "client token", err
}

func (t *tour) createUser(ctx context.Context) (string, error) {
	created, err := t.own.CreateUser(ctx, &client.NewUser{Email: t.email, Password: password})
	if err != nil {
		return "", err
	}
	return "user " + created.ID(), nil
}

func (t *tour) authenticateUser(ctx context.Context) (string, error) {
	tokens, err := t.software.User(ctx, t.email, password, strings.Fields(scenario.Scopes)...)
	if err != nil {
		return "", err
	}
	t.token, err = tokens.Token()
	if err != nil {
		return "", err
	}
	t.user, err = client.New(t.platform, tokens)
	return "user token", err
}

func (t *tour) prepareLogin(ctx context.Context) (string, error) {
	const returnTo = "https://integrator.example/return"
	address, err := t.user.CreateAuthorizeURL(ctx, &client.AuthorizeRequest{
		WidgetParams: client.NewOptWidgetParams(client.WidgetParams{
			ClientID: client.NewOptString(t.software.ID), ClientSecret: client.NewOptString(t.software.Secret),
			AccessToken: client.NewOptString(t.token.AccessToken), RedirectURI: client.NewOptString(returnTo),
		}),
	}, client.CreateAuthorizeURLParams{ProviderID: "87", ChannelDefinitionID: "8701"})
	if err != nil {
		return "", err
	}
	t.bankLogin = address.Location
	return strings.SplitN(t.bankLogin, "?", 2)[0], nil
}

func (t *tour) logInAtBank(ctx context.Context) (string, error) {
	callback, err := robot.LogIn(ctx, t.bankLogin, robot.Dev())
	if err != nil {
		return "", err
	}
	target, err := scenario.Integrator{}.FollowCallback(ctx, callback)
	if err != nil {
		return "", err
	}
	result := target.Query()
	if result.Get("status") != "success" {
		return "", fmt.Errorf("the bank's login ended with %s", target.RawQuery)
	}
	t.connection = &client.Connection{ID: result.Get("connection_id")}
	return "connection " + t.connection.ID, nil
}

func (t *tour) waitForConnection(ctx context.Context) (string, error) {
	connection, err := t.user.WaitForConnection(ctx, t.connection.ID, scenario.PollInterval)
	if err != nil {
		return "", err
	}
	t.connection = connection
	return string(connection.Status), nil
}

func (t *tour) readFirstTransaction(ctx context.Context) (string, error) {
	first, err := t.user.GetTransactions(ctx, client.GetTransactionsParams{Limit: client.NewOptInt(1)})
	if err != nil {
		return "", err
	}
	if len(first) == 0 {
		return "", fmt.Errorf("there are no transactions: the connection is %s", t.connection.Status)
	}
	t.firstData = time.Since(started)
	return fmt.Sprintf("after %.1f s", t.firstData.Seconds()), nil
}

func (t *tour) createKey(ctx context.Context) (string, error) {
	created, err := t.user.CreateKey(ctx, &client.NewKey{Type: client.KeyTypePGP})
	if err != nil {
		return "", err
	}
	t.key, err = t.user.GetKey(ctx, client.GetKeyParams{KeyID: created.ID()})
	return "key " + created.ID(), err
}

func (t *tour) encryptPassword(context.Context) (string, error) {
	encrypted, err := t.key.Encrypt("dev")
	t.credentials = []client.Credential{{ID: "300", Value: "dev"}, {ID: "301", Value: encrypted}}
	return "an OpenPGP message", err
}

func (t *tour) addWebSite(ctx context.Context) (string, error) {
	created, err := t.user.Subscribe(ctx, &client.Subscription{Topics: []client.Topic{client.TopicConnections}})
	if err != nil {
		return "", err
	}
	t.queue = created.ID()
	return "queue " + t.queue, t.user.UpdateChannel(ctx,
		&client.ChannelUpdate{KeyID: client.NewOptString(t.key.ID), Credentials: t.credentials},
		client.UpdateChannelParams{ConnectionID: t.connection.ID, ChannelDefinitionID: "8700"})
}

func (t *tour) answerChallenges(ctx context.Context) (string, error) {
	asked, err := scenario.AnswerChallenges(ctx, t.user, t.queue, t.connection.ID, "123456")
	return fmt.Sprintf("%d questions", asked), err
}

func (t *tour) readAccounts(ctx context.Context) (_ string, err error) {
	t.accounts, err = collect(t.user.AllAccounts(ctx, client.GetAccountsParams{}))
	return fmt.Sprintf("%d accounts", len(t.accounts)), err
}

func (t *tour) readTransactions(ctx context.Context) (_ string, err error) {
	t.transactions, err = collect(t.user.AllTransactions(ctx, client.GetTransactionsParams{}))
	return fmt.Sprintf("%d transactions", len(t.transactions)), err
}

// collect reads a list to its end.
func collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	var collected []T
	for one, err := range list {
		if err != nil {
			return nil, err
		}
		collected = append(collected, one)
	}
	return collected, nil
}

// newest is the number of transactions that printData prints.
const newest = 15

// printData prints the accounts and the newest transactions.
func (t *tour) printData() {
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nACCOUNT\tTYPE\tNUMBER\tBALANCE\tNAME\n")
	for _, a := range t.accounts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %s\t%s\n", a.ID, a.Type, cmp.Or(a.Iban.Value, a.AccountNumber), a.Balance.Value, a.Currency, a.Name)
	}
	slices.SortStableFunc(t.transactions, func(a, b client.Transaction) int { return cmp.Compare(b.Date, a.Date) })
	fmt.Fprint(table, "\nDATE\tACCOUNT\tAMOUNT\tTYPE\tSTATUS\tLABEL\n")
	for _, x := range t.transactions[:min(newest, len(t.transactions))] {
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\n", x.Date.Date(), x.AccountID, x.Amount, x.Currency, x.Type, x.Status, x.Label)
	}
	table.Flush()
	fmt.Fprintf(t.out, "\nFirst transaction after %.1f s.\n", t.firstData.Seconds())
}

// printNextSteps prints addresses and logins of the sandbox, and a first command.
func (t *tour) printNextSteps(s *server) {
	fmt.Fprintln(t.out, "\nThe sandbox stays up until Ctrl-C:")
	s.printAddresses(t.out)
	fmt.Fprintf(t.out, "clients    sandbox-licensed / sandbox-licensed-secret, sandbox / sandbox-secret\n")
	fmt.Fprintf(t.out, "user       %s / %s\n", t.email, password)
	fmt.Fprintf(t.out, "bank       login dev, password dev, SMS code 123456 where the bank asks\n")
	fmt.Fprintf(t.out, "data       %s\n", s.flags.Data)
	fmt.Fprintf(t.out, "\n  curl -u sandbox-licensed:sandbox-licensed-secret %s/token \\\n    -d grant_type=password -d username=%s -d password=%s \\\n    -d scope='%s'\n",
		t.platform, t.email, password, scenario.Scopes)
}
