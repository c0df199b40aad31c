package widget_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

// A bank that does not answer leaves the user a way out, with the live page and without a script.
// Before the consent nothing is kept; afterwards the reading goes on without the user.
func TestABankThatIsSilentLeavesAWayOut(t *testing.T) {
	const leave = "button[name=action][value=cancel]"
	for name, tc := range map[string]struct {
		begin func(*person) *browser
		end   string
		kept  oxlin.ChannelStatus // empty if nothing is
	}{
		"at the list of accounts": {func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev")
		}, "cancelled cancelled", ""},
		"at the login": {func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").want("login").goOn("300", "dev", "301", "dev")
		}, "cancelled cancelled", ""},
		"at the transactions": {func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().act("consent")
		}, "success created", oxlin.ChannelSuccess},
	} {
		t.Run(name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				p := w.person(t, sandbox)
				b := tc.begin(p).want("loading")
				if b.page.Find("main "+leave).Length() != 0 {
					t.Error("the page offers to leave at once")
				}
				silent, speaks := make(chan struct{}, 100), make(chan struct{})
				w.Calls.Hook(func(*http.Request) *http.Response {
					silent <- struct{}{}
					<-speaks
					return nil
				})
				worked := make(chan struct{})
				go func() {
					defer close(worked)
					b.work()
				}()
				<-silent
				live := b.stream()
				w.Clock.Advance(25 * time.Second)
				if heard := b.listen(live); len(heard) == 0 || !strings.Contains(heard[len(heard)-1], "go") {
					t.Errorf("the live page hears %v", heard)
				}
				b.reload().want("loading")
				if b.page.Find("main "+leave).Length() != 1 || !strings.Contains(b.text(), "longer than usual") {
					t.Fatalf("the page offers no way out: %s", b.text())
				}
				if continues := strings.Contains(b.text(), "without you"); continues != (tc.kept != "") {
					t.Errorf("the page says that the reading goes on: %v", continues)
				}
				b.act("cancel").wantEnd(tc.end)
				close(speaks)
				<-worked
				w.Calls.Hook(nil)
				b.work()
				if tc.kept == "" {
					if n := len(p.connections()); n != 0 {
						t.Errorf("%d connections are left", n)
					}
					return
				}
				if channel := p.channel("8701"); channel.Status != tc.kept || p.transactions() == 0 {
					t.Errorf("without the user: %+v, %d transactions", channel, p.transactions())
				}
			})
		})
	}
}
