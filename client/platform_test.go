package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/client"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/scenario/sandboxtest"
	"github.com/oxlin/oxlin/testbank/robot"
)

const (
	email    = "jo.doe@example.test"
	password = "jo-does-password"
)

// TestTheClientSpeaksToThePlatform plays an integrator's calls against a real sandbox.
func TestTheClientSpeaksToThePlatform(t *testing.T) {
	address := sandboxtest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	software := client.Application{Auth: address, ID: "sandbox-licensed", Secret: "sandbox-licensed-secret"}
	own := software.Own("users_create", "profile", "transactions_read")
	application := must(client.New(address, own))(t)
	made := must(application.CreateUser(ctx, &client.NewUser{Email: email, Password: password}))(t)
	tokens := must(software.User(ctx, email, password, strings.Fields(scenario.Scopes)...))(t)
	user := must(client.New(address+"/", tokens))(t)
	connect(t, ctx, user)

	t.Run("a user created by the application is the one who logs in", func(t *testing.T) {
		me := must(user.GetUser(ctx, client.GetUserParams{UserID: "me"}))(t)
		if me.ID != made.ID() || me.Email != email {
			t.Errorf("the user is %s %s, want %s %s", me.ID, me.Email, made.ID(), email)
		}
		if age := time.Since(me.CreationDate.Time()); age < -time.Minute || age > time.Hour {
			t.Errorf("the user is %s old", age)
		}
	})
	t.Run("amounts are exact, days are those of Paris", func(t *testing.T) {
		least, most := must(oxlin.ParseAmount("-39.5"))(t), must(oxlin.ParseAmount("-0.01"))(t)
		some := must(user.GetTransactions(ctx, client.GetTransactionsParams{
			MinAmount: client.NewOptAmount(least), MaxAmount: client.NewOptAmount(most),
		}))(t)
		if len(some) == 0 {
			t.Error("the filter lets nothing through")
		}
		for _, transaction := range some {
			if transaction.Amount < least || transaction.Amount > most {
				t.Errorf("the filter lets %s through", transaction.Amount)
			}
			if midnight := transaction.Date.Date().Midnight(oxlin.Paris).Unix(); midnight != int64(transaction.Date) {
				t.Errorf("%d is not the begin of a day in Paris", transaction.Date)
			}
		}
	})
	t.Run("all pages of a list are read, each transaction once", func(t *testing.T) {
		seen := map[string]bool{}
		for transaction, err := range user.AllTransactions(ctx, client.GetTransactionsParams{}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[transaction.ID] {
				t.Errorf("transaction %s comes twice", transaction.ID)
			}
			seen[transaction.ID] = true
		}
		if len(seen) <= 500 {
			t.Errorf("%d transactions make no second page", len(seen))
		}
	})
	t.Run("a list may be left before its end", func(t *testing.T) {
		count := 0
		for range user.AllAccounts(ctx, client.GetAccountsParams{}) {
			count++
			break
		}
		if count != 1 {
			t.Errorf("the loop ran %d times", count)
		}
	})
	t.Run("an error says code, field and request", func(t *testing.T) {
		_, err := user.GetTransactions(ctx, client.GetTransactionsParams{Limit: client.NewOptInt(501)})
		refused := wantError(t, err, http.StatusBadRequest, oxlin.CodeInvalidRequest)
		if refused.Field != "limit" || refused.RequestID == "" || refused.Message == "" || refused.Request != "GET /v2.1/transactions" {
			t.Errorf("the error is %#v", refused)
		}
		_, err = application.CreateUser(ctx, &client.NewUser{Email: email, Password: password})
		wantError(t, err, http.StatusConflict, oxlin.CodeEmailTaken)
	})
	t.Run("so does an error in the middle of a list", func(t *testing.T) {
		loops := 0
		for _, err := range application.AllAccounts(ctx, client.GetAccountsParams{}) {
			loops++
			wantError(t, err, http.StatusBadRequest, oxlin.CodeInvalidRequest)
		}
		if loops != 1 {
			t.Errorf("the loop ran %d times", loops)
		}
	})
	t.Run("the application acts for its user, with less than it may", func(t *testing.T) {
		admin := must(client.New(address, own, client.ActingFor(made.ID())))(t)
		me := must(admin.GetUser(ctx, client.GetUserParams{UserID: "me"}))(t)
		if me.Email != email {
			t.Errorf("the application acts for %s", me.Email)
		}
		narrow := must(client.New(address, own, client.ActingFor(made.ID(), "transactions_read")))(t)
		_, err := narrow.GetUser(ctx, client.GetUserParams{UserID: "me"})
		wantError(t, err, http.StatusForbidden, oxlin.CodeInsufficientScope)
	})
	t.Run("who is not known gets no token", func(t *testing.T) {
		_, err := software.User(ctx, email, "another-password")
		wantError(t, err, http.StatusBadRequest, "invalid_grant")
		stranger := software
		stranger.Secret = "another-secret"
		lost := must(client.New(address, stranger.Own("users_create")))(t)
		_, err = lost.CreateUser(ctx, &client.NewUser{Email: email, Password: password})
		wantError(t, err, http.StatusUnauthorized, oxlin.CodeInvalidClient)
		_, err = software.Refresh(ctx, "no-token")
		wantError(t, err, http.StatusBadRequest, "invalid_grant")
	})
	t.Run("tokens renew themselves, also after the call that they were made for", func(t *testing.T) {
		hurried, cancel := context.WithCancel(ctx)
		aging := &aging{}
		short := software
		short.HTTP = &http.Client{Transport: aging}
		tokens := must(short.User(hurried, email, password, "profile"))(t)
		cancel()
		api := must(client.New(address, tokens))(t)
		before := must(tokens.Token())(t)
		for range 3 {
			must(api.GetUser(ctx, client.GetUserParams{UserID: "me"}))(t)
		}
		after := must(tokens.Token())(t)
		if before.AccessToken == after.AccessToken || before.RefreshToken == after.RefreshToken || aging.asked.Load() < 4 {
			t.Errorf("after %d requests the tokens are the same", aging.asked.Load())
		}
		resumed := must(software.Refresh(ctx, after.RefreshToken))(t)
		api = must(client.New(address, resumed))(t)
		must(api.GetUser(ctx, client.GetUserParams{UserID: "me"}))(t)
	})
}

