package health

import (
	"context"
	"errors"
	"log/slog"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Quiet returns a log without the warnings and errors that an outage of the database, or of the keeper
// of the master key, causes. Watch
// writes one line when an outage begins and one when it ends; each job, sweep and request would
// add its own.
func Quiet(log *slog.Logger) *slog.Logger { return slog.New(quiet{log.Handler()}) }

type quiet struct{ slog.Handler }

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelWarn && record.Message != databaseBegins && record.Message != keeperBegins {
		caused := false
		record.Attrs(func(attr slog.Attr) bool {
			err, ok := attr.Value.Any().(error)
			caused = ok && (store.Unreachable(err) || errors.Is(err, vault.ErrAway))
			return !caused
		})
		if caused {
			return nil
		}
	}
	return q.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
