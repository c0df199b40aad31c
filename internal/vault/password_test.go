package vault_test

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

// However many strangers send passwords, requests with a client's secret have their turn, and
// a request that finds the queue full is refused at once.
func TestStrangersKeepNobodyWaiting(t *testing.T) {
	v := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	right := oxlin.NewSecret("right")
	client := vault.Asker{Known: true, Source: "client"}
	hash, err := v.HashPassword(t.Context(), client, right)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var hashed, refused atomic.Int32
	for i := range 400 {
		group.Go(func() {
			asker := vault.Asker{Source: "address " + strconv.Itoa(i)}
			for ctx.Err() == nil {
				_, err := v.CheckPassword(ctx, asker, hash, oxlin.NewSecret("wrong"))
				switch {
				case err == nil:
					hashed.Add(1)
				case ctx.Err() == nil:
					failure := oxlin.AsError(err)
					if failure.Code != oxlin.CodeUnavailable || failure.RetryAfter == 0 {
						t.Errorf("a stranger got %v", err)
					}
					refused.Add(1)
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	for refused.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	before := hashed.Load()
	for range 5 {
		same, err := v.CheckPassword(t.Context(), client, hash, right)
		if err != nil || !same {
			t.Errorf("a client's user got %t, %v", same, err)
		}
	}
	// One queue for all would let some hundred strangers go first.
	if n := hashed.Load() - before; n > 40 {
		t.Errorf("%d strangers went before five of a client's users", n)
	}
	cancel()
	group.Wait()
}

// One source cannot take all places, and sources take turns.
func TestSourcesTakeTurns(t *testing.T) {
	v := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var greedy atomic.Int32
	refused := make(chan error, 1000)
	for range 400 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := v.HashPassword(ctx, vault.Asker{Known: true, Source: "greedy"}, oxlin.NewSecret("x"))
				if err == nil {
					greedy.Add(1)
				} else if ctx.Err() == nil {
					select {
					case refused <- err:
					default:
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	if failure := oxlin.AsError(<-refused); failure.Code != oxlin.CodeTooManyRequests || failure.RetryAfter == 0 {
		t.Errorf("the greedy client got %v", failure)
	}
	before := greedy.Load()
	_, err := v.HashPassword(t.Context(), vault.Asker{Known: true, Source: "modest"}, oxlin.NewSecret("x"))
	if err != nil {
		t.Error(err)
	}
	if n := greedy.Load() - before; n > 20 {
		t.Errorf("%d passwords of another client went first", n)
	}
	cancel()
	group.Wait()
}
