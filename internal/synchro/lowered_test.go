package synchro_test

import (
	"context"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// lowering is a bank whose data allow four accesses a day, and whose consents allow two.
type lowering struct{ *stet.Connector }

func (l lowering) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	step, err := l.Connector.Continue(ctx, input)
	access, ok := step.(bank.Access)
	if ok {
		access.UnattendedPerDay = 2
		step = access
	}
	return step, err
}

// TestABankMayLowerTheAccessesOfADay covers an access that allows less than the bank's data: the
// third access of a day is not sent, also once the token has been renewed.
func TestABankMayLowerTheAccessesOfADay(t *testing.T) {
	b := newScripted(t, "1")
	b.bankIs(func(c *stet.Connector) bank.Connector { return lowering{c} })
	id := b.begin()
	b.caller.PSU = nil
	for day := range 2 {
		for n := range 2 {
			if left := b.channel(id).RemainingRefreshes; left == nil || *left != 2-n {
				t.Fatalf("day %d: before access %d the bank allows %v more", day, n, left)
			}
			b.synchronize(id)
			b.work()
		}
		b.asked = nil
		err := b.Service.Connections.Synchronize(t.Context(), b.caller, id, oxlin.SyncAll)
		if refused := oxlin.AsError(err); refused.Code != oxlin.CodeQuotaExhausted {
			t.Errorf("day %d: the third access: %v", day, err)
		}
		if len(b.asked) > 0 {
			t.Errorf("day %d: the bank was asked for %v", day, b.asked)
		}
		b.Clock.Advance(24 * time.Hour)
	}
}
