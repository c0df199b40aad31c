package connect

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// A way in is one or more authorizations, one behind the other: each has a state of its own,
// with which the bank returns the user, and its row ends with the hash of the next one. What
// the connector keeps, and what the user has to see, is in a row of bank_steps beside it.

const (
	// stepLife is how long a user may take to answer a question, or to approve in an app.
	stepLife = 10 * time.Minute
	// usualTick is the time until a connector that waits is asked again, and shortestTick the
	// least that it may ask for.
	usualTick    = 2 * time.Second
	shortestTick = time.Second
	// tickLater is the time after a failure that may pass.
	laterTick = 10 * time.Second
	// tickEvery is how often a process looks for ways that wait, and mostTicks how many it
	// takes at once.
	tickEvery = 5 * time.Second
	mostTicks = 100
	// mostSteps bounds the steps of a way.
	mostSteps = 50
)

// ways takes the steps of connectors' ways in.
type ways struct{ a *Authorizations }

// way is a way in, with the rows that hold it.
type way struct {
	begun    store.Authorization
	caller   oxlin.Caller // at the beginning
	inserted bool
	verifier oxlin.Secret
	journey  journeyRecord
	state    oxlin.Secret
	shown    shownRecord
	dueAt    time.Time
	// kept is set if there is a row of bank_steps.
	kept bool
	// access is the one to renew, and accounts are those that it is to give again.
	access   bank.Access
	accounts []bank.Identity
	// next is the parameter state for an Address of the step that is taken.
	next oxlin.Secret
	// trail are the requests of the step.
	trail []audit.Entry
}

// journeyRecord holds the data that all steps have in common, as they are stored.
type journeyRecord struct {
	Language    string                        `json:"language,omitempty"`
	Credentials map[oxlin.CredentialID]string `json:"credentials,omitempty"`
	PSU         *oxlin.PSU                    `json:"psu,omitempty"`
	// Unbound is set once another browser than the one that left has taken a step.
	Unbound bool `json:"unbound,omitempty"`
}

// shownRecord tells the task of the user at a step, as it is stored.
type shownRecord struct {
	// Kind is one of the constants below.
	Kind       string            `json:"kind"`
	Address    string            `json:"address,omitempty"`
	Challenges []oxlin.Challenge `json:"challenges,omitempty"`
	// Fragment is set if the bank answers in the fragment of an address.
	Fragment bool `json:"fragment,omitempty"`
	// Until is the end of a wait, through all of its ticks.
	Until time.Time `json:"until,omitzero"`
}

// The kinds of tasks. The platform itself asks for the credentials, before the way begins.
const (
	showsAddress     = "address"
	showsQuestion    = "question"
	showsWait        = "wait"
	showsCredentials = "credentials"
)

// begin begins a way and returns where the user goes.
func (s ways) begin(ctx context.Context, connector bank.Continuer, caller oxlin.Caller, request AuthorizeRequest) (Departure, error) {
	w, departure, err := s.newWay(ctx, caller, request)
	if err != nil {
		return Departure{}, err
	}
	missing, err := s.checkCredentials(request)
	if err != nil {
		return Departure{}, err
	}
	var step bank.Step
	if len(missing) > 0 {
		step = bank.Question{Challenges: missing}
	} else {
		step, err = s.call(ctx, connector, w, bank.Input{Event: bank.Begun, PSU: caller.PSU})
	}
	for _, entry := range w.trail {
		s.a.audit.Note(ctx, entry)
	}
	if err == nil {
		err = s.place(w, step)
	}
	if err == nil && len(missing) > 0 {
		w.shown.Kind = showsCredentials
	}
	if err == nil && request.ClientRedirect && w.shown.Kind != showsAddress {
		// Nothing would lead the user from a page of ours to the client.
		err = oxlin.Errorf(oxlin.CodeInvalidRequest, "This bank needs pages of the platform: leave use_client_redirect out.")
	}
	if err != nil {
		s.a.log.WarnContext(ctx, "the way to the bank did not begin", "provider", request.ProviderID, "user", caller.UserID, "error", err)
		return Departure{}, errors.Join(err, s.undo(ctx, w))
	}
	kept := w.inserted
	err = s.a.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		err := s.save(ctx, tx, w)
		if err != nil || !kept {
			return err
		}
		return tx.FinishAuthorization(ctx, w.begun) // it has no outcome, and another end than before
	})
	if err != nil {
		return Departure{}, err
	}
	departure.Address, err = s.where(w)
	return departure, err
}

