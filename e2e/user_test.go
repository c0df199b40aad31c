package e2e_test

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

// patient repeats a request until it gets a whole answer, as an integrator's software
// does with a platform that may be away for a moment. A request may then take effect
// twice, which the software above must accept.
type patient struct {
	// again is called for each lost answer.
	again func()
}

func (p patient) RoundTrip(request *http.Request) (*http.Response, error) {
	for {
		response, err := answer(request)
		if err == nil || request.Context().Err() != nil {
			return response, err
		}
		p.again()
		select {
		case <-request.Context().Done():
			return nil, request.Context().Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// answer returns the answer to a request with its whole body.
func answer(request *http.Request) (*http.Response, error) {
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

// refused reports whether the platform answered with one of these statuses.
func refused(err error, statuses ...int) bool {
	var answer *scenario.StatusError
	return errors.As(err, &answer) && slices.Contains(statuses, answer.Status)
}

// customer holds a login at the test bank.
type customer struct{ login, password, code, file string }

var dev = customer{login: "dev", password: "dev", code: "123456"}

func (c customer) answers() map[string]string {
	return map[string]string{"login": c.login, "password": c.password, "code": c.code, "file_url": c.file}
}

// endUser is a user with the software of an integrator, which reads the queue by number
// and starts the bank's login again if the return was lost.
type endUser struct {
	customer
	user scenario.Session
	// slips are wrong codes that the user types before the right one.
	slips      []string
	connection string
	queue      string
	// events are all events of the user's queue, in order; told is called for each.
	events []scenario.Event
	told   func()
}

// arrive creates a user, with a token and a queue.
func arrive(ctx context.Context, software scenario.Integrator, email, password string, c customer) (*endUser, error) {
	client, err := software.ClientToken(ctx)
	if err != nil {
		return nil, err
	}
	_, err = client.CreateUser(ctx, email, password)
	if err != nil && !refused(err, http.StatusConflict) {
		return nil, err
	}
	t := &endUser{customer: c, told: func() {}}
	t.user, err = software.UserToken(ctx, email, password)
	if err != nil {
		return nil, err
	}
	t.queue, err = t.user.Subscribe(ctx)
	return t, err
}

// travel takes a new user through both channels of the test bank, until the connection
// no longer runs. With together the second channel is added while the first is still
// read.
func travel(ctx context.Context, software scenario.Integrator, email string, c customer, together bool, told func()) (*endUser, error) {
	t, err := arrive(ctx, software, email, password, c)
	if err != nil {
		return nil, err
	}
	t.told = told
	err = t.connectByRedirect(ctx)
	if err != nil {
		return t, fmt.Errorf("REDIRECT: %w", err)
	}
	if !together {
		err := t.converse(ctx)
		if err != nil {
			return t, fmt.Errorf("REDIRECT: %w", err)
		}
	}
	err = t.addEmbedded(ctx)
	if err == nil {
		err = t.converse(ctx)
	}
	if err != nil {
		return t, fmt.Errorf("EMBEDDED: %w", err)
	}
	return t, nil
}

// connectByRedirect sends the user to the bank until they come back with a connection.
func (t *endUser) connectByRedirect(ctx context.Context) error {
	for t.connection == "" {
		address, err := t.user.AuthorizeURL(ctx, "87", "8701", "https://integrator.example/return")
		if err != nil {
			return err
		}
		callback, err := robot.LogIn(ctx, address, t.answers())
		if err != nil {
			return err
		}
		back, err := t.user.Integrator.FollowCallback(ctx, callback)
		if err == nil {
			if back.Query().Get("status") != "success" {
				return fmt.Errorf("the user comes back with %s", back)
			}
			t.connection = back.Query().Get("connection_id")
			return nil
		}
		// The first request of the callback used the state up and its answer was lost.
		if !refused(err, http.StatusGone, http.StatusNotFound, http.StatusBadRequest) {
			return err
		}
		var connections []scenario.Connection
		err = t.user.Get(ctx, "/connections", &connections)
		if err != nil {
			return err
		}
		if len(connections) > 0 {
			t.connection = connections[0].ID
		}
	}
	return nil
}

func (t *endUser) addEmbedded(ctx context.Context) error {
	key, err := t.user.CreateKey(ctx)
	if err != nil {
		return err
	}
	encrypted, err := scenario.Encrypt(key.PublicKey, t.password)
	if err != nil {
		return err
	}
	return t.user.SetChannel(ctx, t.connection, "8700", key.ID,
		[]scenario.Credential{{ID: "300", Value: t.login}, {ID: "301", Value: encrypted}, {ID: "302", Value: t.file}})
}

// converse reads the queue and answers the bank's questions, until the connection no
// longer runs and all its events have been read.
func (t *endUser) converse(ctx context.Context) error {
	for running := true; ; {
		last := "0"
		if len(t.events) > 0 {
			last = t.events[len(t.events)-1].ID
		}
		events, err := t.user.PollAfter(ctx, t.queue, last)
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
		connection, err := t.user.Connection(ctx, t.connection)
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
func (t *endUser) take(ctx context.Context, event scenario.Event) error {
	if next := strconv.Itoa(len(t.events) + 1); event.ID != next {
		return fmt.Errorf("event %s comes after %d: one is lost", event.ID, len(t.events))
	}
	t.events = append(t.events, event)
	t.told()
	question := event.Question()
	if question == nil {
		return nil
	}
	code := t.code
	asked := slices.ContainsFunc(question, func(c scenario.Challenge) bool { return c.Type == "NUMERIC" })
	if asked && len(t.slips) > 0 {
		code, t.slips = t.slips[0], t.slips[1:]
	}
	err := t.user.Answer(ctx, t.connection, event.Channel, scenario.Answers(question, code))
	if refused(err, http.StatusConflict, http.StatusUnprocessableEntity) {
		return nil // the question is answered already, or replaced by another
	}
	return err
}

// arrived returns an error if a journey ended wrongly.
func (t *endUser) arrived(ctx context.Context) error {
	var connections []scenario.Connection
	err := t.user.Get(ctx, "/connections", &connections)
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
		said := t.said(channel.DefinitionID)
		if !slices.Contains(said, "LIST_ACCOUNTS_SUCCESS") || said[len(said)-1] != "SYNC_ALL_SUCCESS" {
			return fmt.Errorf("channel %s told %v", channel.DefinitionID, said)
		}
	}
	// The queue's position survived too: read from the start it returns the same.
	again, err := t.user.Poll(ctx, t.queue)
	if err != nil {
		return err
	}
	if len(again) != len(t.events) {
		return fmt.Errorf("the queue tells %d events, and told %d by number", len(again), len(t.events))
	}
	return nil
}

// brought returns the belongings of a user whose journey ended well.
func (t *endUser) brought(ctx context.Context) ([]string, error) {
	err := t.arrived(ctx)
	if err != nil {
		return nil, err
	}
	return belongings(ctx, t.user)
}

// said returns the types of a channel's events, in order.
func (t *endUser) said(channel string) []string {
	var types []string
	for _, event := range t.events {
		if event.Channel == channel {
			types = append(types, event.Type)
		}
	}
	return types
}

// belongings returns the accounts and transactions of a user as sorted lines without
// ids, so that two users can be compared. Labels are left out: an old row keeps the
// words of the channel that read it first, and a crash may change which channel is
// first.
func belongings(ctx context.Context, user scenario.Session) ([]string, error) {
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
