package journey

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/ProtonMail/gopenpgp/v3/crypto"
)

// Encrypt makes an armored OpenPGP message for a public key, as an integrator's
// page does with what its user types (contract §3.5).
func Encrypt(publicKey, text string) (string, error) {
	key, err := crypto.NewKeyFromArmored(publicKey)
	if err != nil {
		return "", fmt.Errorf("public key: %w", err)
	}
	encryption, err := crypto.PGP().Encryption().Recipient(key).New()
	if err != nil {
		return "", err
	}
	message, err := encryption.Encrypt([]byte(text))
	if err != nil {
		return "", err
	}
	return message.Armor()
}

// Key is an encryption key of a user.
type Key struct {
	ID        string `json:"id"`
	PublicKey string `json:"public_key"`
}

// CreateKey makes an encryption key and reads it.
func (s Session) CreateKey(ctx context.Context) (Key, error) {
	location, err := s.Post(ctx, "/keys", map[string]any{"type": "PGP"}, nil)
	if err != nil {
		return Key{}, err
	}
	var key Key
	err = s.Get(ctx, "/keys/"+path.Base(location), &key)
	return key, err
}

// Credential is what a user typed for one credential of a channel.
type Credential struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// Connect makes a connection with a user's credentials, and gives its id.
func (s Session) Connect(ctx context.Context, provider, keyID string, credentials []Credential) (string, error) {
	location, err := s.Post(ctx, "/connections", map[string]any{
		"provider_id": provider, "key_id": keyID, "credentials": credentials,
	}, nil)
	return path.Base(location), err
}

// SetChannel gives a connection's channel new credentials, or adds the channel.
func (s Session) SetChannel(ctx context.Context, connection, channel, keyID string, credentials []Credential) error {
	_, err := s.call(ctx, "PUT", "/connections/"+connection+"/channels/"+channel, map[string]any{
		"id": channel, "key_id": keyID, "credentials": credentials,
	}, nil)
	return err
}

// Subscribe makes a queue of the user's events.
func (s Session) Subscribe(ctx context.Context) (string, error) {
	location, err := s.Post(ctx, "/queues/subscribe", map[string]any{"topics": []string{"connections"}}, nil)
	return path.Base(location), err
}

// Challenge is one element of what a bank asks.
type Challenge struct {
	ID     string            `json:"id"`
	Label  string            `json:"label"`
	Type   string            `json:"type"`
	Params map[string]string `json:"params"`
}

// Question is the typed part of the events that ask for input.
type Question struct {
	Challenge []Challenge `json:"challenge"`
}

// Event is the part of an event that the journey looks at.
type Event struct {
	ID           string     `json:"id"`
	Type         string     `json:"event_type"`
	Channel      string     `json:"channel_definition_id"`
	Resource     Connection `json:"resource"`
	ListAccounts *Question  `json:"list_accounts_user_input_requested"`
	SyncAll      *Question  `json:"sync_all_user_input_requested"`
}

// Question is what an event asks the user; nil if it asks nothing.
func (e Event) Question() []Challenge {
	switch {
	case e.ListAccounts != nil:
		return e.ListAccounts.Challenge
	case e.SyncAll != nil:
		return e.SyncAll.Challenge
	}
	return nil
}

// Poll gives what happened since the last poll of a queue.
func (s Session) Poll(ctx context.Context, queue string) ([]Event, error) {
	var events []Event
	err := s.Get(ctx, "/queues/"+queue, &events)
	return events, err
}

// PollAfter gives what happened after an event, "0" being before the first. Unlike
// Poll it may be asked again, so that an answer lost on the way loses nothing.
func (s Session) PollAfter(ctx context.Context, queue, event string) ([]Event, error) {
	var events []Event
	err := s.Get(ctx, "/queues/"+queue+"?after="+event, &events)
	return events, err
}

// Answer sends the user's answers to a channel's challenges.
func (s Session) Answer(ctx context.Context, connection, channel string, answers []Credential) error {
	_, err := s.Post(ctx, "/connections/"+connection+"/channels/"+channel+"/user_input", map[string]any{"credentials": answers}, nil)
	return err
}

// Converse polls a queue and answers what the bank asks, until the connection
// does not run any more. The code is what the user reads on their phone; OK is
// pressed everywhere. It gives how many questions were asked.
func (s Session) Converse(ctx context.Context, queue, connection, code string) (asked int, err error) {
	for {
		events, err := s.Poll(ctx, queue)
		if err != nil {
			return asked, err
		}
		for _, event := range events {
			question := event.Question()
			if question == nil || event.Resource.ID != connection {
				continue
			}
			asked++
			err := s.Answer(ctx, connection, event.Channel, Answers(question, code))
			if err != nil {
				return asked, err
			}
		}
		if len(events) == 0 {
			state, err := s.Connection(ctx, connection)
			if err != nil || state.Status != "RUNNING" {
				return asked, err
			}
		}
		select {
		case <-ctx.Done():
			return asked, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Connection reads a connection.
func (s Session) Connection(ctx context.Context, id string) (Connection, error) {
	var connection Connection
	err := s.Get(ctx, "/connections/"+id, &connection)
	return connection, err
}

// Answers answers every input with the code, and presses OK.
func Answers(challenges []Challenge, code string) []Credential {
	var answers []Credential
	for _, challenge := range challenges {
		switch challenge.Type {
		case "INFO_MSG", "ERROR_MSG", "TIMEOUT_MSG":
		case "OK_CANCEL":
			answers = append(answers, Credential{challenge.ID, "true"})
		default:
			answers = append(answers, Credential{challenge.ID, code})
		}
	}
	return answers
}