// newWay makes the secrets of a way. Its first authorization is stored by the hash of our own
// state; in mode B the bank may get the client's state instead.
func (s ways) newWay(ctx context.Context, caller oxlin.Caller, request AuthorizeRequest) (*way, Departure, error) {
	state, err := vault.NewSessionID(s.a.random)
	if err != nil {
		return nil, Departure{}, err
	}
	verifier, err := vault.NewToken(s.a.random) // as long as RFC 7636 §4.1 asks
	if err != nil {
		return nil, Departure{}, err
	}
	hash, now := hashState(state.Reveal()), s.a.now()
	departure := Departure{Key: hex.EncodeToString(hash[:8]), Life: authorizationLife}
	w := &way{caller: caller, verifier: verifier, next: state, journey: journeyRecord{
		Language: request.Language, Credentials: request.Credentials, PSU: caller.PSU,
		Unbound: request.FlowID == 0 && caller.Client.ConfirmReturn,
	}}
	w.begun = store.Authorization{
		StateHash: hash, UserID: caller.UserID, ClientID: caller.Client.ID, ProviderID: request.ProviderID,
		DefinitionID: request.DefinitionID, ConnectionID: request.ConnectionID, ClientRedirect: request.ClientRedirect,
		ReturnURI: request.ReturnURI, BankRedirectURI: s.a.callbackURL, ConsentPerAccount: request.ConsentPerAccount, AutoSync: request.AutoSync,
		FlowID: request.FlowID, CreatedAt: now, ExpiresAt: now.Add(authorizationLife),
	}
	if caller.PSU != nil {
		w.begun.Device = web.DeviceOf(caller.PSU.UserAgent)
	}
	if request.ClientRedirect {
		w.begun.BankRedirectURI = request.ReturnURI
		if request.ClientState != "" {
			w.next = oxlin.NewSecret(request.ClientState)
		}
	} else {
		w.begun.ClientState = request.ClientState
	}
	if request.FlowID != 0 {
		departure.Browser, err = vault.NewSessionID(s.a.random)
		if err != nil {
			return nil, Departure{}, err
		}
		w.begun.Browser = vault.HashToken(departure.Browser)
	}
	err = s.renew(ctx, w)
	if err != nil {
		return nil, Departure{}, err
	}
	w.begun.Verifier, err = s.a.vault.SealSecret(verifier, verifierPlace(hash))
	return w, departure, err
}

// renew loads what a way renews: the access of its channel, and the accounts that the user lets it
// read. Both are absent where it renews nothing.
func (s ways) renew(ctx context.Context, w *way) error {
	w.access, w.accounts = bank.Access{}, nil
	if w.begun.ConnectionID == 0 {
		return nil
	}
	connection, err := s.a.db.Read().Connection(ctx, w.begun.ConnectionID)
	if err != nil {
		return err
	}
	channel, used := connection.Channel(w.begun.DefinitionID)
	if !used {
		return nil
	}
	accounts, err := s.a.db.Read().AccountsOfConnection(ctx, connection.ID)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if account.LastChannelDefinition == channel.DefinitionID && account.Synchronised() && account.Status != oxlin.AccountNotFound {
			w.accounts = append(w.accounts, bank.Identity{
				IBAN: account.IBAN, Currency: account.Currency, Number: account.Number, MaskedNumber: account.MaskedNumber,
			})
		}
	}
	w.access, err = s.a.engine.Access(ctx, channel.ID)
	return err
}

