package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/api/oas"
	events "github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/store"
)

// Subscribe creates a queue. The generated code has checked the topic.
func (a *API) Subscribe(ctx context.Context, _ *oas.Subscription) (*oas.CreatedHeaders, error) {
	var id oxlin.QueueID
	err := a.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		id, err = events.Subscribe(ctx, tx, a.Now(), callerOf(ctx).UserID)
		return err
	})
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
	list, err := events.Poll(ctx, a.DB, callerOf(ctx).UserID, id, after)
	return each(list, func(e oxlin.Event) oas.Event {
		p, _ := a.Service.Catalogue.Provider(e.Connection.ProviderID)
		e.Connection = a.Service.Complete(e.Connection)
		return event(e, p)
	}), err
}
