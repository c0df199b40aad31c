package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
)

// Subscribe creates a queue. The generated code has checked the topic.
func (a *API) Subscribe(ctx context.Context, _ *oas.Subscription) (*oas.CreatedHeaders, error) {
	id, err := a.options.Service.Queues.Subscribe(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &oas.CreatedHeaders{Location: "/queues/" + id.String()}, nil
}

// PollQueue returns the events since the previous poll.
func (a *API) PollQueue(ctx context.Context, params oas.PollQueueParams) ([]oas.Event, error) {
	id, ok := oxlin.ParseID[oxlin.QueueID](params.QueueID)
	if !ok {
		return nil, oxlin.NotFound("queue")
	}
	var after *oxlin.EventID
	if number, ok := params.After.Get(); ok {
		after = (*oxlin.EventID)(&number)
	}
	list, err := a.options.Service.Queues.Poll(ctx, callerOf(ctx), id, after)
	return convertAll(list, func(e oxlin.Event) oas.Event {
		return event(e, a.providerOf(e.Connection))
	}), err
}
