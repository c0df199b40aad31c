package banktest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Leave begins a way that leads to the bank's pages at once, and returns their address.
func Leave(ctx context.Context, connector any, journey bank.Journey) (string, error) {
	step, err := next(ctx, connector, bank.Input{Event: bank.Begun, Journey: journey})
	if err != nil {
		return "", err
	}
	address, ok := step.(bank.Address)
	if !ok {
		return "", fmt.Errorf("the way begins with a %T", step)
	}
	return address.URL, nil
}

// Redeem continues a way without a state by the code with which the user returned from the bank.
func Redeem(ctx context.Context, connector any, code string, journey bank.Journey) (bank.Access, error) {
	back := bank.Return{Query: url.Values{"code": {code}, "state": {journey.RedirectState}}}
	step, err := next(ctx, connector, bank.Input{Event: bank.Returned, Journey: journey, Return: back})
	if err != nil {
		return bank.Access{}, err
	}
	access, ok := step.(bank.Access)
	if !ok {
		return bank.Access{}, fmt.Errorf("the return leads to a %T", step)
	}
	return access, nil
}

// Login is one login with credentials, or its continuation after a question.
type Login struct {
	Credentials map[oxlin.CredentialID]oxlin.Secret
	// Access is the previous session, if any.
	Access bank.Access
	PSU    *oxlin.PSU
	// State and Answers continue the login after a question; both are empty at the start.
	State   oxlin.Secret
	Answers map[oxlin.CredentialID]oxlin.Secret
	// Record is Input.Record.
	Record func(context.Context, bank.Secrets) error
}

// LoginResult is a session, or a question.
type LoginResult struct {
	Access   bank.Access
	Question *bank.Question
}

// LogIn takes one step of a login with credentials.
func LogIn(ctx context.Context, connector any, login Login) (LoginResult, error) {
	input := bank.Input{
		Event: bank.Begun, Journey: bank.Journey{Credentials: login.Credentials, Access: login.Access}, PSU: login.PSU,
		State: login.State, Answers: login.Answers, Record: login.Record,
	}
	if !login.State.IsZero() {
		input.Event = bank.Answered
	}
	step, err := next(ctx, connector, input)
	if err != nil {
		return LoginResult{}, err
	}
	switch step := step.(type) {
	case bank.Access:
		return LoginResult{Access: step}, nil
	case bank.Question:
		return LoginResult{Question: &step}, nil
	}
	return LoginResult{}, fmt.Errorf("the login leads to a %T", step)
}

func next(ctx context.Context, connector any, input bank.Input) (bank.Step, error) {
	continuer, ok := connector.(bank.Continuer)
	if !ok {
		return nil, fmt.Errorf("a %T has no way in", connector)
	}
	return continuer.Continue(ctx, input)
}

// StateOf returns the state of a step, with which the next one continues.
func StateOf(step bank.Step) oxlin.Secret {
	switch step := step.(type) {
	case bank.Address:
		return step.State
	case bank.Question:
		return step.State
	case bank.Wait:
		return step.State
	}
	return oxlin.Secret{}
}

// stepLimit is more steps than any way has.
const stepLimit = 100

// Enter takes a way to its end: each step by a connector of its own, as another process would
// have it, with the state that came through the database as text. user is Subject.Enter.
func Enter(t *testing.T, connector func() bank.Connector, journey bank.Journey, psu *oxlin.PSU, user func(*testing.T, bank.Step) bank.Input) bank.Access {
	t.Helper()
	input := bank.Input{Event: bank.Begun}
	for n := range stepLimit {
		input.Journey, input.PSU = journey, psu
		input.Journey.RedirectState = fmt.Sprintf("state-%d", n)
		kept := oxlin.Secret{}
		input.Store = func(_ context.Context, state oxlin.Secret) error {
			kept = state
			return nil
		}
		step, err := next(t.Context(), connector(), input)
		if err != nil {
			t.Fatalf("step %d, %s: %v", n, input.Event, err)
		}
		if access, ok := step.(bank.Access); ok {
			return access
		}
		if !kept.IsZero() && StateOf(step).IsZero() {
			t.Errorf("step %d forgets the state that was kept", n)
		}
		checkStep(t, step, journey)
		input = user(t, step)
		input.State = oxlin.NewSecret(strings.Clone(StateOf(step).Reveal()))
	}
	t.Fatalf("no access after %d steps", stepLimit)
	return bank.Access{}
}

