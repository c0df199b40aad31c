package health

import (
	"context"
	"log/slog"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

// outageBegins is the line of the beginning of an outage.
const outageBegins = "the database does not serve: what needs it answers 503 until it does"

// Watch looks at the database until ctx ends, and writes one log line when it goes away
// and one when it is back.
func Watch(ctx context.Context, db *store.DB, log *slog.Logger, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var since time.Time // zero while the database serves
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := check(ctx, db)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && since.IsZero():
			since = time.Now()
			log.ErrorContext(ctx, outageBegins, "error", err)
		case err == nil && !since.IsZero():
			log.InfoContext(ctx, "the database serves again", "after", time.Since(since).Round(time.Millisecond))
			since = time.Time{}
		}
	}
}

func check(ctx context.Context, db *store.DB) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return db.Check(ctx)
}
