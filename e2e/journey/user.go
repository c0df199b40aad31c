// Package journey plays a user with the software of an integrator: the user goes to the bank,
// answers its questions, and the software reads the queue of events by number.
//
// It uses the API and the pages alone, and must never import a room of the platform. Start
// reading at Travel.
package journey

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
)

// Patient repeats a request until it gets a whole answer, as an integrator's software
// does with a platform that may be away for a moment. A request may then take effect
// twice, which the software above must accept.
type Patient struct {
	// Again is called for each lost answer.
	Again func()
}

// RoundTrip implements http.RoundTripper.
func (p Patient) RoundTrip(request *http.Request) (*http.Response, error) {
	for {
		response, err := Answer(request)
		if err == nil || request.Context().Err() != nil {
			return response, err
		}
		p.Again()
		select {
		case <-request.Context().Done():
			return nil, request.Context().Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Answer sends a request and returns the answer with its whole body.
func Answer(request *http.Request) (*http.Response, error) {
	once := request.Clone(request.Context())
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		once.Body = body
	}
	response, err := http.DefaultTransport.RoundTrip(once)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// Refused reports whether the platform answered with one of these statuses.
func Refused(err error, statuses ...int) bool {
	var answer *scenario.StatusError
	return errors.As(err, &answer) && slices.Contains(statuses, answer.Status)
}

// Customer holds a login at the test bank.
type Customer struct{ Login, Password, Code, File string }

// Dev is the test bank's default customer.
var Dev = Customer{Login: "dev", Password: "dev", Code: "123456"}

// Password is the password of the users at the platform.
const Password = "a-good-password"

// Answers returns what the customer types at the bank, by the names of the form fields.
func (c Customer) Answers() map[string]string {
	return map[string]string{"login": c.Login, "password": c.Password, "code": c.Code, "file_url": c.File}
}

// EndUser is a user with the software of an integrator, which reads the queue by number
// and starts the bank's login again if the return was lost.
type EndUser struct {
	Customer
	User scenario.Session
	// Slips are wrong codes that the user types before the right one.
	Slips      []string
	Connection string
	Queue      string
	// Events are all events of the user's queue, in order; Told is called for each.
	Events []scenario.Event
	Told   func()
}

// Arrive creates a user, with a token and a queue.
func Arrive(ctx context.Context, software scenario.Integrator, email, password string, c Customer) (*EndUser, error) {
	client, err := software.ClientToken(ctx)
	if err != nil {
		return nil, err
	}
	_, err = client.CreateUser(ctx, email, password)
	if err != nil && !Refused(err, http.StatusConflict) {
		return nil, err
	}
	t := &EndUser{Customer: c, Told: func() {}}
	t.User, err = software.UserToken(ctx, email, password)
	if err != nil {
		return nil, err
	}
	t.Queue, err = t.User.Subscribe(ctx)
	return t, err
}

// Travel takes a new user through both channels of the test bank, until the connection
// no longer runs. With together the second channel is added while the first is still
// read.
func Travel(ctx context.Context, software scenario.Integrator, email string, c Customer, together bool, told func()) (*EndUser, error) {
	t, err := Arrive(ctx, software, email, Password, c)
	if err != nil {
		return nil, err
	}
	t.Told = told
	err = t.ConnectByRedirect(ctx)
	if err != nil {
		return t, fmt.Errorf("REDIRECT: %w", err)
	}
	if !together {
		err := t.Converse(ctx)
		if err != nil {
			return t, fmt.Errorf("REDIRECT: %w", err)
		}
	}
	err = t.AddEmbedded(ctx)
	if err == nil {
		err = t.Converse(ctx)
	}
	if err != nil {
		return t, fmt.Errorf("EMBEDDED: %w", err)
	}
	return t, nil
}

// ConnectByRedirect sends the user to the bank until they come back with a connection.
func (t *EndUser) ConnectByRedirect(ctx context.Context) error {
	for t.Connection == "" {
		address, err := t.User.AuthorizeURL(ctx, "87", "8701", "https://integrator.example/return")
		if err != nil {
			return err
		}
		callback, err := robot.LogIn(ctx, address, t.Answers())
		if err != nil {
			return err
		}
		back, err := t.User.Integrator.FollowCallback(ctx, callback)
		if err == nil {
			if back.Query().Get("status") != "success" {
				return fmt.Errorf("the user comes back with %s", back)
			}
			t.Connection = back.Query().Get("connection_id")
			return nil
		}
		// The first request of the callback used the state up and its answer was lost.
		if !Refused(err, http.StatusGone, http.StatusNotFound, http.StatusBadRequest) {
			return err
		}
		var connections []scenario.Connection
		err = t.User.Get(ctx, "/connections", &connections)
		if err != nil {
			return err
		}
		if len(connections) > 0 {
			t.Connection = connections[0].ID
		}
	}
	return nil
}

// AddEmbedded gives the connection the test bank's EMBEDDED channel.
func (t *EndUser) AddEmbedded(ctx context.Context) error {
	key, typed, err := t.Typed(ctx)
	if err != nil {
		return err
	}
	return t.User.SetChannel(ctx, t.Connection, "8700", key, typed)
}

// Typed returns what the user types for the test bank's EMBEDDED channel, and the key for
// which the password is encrypted.
func (t *EndUser) Typed(ctx context.Context) (key string, typed []scenario.Credential, err error) {
	made, err := t.User.CreateKey(ctx)
	if err != nil {
		return "", nil, err
	}
	encrypted, err := scenario.Encrypt(made.PublicKey, t.Password)
	return made.ID, []scenario.Credential{{ID: "300", Value: t.Login}, {ID: "301", Value: encrypted}, {ID: "302", Value: t.File}}, err
}

// Converse reads the queue and answers the bank's questions, until the connection no
// longer runs and all its events have been read.
func (t *EndUser) Converse(ctx context.Context) error {
	for running := true; ; {
		last := "0"
		if len(t.Events) > 0 {
			last = t.Events[len(t.Events)-1].ID
		}
		events, err := t.User.PollAfter(ctx, t.Queue, last)
		if err != nil {
			return err
		}
		for _, event := range events {
			err := t.take(ctx, event)
			if err != nil {
				return err
			}
		}
		if len(events) > 0 {
			continue
		}
		if !running {
			return nil
		}
		connection, err := t.User.Connection(ctx, t.Connection)
		if err != nil {
			return err
		}
		running = connection.Status == "RUNNING"
		select {
		case <-ctx.Done():
			return fmt.Errorf("the connection is still %+v: %w", connection, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// take keeps the next event, and answers its question if it has one.
func (t *EndUser) take(ctx context.Context, event scenario.Event) error {
	if next := strconv.Itoa(len(t.Events) + 1); event.ID != next {
		return fmt.Errorf("event %s comes after %d: one is lost", event.ID, len(t.Events))
	}
	t.Events = append(t.Events, event)
	t.Told()
	question := event.Question()
	if question == nil {
		return nil
	}
	code := t.Code
	asked := slices.ContainsFunc(question, func(c scenario.Challenge) bool { return c.Type == "NUMERIC" })
	if asked && len(t.Slips) > 0 {
		code, t.Slips = t.Slips[0], t.Slips[1:]
	}
	err := t.User.Answer(ctx, t.Connection, event.Channel, scenario.Answers(question, code))
	if Refused(err, http.StatusConflict, http.StatusUnprocessableEntity) {
		return nil // the question is answered already, or replaced by another
	}
	return err
}

// Arrived returns an error if a journey ended wrongly.
func (t *EndUser) Arrived(ctx context.Context) error {
	var connections []scenario.Connection
	err := t.User.Get(ctx, "/connections", &connections)
	if err != nil {
		return err
	}
	if len(connections) != 1 || connections[0].Status != "SUCCESS" {
		return fmt.Errorf("the connections are %+v, want one with SUCCESS", connections)
	}
	if len(connections[0].Channels) != 2 {
		return fmt.Errorf("the connection has not two channels: %+v", connections[0])
	}
	for _, channel := range connections[0].Channels {
		if channel.Status != "SUCCESS" {
			return fmt.Errorf("a channel has no SUCCESS: %+v", connections[0])
		}
		said := t.Said(channel.DefinitionID)
		if !slices.Contains(said, "LIST_ACCOUNTS_SUCCESS") || said[len(said)-1] != "SYNC_ALL_SUCCESS" {
			return fmt.Errorf("channel %s told %v", channel.DefinitionID, said)
		}
	}
	// The queue's position survived too: read from the start it returns the same.
	again, err := t.User.Poll(ctx, t.Queue)
	if err != nil {
		return err
	}
	if len(again) != len(t.Events) {
		return fmt.Errorf("the queue tells %d events, and told %d by number", len(again), len(t.Events))
	}
	return nil
}

// Brought returns the belongings of a user whose journey ended well.
func (t *EndUser) Brought(ctx context.Context) ([]string, error) {
	err := t.Arrived(ctx)
	if err != nil {
		return nil, err
	}
	return Belongings(ctx, t.User)
}

// Said returns the types of a channel's events, in order.
func (t *EndUser) Said(channel string) []string {
	var types []string
	for _, event := range t.Events {
		if event.Channel == channel {
			types = append(types, event.Type)
		}
	}
	return types
}

// Belongings returns the accounts and transactions of a user as sorted lines without
// ids, so that two users can be compared. Labels are left out: an old row keeps the
// words of the channel that read it first, and a crash may change which channel is
// first.
func Belongings(ctx context.Context, user scenario.Session) ([]string, error) {
	accounts, err := user.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	transactions, err := user.Transactions(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var lines []string
	for _, a := range accounts {
		names[a.ID] = fmt.Sprintf("%s %s", a.Type, cmp.Or(a.IBAN, a.Number, a.Name))
		lines = append(lines, fmt.Sprintf("%s: %s %s %s", names[a.ID], a.Status, a.Balance, a.Currency))
	}
	ids := map[string]bool{}
	for _, x := range transactions {
		ids[x.ID] = true
		day := time.Unix(x.Date, 0).UTC().Format(time.DateOnly)
		lines = append(lines, fmt.Sprintf("%s: %s %s %s %s", names[x.AccountID], day, x.Amount, x.Currency, x.Status))
	}
	if len(ids) != len(transactions) {
		return nil, fmt.Errorf("%d transactions have %d ids", len(transactions), len(slices.Collect(maps.Keys(ids))))
	}
	slices.Sort(lines)
	return lines, nil
}
