package widget_test

import (
	"testing"
)

func TestREDIRECT(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "redirect_url", "https://app.example.test/back?own=1#top")
		b.want("banks").choose("Linxo Test Bank").want("notice").act("authorize").atBank("dev").wait()
		b.want("consent").act("consent").wait()
		values := b.wantEnd("success created")
		if values.Get("connection_id") != p.connection().ID.String() {
			t.Errorf("%v", values)
		}
	})
}

func TestEMBEDDED(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700")
		b.signIn("dev", "dev").sms("123456").want("consent").act("consent").wait()
		b.wantEnd("success created")
	})
}
