package journey

import (
	"context"
	"time"

	"github.com/oxlin/oxlin/client"
)

// Challenge is one element of what a bank asks.
type Challenge = client.Challenge

// Credential is what a user typed for one credential of a channel, or one challenge.
type Credential = client.Credential

// Converse polls a queue and answers what the bank asks, until the connection
// does not run any more. The code is what the user reads on their phone; OK is
// pressed everywhere. It gives how many questions were asked.
func Converse(ctx context.Context, api *client.Client, queue, connection, code string) (asked int, err error) {
	for {
		events, err := api.PollQueue(ctx, client.PollQueueParams{QueueID: queue})
		if err != nil {
			return asked, err
		}
		for _, event := range events {
			question := event.Question()
			if question == nil || event.Resource.Value.ID != connection {
				continue
			}
			asked++
			err := answer(ctx, api, connection, event.ChannelDefinitionID.Value, Answers(question, code))
			if err != nil {
				return asked, err
			}
		}
		if len(events) == 0 {
			state, err := api.GetConnection(ctx, client.GetConnectionParams{ConnectionID: connection})
			if err != nil || state.Status != client.ConnectionStatusRUNNING {
				return asked, err
			}
		}
		select {
		case <-ctx.Done():
			return asked, ctx.Err()
		case <-time.After(Often):
		}
	}
}

func answer(ctx context.Context, api *client.Client, connection, channel string, answers []Credential) error {
	return api.AnswerChallenges(ctx, &client.Answers{Credentials: answers},
		client.AnswerChallengesParams{ConnectionID: connection, ChannelDefinitionID: channel})
}

// Answers answers every input with the code, and presses OK.
func Answers(challenges []Challenge, code string) []Credential {
	var answers []Credential
	for _, challenge := range challenges {
		switch challenge.Type {
		case client.CredentialTypeINFOMSG, client.CredentialTypeERRORMSG, client.CredentialTypeTIMEOUTMSG:
		case client.CredentialTypeOKCANCEL:
			answers = append(answers, Credential{ID: challenge.ID, Value: "true"})
		default:
			answers = append(answers, Credential{ID: challenge.ID, Value: code})
		}
	}
	return answers
}
