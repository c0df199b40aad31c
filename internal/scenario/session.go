package scenario

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/client"
)

// API returns a client of the platform's API that sends the session's token.
func (s Session) API() (*client.Client, error) {
	tokens := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.Tokens.AccessToken})
	return client.New(s.Integrator.Platform, tokens, client.WithHTTP(s.Integrator.browser()))
}

// call makes a call of the API.
func call[T any](s Session, do func(*client.Client) (T, error)) (T, error) {
	api, err := s.API()
	if err != nil {
		var none T
		return none, err
	}
	return do(api)
}

// created makes a call that creates a resource, and returns its id.
func created(s Session, do func(*client.Client) (*client.Created, error)) (string, error) {
	made, err := call(s, do)
	if err != nil {
		return "", err
	}
	return made.ID(), nil
}

// CreateUser creates a user and returns their id. The session must be a client's.
func (s Session) CreateUser(ctx context.Context, email, password string) (string, error) {
	return created(s, func(api *client.Client) (*client.Created, error) {
		return api.CreateUser(ctx, &client.NewUser{Email: email, Password: password})
	})
}

// AuthorizeURL returns the address of a bank's login. The bank calls the platform back
// (mode A, contract §11).
func (s Session) AuthorizeURL(ctx context.Context, provider, channel, returnTo string) (string, error) {
	return s.RenewURL(ctx, provider, channel, "", returnTo)
}

// RenewURL is AuthorizeURL for a channel of an existing connection.
func (s Session) RenewURL(ctx context.Context, provider, channel, connection, returnTo string) (string, error) {
	return call(s, func(api *client.Client) (string, error) {
		request := &client.AuthorizeRequest{WidgetParams: client.NewOptWidgetParams(client.WidgetParams{
			ClientID: client.NewOptString(s.Integrator.ClientID), ClientSecret: client.NewOptString(s.Integrator.ClientSecret),
			AccessToken: client.NewOptString(s.Tokens.AccessToken), ProviderID: client.NewOptString(provider),
			RedirectURI: client.NewOptString(returnTo),
		})}
		if connection != "" {
			request.ConnectionID = client.NewOptString(connection)
		}
		address, err := api.CreateAuthorizeURL(ctx, request, client.CreateAuthorizeURLParams{ProviderID: provider, ChannelDefinitionID: channel})
		if err != nil {
			return "", err
		}
		return address.Location, nil
	})
}

// Key is an encryption key of a user.
type Key = client.Key

// Encrypt makes an armored OpenPGP message for a public key.
func Encrypt(publicKey, text string) (string, error) { return client.Encrypt(publicKey, text) }

// CreateKey creates an encryption key and returns it with its public part.
func (s Session) CreateKey(ctx context.Context) (Key, error) {
	return call(s, func(api *client.Client) (Key, error) {
		made, err := api.CreateKey(ctx, &client.NewKey{Type: client.KeyTypePGP})
		if err != nil {
			return Key{}, err
		}
		key, err := api.GetKey(ctx, client.GetKeyParams{KeyID: made.ID()})
		if err != nil {
			return Key{}, err
		}
		return *key, nil
	})
}

// CreateConnection connects a user by what they typed, and returns the connection's id.
func (s Session) CreateConnection(ctx context.Context, provider, channel, keyID string, credentials []Credential) (string, error) {
	return created(s, func(api *client.Client) (*client.Created, error) {
		return api.CreateConnection(ctx, &client.NewConnection{
			ProviderID: provider, ChannelDefinitionID: client.NewOptString(channel), KeyID: client.NewOptString(keyID), Credentials: credentials,
		}, client.CreateConnectionParams{})
	})
}

// SetChannel gives a connection's channel new credentials, or adds the channel.
func (s Session) SetChannel(ctx context.Context, connection, channel, keyID string, credentials []Credential) error {
	api, err := s.API()
	if err != nil {
		return err
	}
	return api.UpdateChannel(ctx, &client.ChannelUpdate{
		ID: client.NewOptString(channel), KeyID: client.NewOptString(keyID), Credentials: credentials,
	}, client.UpdateChannelParams{ConnectionID: connection, ChannelDefinitionID: channel})
}

// Connection is the part of a connection that scenarios check.
type Connection struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Channels []Channel `json:"channels"`
}

// Channel is the part of a channel that scenarios check.
type Channel struct {
	DefinitionID string `json:"channel_definition_id"`
	Status       string `json:"status"`
}

