package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
)

const (
	provider = "87"
	redirect = "8701"
	embedded = "8700"
	returnTo = "https://integrator.example/return"
)

// everyJourney is the number of a violation that concerns no single journey.
const everyJourney = -1

// travel is one user's journey. Its steps are chosen by the seed.
type travel struct {
	*journey.EndUser
	world  *world
	number int
	random *rand.Rand
	// told are the reasons for which steps failed.
	told []string
	// seen are the rows that the API has shown by their ids.
	seen    map[string]row
	deleted bool
	broken  bool
}

// reason tells the user why a step ended.
type reason string

func (r reason) Error() string { return string(r) }

// travel plays a journey.
func (w *world) travel(ctx context.Context, number int) *travel {
	t := &travel{world: w, number: number, random: rand.New(rand.NewPCG(w.settings.seed, uint64(number)|1<<42)), seen: map[string]row{}}
	err := t.arrive(ctx)
	if err != nil {
		t.fail("arrival", err)
		return t
	}
	for _, step := range t.plan() {
		within, cancel := context.WithTimeout(ctx, w.settings.patience)
		err := step.do(within)
		cancel()
		t.fail(step.name, err)
		if t.broken {
			break
		}
	}
	if len(t.told) == 0 && !t.broken {
		w.result.mutex.Lock()
		w.result.finished++
		w.result.mutex.Unlock()
	}
	return t
}

// fail notes why a step failed. A failure without a reason is a violation.
func (t *travel) fail(step string, err error) {
	var why reason
	var refusal *scenario.StatusError
	switch {
	case err == nil:
		return
	case errors.As(err, &why):
	case errors.As(err, &refusal) && refusal.Code == "":
		// An answer that was read by hand: the body has the code.
		var said struct {
			Code oxlin.Code `json:"error"`
		}
		if json.Unmarshal([]byte(refusal.Body), &said) != nil || said.Code == "" {
			t.broken = true
			t.violate("%s: %v: %.300s", step, err, refusal.Body)
			return
		}
		known := *refusal
		known.Code = said.Code
		t.fail(step, &known)
		return
	case errors.As(err, &refusal) && refusal.Code != "" && refusal.Status < http.StatusInternalServerError,
		errors.As(err, &refusal) && t.world.fault.hostile != nil && refusal.Code != "":
		why = reason(fmt.Sprintf("%d %s", refusal.Status, refusal.Code))
	default:
		t.broken = true
		t.violate("%s: %v", step, err)
		return
	}
	t.told = append(t.told, step+": "+string(why))
	t.world.result.tell(step + ": " + string(why))
}

func (t *travel) violate(format string, args ...any) {
	t.world.result.violate(t.number, format, args...)
}

// arrive creates the user.
func (t *travel) arrive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.world.settings.patience)
	defer cancel()
	var err error
	t.EndUser, err = journey.Arrive(ctx, t.world.integrator(t.number, polite{}), fmt.Sprintf("jo-%d@example.test", t.number),
		journey.Password, t.world.people.customer(t.number))
	if err == nil {
		t.world.words.add(t.User.Tokens.AccessToken, t.User.Tokens.RefreshToken)
	}
	return err
}

// polite is an integrator's transport: it repeats what got no answer, and waits where the
// platform asks for it.
type polite struct{}

// RoundTrip implements http.RoundTripper.
func (polite) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		answer, err := journey.Patient{Again: func() {}}.RoundTrip(r)
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
			return answer, err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || strings.Contains(string(body), string(oxlin.CodeProviderUnavailable)) {
			return answer, nil
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(min(time.Duration(seconds)*time.Second, 5*time.Second)):
		}
	}
}

type step struct {
	name string
	do   func(context.Context) error
}

// plan chooses the steps of the journey.
func (t *travel) plan() []step {
	byRedirect := t.random.IntN(5) < 3
	var plan []step
	if t.random.IntN(6) == 0 {
		plan = append(plan, step{"refuse", t.refuse})
	}
	if byRedirect {
		plan = append(plan, step{"connect", t.connect})
	} else {
		plan = append(plan, step{"connect EMBEDDED", t.connectEmbedded})
	}
	more := []step{
		{"synchronise", t.synchronise}, {"synchronise", t.synchronise}, {"renew", t.renew},
		{"add EMBEDDED", t.addEmbedded}, {"read", t.readAll}, {"begin", t.begin}, {"begin", t.begin},
	}
	for range t.random.IntN(5) {
		plan = append(plan, more[t.random.IntN(len(more))])
	}
	if t.random.IntN(2) == 0 {
		plan = append(plan, step{"read", t.readAll})
	}
	if t.random.IntN(8) == 0 {
		plan = append(plan, step{"delete", t.remove})
	}
	return plan
}

// connect sends the user to the bank.
func (t *travel) connect(ctx context.Context) error { return t.atTheBank(ctx, t.Answers()) }

// renew sends the user to the bank again, whose file has grown meanwhile.
func (t *travel) renew(ctx context.Context) error {
	t.grow()
	return t.atTheBank(ctx, t.Answers())
}

func (t *travel) grow() { t.world.people.all[t.number].grow(t.random, 1+t.random.IntN(3), 3) }

// refuse lets the user refuse the consent at the bank.
func (t *travel) refuse(ctx context.Context) error {
	answers := t.Answers()
	answers["login"] += "+refuse"
	err := t.atTheBank(ctx, answers)
	var why reason
	if errors.As(err, &why) && why == "cancelled" {
		return nil
	}
	if err == nil {
		return errors.New("the user refused, and is connected")
	}
	return err
}

