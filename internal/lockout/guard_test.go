package lockout_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// crowd tries passwords at once, and counts what became of them.
type crowd struct {
	guard                    *lockout.Guard
	compared, right, refused atomic.Int64
	failed                   atomic.Value
}

func newCrowd(t *testing.T, db *store.DB) *crowd {
	t.Helper()
	w := platformtest.New(t, db, platformtest.Options{})
	return &crowd{guard: lockout.New(db, w.Vault, w.Clock.Now, rand.Reader)}
}

// try tries passwords, n at once, all of them right or wrong.
func (c *crowd) try(ctx context.Context, right bool, n int, try func(i int) lockout.Try) {
	var all errgroup.Group
	for i := range n {
		all.Go(func() error {
			got, err := c.guard.Check(ctx, try(i), func(vault.Asker) (bool, error) {
				c.compared.Add(1)
				return right, nil
			})
			switch {
			case err != nil && oxlin.AsError(err).Code == oxlin.CodeTooManyRequests:
				c.refused.Add(1)
			case err != nil:
				c.failed.Store(err)
			case got:
				c.right.Add(1)
			}
			return nil
		})
	}
	_ = all.Wait() // no attempt returns an error
}

func (c *crowd) want(t *testing.T, compared, right, refused int64) {
	t.Helper()
	if err := c.failed.Load(); err != nil {
		t.Fatal(err)
	}
	if c.compared.Load() != compared || c.right.Load() != right || c.refused.Load() != refused {
		t.Errorf("%d compared, %d right, %d refused; want %d, %d, %d", c.compared.Load(), c.right.Load(), c.refused.Load(), compared, right, refused)
	}
}

// ofClient are the attempts of some people behind one address, through a client.
func ofClient(people int) func(i int) lockout.Try {
	return func(i int) lockout.Try {
		return lockout.OfClient("shop", fmt.Sprint("person ", i%people), "203.0.113.1", true)
	}
}

// A login that is under way is no failure: right passwords that come at once all get in, and of
// wrong ones no more are compared than one after the other.
func TestLoginsUnderWayAreNoFailures(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fact string
		test func(t *testing.T, c *crowd)
	}{
		{"three people of one network, twenty times each", func(t *testing.T, c *crowd) {
			c.try(t.Context(), true, 60, ofClient(3))
			c.want(t, 60, 60, 0)
		}},
		{"sixty people of one network, and sixty more", func(t *testing.T, c *crowd) {
			c.try(t.Context(), true, 60, ofClient(60))
			c.try(t.Context(), true, 60, ofClient(60))
			c.want(t, 120, 120, 0)
		}},
		{"forty guesses of one password", func(t *testing.T, c *crowd) {
			c.try(t.Context(), false, 40, ofClient(1))
			c.want(t, 10, 0, 30)
		}},
		{"the last try, and others that wait for it", func(t *testing.T, c *crowd) {
			c.try(t.Context(), false, 9, ofClient(1))
			c.try(t.Context(), true, 20, ofClient(1))
			c.want(t, 29, 20, 0)
		}},
		{"a network that has guessed too often", func(t *testing.T, c *crowd) {
			for range 2 {
				c.try(t.Context(), false, 40, ofClient(40))
			}
			c.want(t, 60, 0, 20)
		}},
		{"strangers from everywhere", func(t *testing.T, c *crowd) {
			for range 3 {
				c.try(t.Context(), false, 50, func(i int) lockout.Try { return lockout.Stranger("somebody", fmt.Sprint("source ", i)) })
			}
			c.want(t, 100, 0, 50)
		}},
		{"more than may wait", func(t *testing.T, c *crowd) {
			const most = 60 + 8
			hold, held := make(chan struct{}), make(chan struct{}, most)
			var all errgroup.Group
			for range 8 {
				all.Go(func() error {
					_, err := c.guard.Check(t.Context(), lockout.Stranger("somebody", ""), func(vault.Asker) (bool, error) {
						held <- struct{}{}
						<-hold
						return true, nil
					})
					return err
				})
			}
			for range 8 {
				<-held
			}
			// No other password is compared meanwhile, and a caller that has gone waits no more.
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := c.guard.Check(gone, lockout.Stranger("somebody", ""), func(vault.Asker) (bool, error) {
				t.Error("a ninth is compared")
				return false, nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("who has gone: %v", err)
			}
			close(hold)
			if err := all.Wait(); err != nil {
				t.Error(err)
			}
			c.try(t.Context(), true, most, func(int) lockout.Try { return lockout.Stranger("somebody", "") })
			c.want(t, most, most, 0)
		}},
	} {
		t.Run(row.fact, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) { row.test(t, newCrowd(t, db)) })
		})
	}
}
