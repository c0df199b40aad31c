package health

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/oxlin/oxlin/internal/clock"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Options configures the addresses.
type Options struct {
	DB *store.DB
	// Vault may be nil.
	Vault *vault.Vault
	// Metrics are shown in addition to the counts in the database. It may be nil.
	Metrics *Metrics
	// Clock may be nil.
	Clock *clock.Clock
	// Now is the machine's clock if it is nil.
	Now func() time.Time
}

// patience is how long a probe waits for the database.
const patience = 2 * time.Second

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// Probes lists the paths of the probes.
var Probes = []string{healthPath, readyPath}

// Register adds /healthz, which reports whether the process is alive, /readyz, which
// reports whether it can work, and /metrics, for Prometheus. They leave no log line,
// because they are asked every few seconds.
func Register(mux *http.ServeMux, options Options) {
	if options.Metrics == nil {
		options.Metrics = NewMetrics()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	options.Metrics.registry.MustRegister(&rested{counting: channels{options.DB}}, &rested{counting: clientSecrets{options.DB, options.Now}}, clockState{options.Clock})
	mux.HandleFunc("GET "+healthPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET "+readyPath, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		err := ready(ctx, options)
		if err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		text := "ready"
		if doubt, _ := options.Clock.State(); doubt != nil {
			text += "\n" + doubt.String()
		}
		answer(w, http.StatusOK, text)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(options.Metrics.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 8,
		// A database that does not answer hides its own figures, not the others.
		ErrorHandling: promhttp.ContinueOnError,
	}))
}

// The reasons why a process is not ready. Their causes are not shown, because they may
// name the database.
var (
	errUnreachable = errors.New("the database does not answer")
	errUnmigrated  = errors.New("the database is not migrated")
)

func ready(ctx context.Context, options Options) error {
	db := options.DB
	err := db.Check(ctx)
	switch {
	case errors.Is(err, store.ErrGone):
		return store.ErrGone
	case err != nil:
		return errUnreachable
	}
	migrated, err := db.Migrated(ctx)
	if err != nil {
		return errUnreachable
	}
	if !migrated {
		return errUnmigrated
	}
	if options.Vault != nil && (options.Vault.Away() || options.Vault.Check() != nil) {
		return vault.ErrAway
	}
	return nil
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