// checkCredentials checks the answers to the fixed questions of a definition. It returns those
// that a page has to ask.
func (s ways) checkCredentials(request AuthorizeRequest) (missing []oxlin.Challenge, err error) {
	provider, _ := s.a.catalogue.Provider(request.ProviderID)
	definition, _ := provider.Definition(request.DefinitionID)
	for _, asked := range definition.Credentials {
		value, given := request.Credentials[asked.ID]
		switch {
		case given && asked.Matches(value), !given && asked.Matches(""):
		case given:
			return nil, oxlin.Invalid("credentials."+string(asked.ID), "The value does not match %s.", asked.Regexp)
		case request.FlowID == 0:
			return nil, oxlin.Invalid("credentials."+string(asked.ID), "The bank asks for %q before the login.", asked.Label)
		}
		missing = append(missing, oxlin.Challenge{CredentialDefinition: asked})
	}
	for id := range request.Credentials {
		if !slices.ContainsFunc(definition.Credentials, func(d oxlin.CredentialDefinition) bool { return d.ID == id }) {
			return nil, oxlin.Invalid("credentials."+string(id), "The channel definition has no such credential.")
		}
	}
	if request.FlowID == 0 || len(request.Credentials) > 0 {
		return nil, nil
	}
	return missing, nil
}