// atTheBank sends the user to the bank and back, and waits for what follows.
func (t *travel) atTheBank(ctx context.Context, answers map[string]string) error {
	for range 8 {
		address, err := t.User.RenewURL(ctx, provider, redirect, t.Connection, returnTo)
		if err != nil {
			return err
		}
		callback, err := robot.LogIn(ctx, address, answers)
		if err != nil {
			return err
		}
		back, err := t.User.Integrator.FollowCallback(ctx, callback)
		switch {
		case err == nil:
			return t.returned(ctx, back.Query())
		case journey.Refused(err, http.StatusGone, http.StatusNotFound, http.StatusBadRequest):
			// The first request of the callback used the state up, and its answer was lost.
		default:
			return pageOf(err)
		}
		if t.Connection == "" {
			err := t.findConnection(ctx)
			if err != nil {
				return err
			}
		}
		if t.Connection != "" {
			return t.settle(ctx)
		}
	}
	return reason("the way back was lost eight times")
}

// pageOf gives a refusal that is a page a code, which the page shows to people.
func pageOf(err error) error {
	var refusal *scenario.StatusError
	if errors.As(err, &refusal) && refusal.Code == "" && refusal.Status < http.StatusInternalServerError {
		return reason(fmt.Sprintf("page %d", refusal.Status))
	}
	return err
}

// returned reads what the platform tells a returning user.
func (t *travel) returned(ctx context.Context, query url.Values) error {
	if query.Get("status") != "success" {
		result := query.Get("result")
		if result == "" {
			return fmt.Errorf("the user comes back with %v", query)
		}
		return reason(result)
	}
	t.Connection = query.Get("connection_id")
	return t.settle(ctx)
}

func (t *travel) findConnection(ctx context.Context) error {
	var connections []scenario.Connection
	err := t.User.Get(ctx, "/connections", &connections)
	if err == nil && len(connections) > 0 {
		t.Connection = connections[0].ID
	}
	return err
}

// connectEmbedded creates a connection with what the user types. The software does not
// repeat the request blindly: without an answer it looks for the connection first.
func (t *travel) connectEmbedded(ctx context.Context) error {
	key, typed, err := t.Typed(ctx)
	if err != nil {
		return err
	}
	once := t.User
	once.Integrator = t.world.integrator(t.number, http.DefaultTransport)
	for t.Connection == "" {
		id, err := once.CreateConnection(ctx, provider, embedded, key, typed)
		var refusal *scenario.StatusError
		if errors.As(err, &refusal) && refusal.Code != oxlin.CodeUnavailable {
			return err
		}
		t.Connection = id
		if err != nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
			err = t.findConnection(ctx)
		}
		if err != nil {
			return err
		}
	}
	return t.settle(ctx)
}

// addEmbedded adds the channel, or types its credentials again.
func (t *travel) addEmbedded(ctx context.Context) error {
	if t.Connection == "" {
		return t.connectEmbedded(ctx)
	}
	err := t.AddEmbedded(ctx)
	if err != nil {
		return err
	}
	return t.settle(ctx)
}

// synchronise reads the bank again, whose file has grown for those who log in.
func (t *travel) synchronise(ctx context.Context) error {
	err := t.begin(ctx)
	if err != nil || t.Connection == "" {
		return err
	}
	return t.settle(ctx)
}

// begin begins a synchronisation. The next step does not wait for its end.
func (t *travel) begin(ctx context.Context) error {
	if t.Connection == "" {
		return nil
	}
	t.grow()
	_, err := t.User.Post(ctx, "/connections/"+t.Connection+"/synchronize", map[string]string{"type": "ALL"}, nil)
	return err
}

// settle waits until the connection no longer runs, and returns why a channel failed.
func (t *travel) settle(ctx context.Context) error {
	err := t.Converse(ctx)
	if err != nil {
		return err
	}
	connection, err := t.User.Connection(ctx, t.Connection)
	if err != nil {
		return err
	}
	for _, channel := range connection.Channels {
		switch channel.Status {
		case "EMPTY", "SUCCESS":
		case "RUNNING":
			return fmt.Errorf("a channel runs in a connection that does not: %+v", connection)
		default:
			return t.explained(channel)
		}
	}
	return nil
}

// explained returns the reason of a channel's failure, which its last events have to tell.
func (t *travel) explained(channel scenario.Channel) error {
	said := t.Said(channel.DefinitionID)
	i := slices.Index(said, channel.Status)
	if i < 0 || len(said) < 2 {
		return fmt.Errorf("channel %s is %s, and no event tells so: %v", channel.DefinitionID, channel.Status, said)
	}
	return reason(channel.Status)
}

// readAll reads everything through the API.
func (t *travel) readAll(ctx context.Context) error {
	for _, resource := range []string{"/users/me", "/providers/" + provider, "/connections", "/categories"} {
		err := t.User.Get(ctx, resource, nil)
		if err != nil {
			return err
		}
	}
	_, _, err := t.rows(ctx)
	return err
}

// remove deletes the connection.
func (t *travel) remove(ctx context.Context) error {
	if t.Connection == "" {
		return nil
	}
	err := t.User.Delete(ctx, "/connections/"+t.Connection)
	if err != nil && !journey.Refused(err, http.StatusNotFound) { // the answer to the first request was lost
		return err
	}
	t.deleted = true
	return nil
}