// checkStep checks what a step shows of itself.
func checkStep(t *testing.T, step bank.Step, journey bank.Journey) {
	t.Helper()
	switch step := step.(type) {
	case bank.Address:
		u, err := url.Parse(step.URL)
		if err != nil || u.Host == "" {
			t.Errorf("%q is no address", step.URL)
		}
		if strings.Contains(step.URL, journey.Verifier.Reveal()) {
			t.Error("the address tells the PKCE verifier")
		}
	case bank.Question:
		if len(step.Challenges) == 0 {
			t.Error("a question has no challenge")
		}
	case bank.Wait:
		for _, shown := range step.Show {
			if !shown.Type.IsMessage() {
				t.Errorf("a wait shows %s, which needs an answer", shown.Type)
			}
		}
	}
}

// newJourney returns the journey of a test.
func (s Subject) newJourney() bank.Journey {
	return bank.Journey{
		RedirectURI: "https://oxlin.test/oauth2/aisp", RedirectState: "the-state", Language: "fr", Credentials: s.Credentials,
		Verifier: oxlin.NewSecret("a-verifier-that-is-at-least-forty-three-characters-long"),
	}
}

func (s Subject) wayIn(t *testing.T) {
	access := Enter(t, s.New, s.newJourney(), s.Call.PSU, s.Enter)
	if access.IsZero() {
		t.Fatal("the access is empty")
	}
	kept, err := bank.DecodeAccess(access.Encode())
	if err != nil || !kept.Same(access) {
		t.Fatalf("the access is stored as another one: %v", err)
	}
	page, err := s.New().Accounts(t.Context(), bank.Call{Access: kept, PSU: s.Call.PSU}, "")
	if err != nil || len(page.Accounts) == 0 {
		t.Errorf("the access opens %d accounts, %v", len(page.Accounts), err)
	}
}

func (s Subject) wrongWays(t *testing.T) {
	journey := s.newJourney()
	step, err := next(t.Context(), s.New(), bank.Input{Event: bank.Begun, Journey: journey, PSU: s.Call.PSU})
	if err != nil && len(s.Credentials) == 0 {
		wantKind(t, err, bank.CredentialsRejected) // it wants credentials, which the suite does not have
	} else if err != nil {
		t.Fatal(err)
	}
	checkStep(t, step, journey)
	if _, ok := step.(bank.Address); ok {
		back := func(query url.Values) (bank.Step, error) {
			return next(t.Context(), s.New(), bank.Input{
				Event: bank.Returned, Journey: journey, State: StateOf(step), PSU: s.Call.PSU, Return: bank.Return{Query: query},
			})
		}
		_, err := back(url.Values{"error": {"access_denied"}})
		wantKind(t, err, bank.ChallengeCancelled)
		step, err := back(url.Values{"code": {"no-such-code"}})
		_, waits := step.(bank.Wait) // where no code is wanted, the bank is asked whether the user has agreed
		var failure *bank.Failure
		if !waits && (!errors.As(err, &failure) || failure.Transient()) {
			t.Errorf("a code that the bank does not know: %v, want a failure that stays", err)
		}
	}
	for _, input := range []bank.Input{
		{Event: "nonsense"}, {Event: bank.Answered, State: oxlin.NewSecret("nonsense")}, {Event: bank.Ticked, State: oxlin.NewSecret("{")},
		{Event: bank.Returned, State: oxlin.NewSecret("[]")},
	} {
		input.Journey, input.PSU = journey, s.Call.PSU
		_, err := next(t.Context(), s.New(), input)
		var failure *bank.Failure
		if !errors.As(err, &failure) {
			t.Errorf("the input %s: %v, want a failure", input.Event, err)
		}
	}
}

func wantKind(t *testing.T, err error, kind bank.FailureKind) {
	t.Helper()
	var failure *bank.Failure
	if !errors.As(err, &failure) || failure.Kind != kind {
		t.Errorf("%v, want %s", err, kind)
	}
}