// call takes one step of a connector. It counts as an attempt of the user to log in.
func (s ways) call(ctx context.Context, connector bank.Continuer, w *way, input bank.Input) (bank.Step, error) {
	input.State = w.state
	input.Journey = bank.Journey{
		RedirectURI: w.begun.BankRedirectURI, RedirectState: w.next.Reveal(), Verifier: w.verifier, Language: w.journey.Language,
		Access: w.access, Accounts: w.accounts,
	}
	if len(w.journey.Credentials) > 0 {
		input.Journey.Credentials = make(map[oxlin.CredentialID]oxlin.Secret)
	}
	for id, value := range w.journey.Credentials {
		input.Journey.Credentials[id] = oxlin.NewSecret(value)
	}
	input.Store = func(ctx context.Context, state oxlin.Secret) error {
		w.state, w.kept = state, true
		return s.a.db.WriteFor(ctx, w.begun.UserID, func(tx *store.Tx) error { return s.save(ctx, tx, w) })
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	ctx, calls := audit.Collect(ctx)
	step, err := connector.Continue(ctx, input)
	w.trail = calls.Entries(audit.Entry{User: w.begun.UserID, Client: w.begun.ClientID, Connection: w.begun.ConnectionID, Details: audit.Details{
		audit.Resource: "exchange", audit.Attended: "yes", audit.Provider: string(w.begun.ProviderID), audit.Channel: string(w.begun.DefinitionID),
		audit.Flow: flowName(w.begun.FlowID),
	}}, err)
	if err != nil {
		return nil, bankRefused(err)
	}
	return step, nil
}

// place makes a step that is no access the present one of a way.
func (s ways) place(w *way, step bank.Step) error {
	now := s.a.now()
	until := now.Add(stepLife)
	if w.shown.Kind == showsWait {
		until = w.shown.Until
	}
	w.dueAt = time.Time{}
	switch step := step.(type) {
	case bank.Address:
		w.kept = w.kept || w.inserted || step.Fragment || !step.State.IsZero()
		w.state, w.shown = step.State, shownRecord{Kind: showsAddress, Address: step.URL, Fragment: step.Fragment}
		w.begun.ExpiresAt = now.Add(authorizationLife)
	case bank.Question:
		w.state, w.shown, w.kept = step.State, shownRecord{Kind: showsQuestion, Challenges: step.Challenges}, true
		w.begun.ExpiresAt = now.Add(cmp.Or(step.Timeout, stepLife))
	case bank.Wait:
		if !step.Until.IsZero() && step.Until.Before(until) {
			until = step.Until
		}
		w.state, w.shown, w.kept = step.State, shownRecord{Kind: showsWait, Challenges: step.Show, Until: until}, true
		w.begun.ExpiresAt = until
		w.dueAt = now.Add(max(shortestTick, cmp.Or(step.After, usualTick)))
	default:
		return fmt.Errorf("a way in cannot begin with a %T", step)
	}
	return nil
}

// save writes a way's rows.
func (s ways) save(ctx context.Context, tx *store.Tx, w *way) error {
	if w.inserted {
		_, err := tx.Read().Authorization(ctx, w.begun.StateHash)
		if err != nil {
			return err // the flow or the connection has ended meanwhile
		}
	} else {
		err := s.a.insert(ctx, tx, w.caller, w.begun)
		if err != nil {
			return err
		}
	}
	w.inserted = true
	if !w.kept {
		return nil
	}
	return s.keep(ctx, tx, w)
}

// keep writes a way's row of bank_steps.
func (s ways) keep(ctx context.Context, tx *store.Tx, w *way) error {
	hash := w.begun.StateHash
	row := store.BankStep{StateHash: hash, ProviderID: w.begun.ProviderID, DefinitionID: w.begun.DefinitionID, DueAt: w.dueAt}
	journey, err := json.Marshal(w.journey)
	if err != nil {
		return err
	}
	shown, err := json.Marshal(w.shown)
	if err != nil {
		return err
	}
	row.Journey, err = s.a.vault.Seal(journey, stepPlace(hash, journeyColumn))
	if err != nil {
		return err
	}
	row.Shown, err = s.a.vault.Seal(shown, stepPlace(hash, shownColumn))
	if err != nil {
		return err
	}
	if !w.state.IsZero() {
		row.State, err = s.a.vault.SealSecret(w.state, stepPlace(hash, stateColumn))
		if err != nil {
			return err
		}
	}
	return store.BankStepsIn(tx).Save(ctx, row)
}

// load reads the way of an authorization.
func (s ways) load(ctx context.Context, begun store.Authorization) (*way, error) {
	w := &way{begun: begun, inserted: true}
	var err error
	w.verifier, err = s.a.vault.OpenSecret(begun.Verifier, verifierPlace(begun.StateHash))
	if err != nil {
		return nil, err
	}
	row, err := store.BankStepsOf(s.a.db.Read()).Find(ctx, begun.StateHash)
	if oxlin.IsNotFound(err) {
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	w.kept, w.dueAt = true, row.DueAt
	err = errors.Join(
		s.open(row.Journey, stepPlace(row.StateHash, journeyColumn), &w.journey),
		s.open(row.Shown, stepPlace(row.StateHash, shownColumn), &w.shown),
	)
	if err == nil && len(row.State) > 0 {
		w.state, err = s.a.vault.OpenSecret(row.State, stepPlace(row.StateHash, stateColumn))
	}
	return w, err
}

func (s ways) open(sealed []byte, place vault.Place, into any) error {
	text, err := s.a.vault.Open(sealed, place)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// arrive continues the way of a claimed authorization.
func (s ways) arrive(ctx context.Context, f *flight, begun store.Authorization, input bank.Input, bound bool) (taken, error) {
	connector, err := s.a.authorizer(begun.ProviderID, begun.DefinitionID)
	if err != nil {
		return taken{}, err
	}
	var w *way
	err = f.persist(ctx, func(ctx context.Context) (err error) { // the database, or the key, may be away
		w, err = s.load(ctx, begun)
		if err == nil {
			err = s.renew(ctx, w)
		}
		return err
	})
	if err != nil {
		return taken{}, err
	}
	w.next, err = vault.NewSessionID(s.a.random)
	if err != nil {
		return taken{}, err
	}
	w.journey.Unbound = w.journey.Unbound || !bound
	if input.PSU != nil {
		w.journey.PSU = input.PSU
	}
	if input.Event == bank.Answered && w.shown.Kind == showsCredentials {
		w.journey.Credentials = make(map[oxlin.CredentialID]string)
		for id, value := range input.Answers {
			w.journey.Credentials[id] = value.Reveal()
		}
		input = bank.Input{Event: bank.Begun, PSU: input.PSU}
	}
	if input.Event == bank.Ticked {
		input.PSU = w.journey.PSU // the approval is the user's
	}
	step, err := s.call(ctx, connector, w, input)
	f.trail = w.trail
	got := taken{way: w, bound: !w.journey.Unbound}
	if err != nil {
		return got, err
	}
	if access, ok := step.(bank.Access); ok {
		got.access = access
		return got, nil
	}
	got.step = step
	return got, nil
}

// goOn stores a step before the access, and leads to it. A way that still waits keeps its
// authorization; any other step has a new one.
func (s ways) goOn(ctx context.Context, f *flight, begun store.Authorization, got taken) (CallbackResult, error) {
	if begun.ClientRedirect {
		// The client has taken the return; no page of ours has the user.
		return CallbackResult{}, bankRefused(&bank.Failure{Kind: bank.Refused, Err: fmt.Errorf("in mode B a return leads to a %T", got.step)})
	}
	w := got.way
	_, waits := got.step.(bank.Wait)
	waits = waits && w.shown.Kind == showsWait
	err := s.place(w, got.step)
	if err != nil {
		return CallbackResult{}, err
	}
	result := resultOf(begun)
	result.Status = StatusOnward
	if !waits {
		w.begun.StateHash = hashState(w.next.Reveal())
		result.next = hex.EncodeToString(w.begun.StateHash)
		w.begun.Verifier, err = s.a.vault.SealSecret(w.verifier, verifierPlace(w.begun.StateHash))
		if err != nil {
			return CallbackResult{}, err
		}
		w.begun.ClaimedBy, w.begun.ClaimedAt, w.begun.Answer, w.begun.CreatedAt, w.kept = nil, time.Time{}, nil, s.a.now(), true
	}
	err = f.persist(ctx, func(ctx context.Context) error {
		return s.a.db.WriteFor(ctx, begun.UserID, func(tx *store.Tx) error {
			now, err := tx.Read().Authorization(ctx, begun.StateHash)
			if err != nil {
				return err // the flow or the connection has ended meanwhile
			}
			if now.Outcome != "" {
				stored, err := repeated(now)
				if err == nil && stored.next != result.next {
					err = errClaimed
				}
				return err // the commit of an earlier attempt succeeded
			}
			if waits {
				err := s.keep(ctx, tx, w)
				if err != nil {
					return err
				}
				return store.BankStepsIn(tx).Release(ctx, begun, w.begun.ExpiresAt)
			}
			err = tx.InsertAuthorization(ctx, w.begun)
			if err != nil {
				return err
			}
			err = s.keep(ctx, tx, w)
			if err != nil {
				return err
			}
			err = s.a.audit.Record(ctx, tx, slices.Clone(f.trail)...)
			if err != nil {
				return err
			}
			return s.a.finishUntil(ctx, tx, begun, result, w.begun.ExpiresAt.Add(repeatTime))
		})
	})
	if err != nil {
		return CallbackResult{}, err
	}
	f.trail = nil
	return s.onward(result, w)
}

// onward makes the result lead to the present step of a way.
func (s ways) onward(result CallbackResult, w *way) (CallbackResult, error) {
	var err error
	result.Status, result.Page = StatusOnward, w.shown.Kind != showsAddress
	result.Key = hex.EncodeToString(w.begun.StateHash[:8])
	result.Address, err = s.where(w)
	return result, err
}

// tickLater lets a way wait although its tick has failed, because the next one may succeed.
func (s ways) tickLater(ctx context.Context, f *flight, begun store.Authorization) (CallbackResult, error) {
	w, err := s.load(ctx, begun)
	if err != nil {
		return CallbackResult{}, err
	}
	w.dueAt = s.a.now().Add(laterTick)
	return s.release(ctx, f, w)
}

// release lets a way wait as it did, for the next tick.
func (s ways) release(ctx context.Context, f *flight, w *way) (CallbackResult, error) {
	err := f.persist(ctx, func(ctx context.Context) error {
		return s.a.db.Write(ctx, func(tx *store.Tx) error {
			err := s.keep(ctx, tx, w)
			if err != nil {
				return err
			}
			return store.BankStepsIn(tx).Release(ctx, w.begun, w.shown.Until)
		})
	})
	if err != nil {
		return CallbackResult{}, err
	}
	return s.onward(resultOf(w.begun), w)
}

// follow leads from an authorization after which the way went on to where it is now.
func (s ways) follow(ctx context.Context, f *flight, result CallbackResult, callback Callback) (CallbackResult, error) {
	begun, err := s.last(ctx, result.next)
	if err != nil {
		return result, err
	}
	if begun.Outcome == "" {
		w, err := s.load(ctx, begun)
		if err != nil {
			return result, err
		}
		return s.onward(resultOf(begun), w)
	}
	bound, err := s.a.isBound(ctx, f, begun, callback.Browser)
	if err != nil {
		return result, err
	}
	result, err = s.a.finished(ctx, f, begun, callback, bound)
	result.Bound = bound
	return result, err
}

// last returns the newest authorization of a way. The older ones are kept no longer than it.
func (s ways) last(ctx context.Context, next string) (begun store.Authorization, err error) {
	for range mostSteps {
		hash, err := hex.DecodeString(next)
		if err != nil {
			return begun, err
		}
		begun, err = s.a.db.Read().Authorization(ctx, hash)
		if oxlin.IsNotFound(err) {
			return begun, oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
		}
		if err != nil || begun.Outcome == "" {
			return begun, err
		}
		result, err := repeated(begun)
		if err != nil || result.Status != StatusOnward {
			return begun, err
		}
		next = result.next
	}
	return begun, errors.New("a way in has too many steps")
}

// close ends what a way keeps: what it has begun at the bank is deleted there unless there is
// an access.
func (s ways) close(ctx context.Context, tx *store.Tx, begun store.Authorization, status string) error {
	row, err := store.BankStepsIn(tx).Find(ctx, begun.StateHash)
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if status == "success" || status == statusHeld || status == StatusOnward {
		_, err = store.BankStepsIn(tx).Drop(ctx, row.StateHash)
		return err
	}
	return s.discard(ctx, tx, row)
}

// discard removes a row, and has the bank delete what its state has begun.
func (s ways) discard(ctx context.Context, tx *store.Tx, row store.BankStep) error {
	dropped, err := store.BankStepsIn(tx).Drop(ctx, row.StateHash)
	if err != nil || !dropped || len(row.State) == 0 {
		return err
	}
	state, err := s.a.vault.OpenSecret(row.State, stepPlace(row.StateHash, stateColumn))
	if err != nil {
		return err
	}
	return synchro.DiscardBegun(ctx, s.a.engine, tx, row.ProviderID, row.DefinitionID, state)
}

// undo ends a way that failed at its beginning.
func (s ways) undo(ctx context.Context, w *way) error {
	if !w.inserted {
		return nil
	}
	return s.a.db.WriteFor(context.WithoutCancel(ctx), w.begun.UserID, func(tx *store.Tx) error {
		result := resultOf(w.begun)
		result.Status, result.Result = "error", "bank_error"
		return s.a.finishUntil(ctx, tx, w.begun, result, s.a.now())
	})
}

// where returns the address of the present step.
func (s ways) where(w *way) (string, error) {
	if w.shown.Kind == showsAddress {
		return w.shown.Address, nil
	}
	mac, err := s.a.vault.MAC(pageOf(w.begun.StateHash))
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return s.a.callbackURL + "?" + url.Values{"way": {encode(w.begun.StateHash) + "." + encode(mac)}}.Encode(), nil
}

// pageOf returns the text that the code of a page's address proves.
func pageOf(stateHash []byte) []byte { return []byte("page of a way\x00" + string(stateHash)) }

// stateOf returns the hash of the state of the way whose page has an address with a code.
func (s ways) stateOf(code oxlin.Secret) ([]byte, error) {
	first, second, _ := strings.Cut(code.Reveal(), ".")
	hash, err := base64.RawURLEncoding.DecodeString(first)
	mac, wrong := base64.RawURLEncoding.DecodeString(second)
	if err != nil || wrong != nil {
		return nil, oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	}
	proves, err := s.a.vault.Proves(mac, pageOf(hash))
	if err == nil && !proves {
		err = oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	}
	return hash, err
}

// isFailure reports whether an error is a bank's.
func isFailure(err error) bool {
	var failure *bank.Failure
	return errors.As(err, &failure)
}
