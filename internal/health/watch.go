package health

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// outage is something without which the platform does not serve.
type outage struct {
	// begins and ends are the lines of the log, one of each in an outage.
	begins, ends string
	check        func(ctx context.Context) error
}

const (
	databaseBegins = "the database does not serve: what needs it answers 503 until it does"
	keeperBegins   = "the keeper of the master key does not answer: what needs it answers 503 until it does, and jobs wait"
)

// Watch looks at the database and at the keeper of the master key until ctx ends, and writes one log
// line when one of them goes away and one when it is back.
func Watch(ctx context.Context, db *store.DB, v *vault.Vault, log *slog.Logger, every time.Duration) {
	var watching sync.WaitGroup
	defer watching.Wait()
	for _, one := range []outage{
		{databaseBegins, "the database serves again", func(ctx context.Context) error { return check(ctx, db) }},
		{keeperBegins, "the keeper of the master key answers again", func(context.Context) error { return v.Check() }},
	} {
		watching.Go(func() { one.watch(ctx, log, every) })
	}
}

func (o outage) watch(ctx context.Context, log *slog.Logger, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var since time.Time // zero while it serves
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := o.check(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && since.IsZero():
			since = time.Now()
			log.ErrorContext(ctx, o.begins, "error", err)
		case err == nil && !since.IsZero():
			log.InfoContext(ctx, o.ends, "after", time.Since(since).Round(time.Millisecond))
			since = time.Time{}
		}
	}
}

func check(ctx context.Context, db *store.DB) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return db.Check(ctx)
}
