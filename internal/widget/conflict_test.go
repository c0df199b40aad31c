package widget_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/widget"
)

// Every third transaction that changes a flow is rolled back because another one was in its
// way. The user sees the same pages as without, and the log has the same events.
func TestConflictsLeaveNoTraceInAFlow(t *testing.T) {
	var want []oxlin.EventType
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(*widget.Options) {})
		count := func() int { return 100 }
		if db.Dialect() == store.Postgres {
			count = storetest.Conflicts(t, db, 3, "widget_flows")
		}
		p := w.stranger(t, sandbox)
		b := p.visit("add_connection", "multiple_channels", "true").want("terms").goOn("terms", "accepted").want("banks")
		b.press("button[value='87']").want("notice").act("authorize").atBank("dev").wait().act("consent").wait().want("offer")
		b.act("add_channel").want("login").signIn("dev", "dev").sms("123456").want("consent").act("consent").wait().wantEnd("success created")
		var got []oxlin.EventType
		for _, event := range w.EventLog(p.id) {
			got = append(got, event.Type)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-undisturbed +disturbed):\n%s", diff)
		}
		if n := count(); n < 5 {
			t.Errorf("there were %d conflicts: nothing was tested", n)
		}
	})
}