// aging makes tokens seem to expire at once.
type aging struct{ asked atomic.Int32 }

func (a *aging) RoundTrip(request *http.Request) (*http.Response, error) {
	a.asked.Add(1)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	return rewritten(response, `"expires_in":3600`, `"expires_in":1`)
}

// connect connects the test bank by both of its channels.
func connect(t *testing.T, ctx context.Context, user *client.Client) {
	t.Helper()
	way := must(user.CreateAuthorizeURL(ctx, &client.AuthorizeRequest{RedirectURI: client.NewOptString("https://integrator.example/return")},
		client.CreateAuthorizeURLParams{ProviderID: "87", ChannelDefinitionID: "8701"}))(t)
	callback := must(robot.LogIn(ctx, way.Location, robot.Dev()))(t)
	back := must(scenario.Integrator{}.FollowCallback(ctx, callback))(t)
	id := back.Query().Get("connection_id")
	wantSuccess(t, must(user.WaitForConnection(ctx, id, scenario.PollInterval))(t))

	made := must(user.CreateKey(ctx, &client.NewKey{Type: client.KeyTypePGP}))(t)
	key := must(user.GetKey(ctx, client.GetKeyParams{KeyID: made.ID()}))(t)
	secret := must(key.Encrypt("dev"))(t)
	queue := must(user.Subscribe(ctx, &client.Subscription{Topics: []client.Topic{client.TopicConnections}}))(t)
	err := user.UpdateChannel(ctx, &client.ChannelUpdate{
		KeyID: client.NewOptString(key.ID), Credentials: []client.Credential{{ID: "300", Value: "dev"}, {ID: "301", Value: secret}},
	}, client.UpdateChannelParams{ConnectionID: id, ChannelDefinitionID: "8700"})
	if err != nil {
		t.Fatal(err)
	}
	asked := must(scenario.AnswerChallenges(ctx, user, queue.ID(), id, "123456"))(t)
	if asked == 0 {
		t.Error("the bank has asked nothing")
	}
	wantSuccess(t, must(user.WaitForConnection(ctx, id, scenario.PollInterval))(t))
}

func wantSuccess(t *testing.T, connection *client.Connection) {
	t.Helper()
	if connection.Status != client.ConnectionStatusSUCCESS {
		t.Fatalf("the connection is %s: %+v", connection.Status, connection.Channels)
	}
}

func wantError(t *testing.T, err error, status int, code oxlin.Code) *client.Error {
	t.Helper()
	var refused *client.Error
	if !errors.As(err, &refused) {
		t.Fatalf("the error is %v, want one of the platform", err)
	}
	if refused.Status != status || refused.Code != code {
		t.Fatalf("the error is %v, want HTTP %d %s", refused, status, code)
	}
	return refused
}

// must returns a result and fails the test on an error.
func must[T any](result T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}
