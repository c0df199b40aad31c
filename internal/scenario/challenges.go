package scenario

import (
	"context"
	"time"

	"github.com/oxlin/oxlin/client"
)

// Challenge is one element of a question that a bank asks (contract §5).
type Challenge = client.Challenge

// Credential is the value that a user typed for one credential of a channel, or for
// one challenge.
type Credential = client.Credential

// AnswerChallenges polls a queue and answers the bank's questions until the connection
// no longer runs. The code answers every input, as if the user read it on their phone,
// and every OK_CANCEL is confirmed. It returns the number of questions asked.
func AnswerChallenges(ctx context.Context, api *client.Client, queue, connection, code string) (asked int, err error) {
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
		case <-time.After(PollInterval):
		}
	}
}

func answer(ctx context.Context, api *client.Client, connection, channel string, answers []Credential) error {
	return api.AnswerChallenges(ctx, &client.Answers{Credentials: answers},
		client.AnswerChallengesParams{ConnectionID: connection, ChannelDefinitionID: channel})
}

// Answers returns the code for every input and confirms every OK_CANCEL; messages
// take no answer.
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