func seen(c *client.Connection) Connection {
	connection := Connection{ID: c.ID, Status: string(c.Status)}
	for _, channel := range c.Channels {
		connection.Channels = append(connection.Channels, Channel{channel.ChannelDefinitionID, string(channel.Status)})
	}
	return connection
}

// Connection reads a connection.
func (s Session) Connection(ctx context.Context, id string) (Connection, error) {
	return call(s, func(api *client.Client) (Connection, error) {
		connection, err := api.GetConnection(ctx, client.GetConnectionParams{ConnectionID: id})
		if err != nil {
			return Connection{}, err
		}
		return seen(connection), nil
	})
}

// PollInterval is the first pause between two reads of a connection; it suits a
// platform on the same machine.
const PollInterval = 50 * time.Millisecond

// WaitForConnection polls a connection until it no longer runs.
func (s Session) WaitForConnection(ctx context.Context, id string) (Connection, error) {
	return call(s, func(api *client.Client) (Connection, error) {
		connection, err := api.WaitForConnection(ctx, id, PollInterval)
		if err != nil {
			return Connection{}, err
		}
		return seen(connection), nil
	})
}

// Subscribe creates a queue of the user's events and returns its id.
func (s Session) Subscribe(ctx context.Context) (string, error) {
	return created(s, func(api *client.Client) (*client.Created, error) {
		return api.Subscribe(ctx, &client.Subscription{Topics: []client.Topic{client.TopicConnections}})
	})
}

// Event is the part of an event that scenarios check.
type Event struct {
	ID      string
	Type    string
	Channel string
	asked   []Challenge
}

// Question returns the challenges that an event carries for the user, nil without any.
func (e Event) Question() []Challenge { return e.asked }

// Poll returns the events since the last poll of a queue.
func (s Session) Poll(ctx context.Context, queue string) ([]Event, error) {
	return s.poll(ctx, client.PollQueueParams{QueueID: queue})
}

// PollAfter returns the events after a given one; "0" is before the first. Unlike Poll
// it can be repeated, so a lost answer loses no event.
func (s Session) PollAfter(ctx context.Context, queue, event string) ([]Event, error) {
	after, err := strconv.ParseInt(event, 10, 64)
	if err != nil {
		return nil, err
	}
	return s.poll(ctx, client.PollQueueParams{QueueID: queue, After: client.NewOptInt64(after)})
}

func (s Session) poll(ctx context.Context, params client.PollQueueParams) ([]Event, error) {
	return call(s, func(api *client.Client) ([]Event, error) {
		told, err := api.PollQueue(ctx, params)
		var events []Event
		for _, e := range told {
			events = append(events, Event{e.ID, e.EventType, e.ChannelDefinitionID.Value, e.Question()})
		}
		return events, err
	})
}

// Answer sends the user's answers to a channel's challenges.
func (s Session) Answer(ctx context.Context, connection, channel string, answers []Credential) error {
	api, err := s.API()
	if err != nil {
		return err
	}
	return answer(ctx, api, connection, channel, answers)
}

// Account is the part of an account that scenarios check.
type Account struct {
	ID, Name, Type, Status, IBAN, Number, Currency string
	Balance                                        oxlin.Amount
}

// Accounts lists the user's accounts.
func (s Session) Accounts(ctx context.Context) ([]Account, error) {
	return call(s, func(api *client.Client) ([]Account, error) {
		var accounts []Account
		for a, err := range api.AllAccounts(ctx, client.GetAccountsParams{}) {
			if err != nil {
				return nil, err
			}
			accounts = append(accounts, Account{
				ID: a.ID, Name: a.Name, Type: string(a.Type), Status: string(a.Status), IBAN: a.Iban.Value,
				Number: a.AccountNumber, Currency: a.Currency, Balance: a.Balance.Value,
			})
		}
		return accounts, nil
	})
}

// Transaction is the part of a transaction that scenarios check. Date is in
// seconds since 1970.
type Transaction struct {
	ID, AccountID, Label, Type, Status, Currency string
	Date                                         int64
	Amount                                       oxlin.Amount
}

// Transactions lists all of the user's transactions, page by page.
func (s Session) Transactions(ctx context.Context) ([]Transaction, error) {
	return call(s, func(api *client.Client) ([]Transaction, error) {
		var all []Transaction
		for x, err := range api.AllTransactions(ctx, client.GetTransactionsParams{}) {
			if err != nil {
				return nil, err
			}
			all = append(all, Transaction{
				ID: x.ID, AccountID: x.AccountID, Label: x.Label, Type: string(x.Type), Status: string(x.Status),
				Currency: x.Currency, Date: int64(x.Date), Amount: x.Amount,
			})
		}
		return all, nil
	})
}
