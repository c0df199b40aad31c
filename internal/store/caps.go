package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Counts counts the rows of a user that have a cap.
type Counts struct{ r Reader }

// CountsOf returns the counts that a reader sees.
func CountsOf(r Reader) Counts { return Counts{r} }

// Authorizations counts the authorizations of a user that have not expired.
func (c Counts) Authorizations(ctx context.Context, user oxlin.UserID, now time.Time) (int, error) {
	n, err := c.r.q.CountAuthorizations(ctx, query.CountAuthorizationsParams{UserID: user, Now: query.At(now)})
	return counted("authorisations", n, err)
}

// ManualAccounts counts the accounts of a user that belong to no connection.
func (c Counts) ManualAccounts(ctx context.Context, user oxlin.UserID) (int, error) {
	n, err := c.r.q.CountManualAccounts(ctx, user)
	return counted("accounts", n, err)
}

// WidgetFlows counts the flows of a session.
func (c Counts) WidgetFlows(ctx context.Context, sessionHash []byte) (int, error) {
	n, err := c.r.q.CountWidgetFlows(ctx, sessionHash)
	return counted("widget flows", n, err)
}

func counted(noun string, n int64, err error) (int, error) {
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", noun, err)
	}
	return int(n), nil
}
