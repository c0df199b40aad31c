package connect_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestModeB(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		back := w.authorize(connect.AuthorizeRequest{
			ClientRedirect: true, ClientState: "abc", ReturnURI: "https://integrator.example/bank",
		}, "dev")
		if back.Host != "integrator.example" || back.Query().Get("state") != "abc" {
			t.Fatalf("the bank sends the user to %s", back)
		}
		grant := connect.CodeGrant{
			ProviderID: "87", DefinitionID: "8701", RedirectURI: "https://integrator.example/bank", Return: connect.ReturnOf(back.Query().Get("code")),
		}
		id, err := w.Service.Authorizations.Connect(t.Context(), w.caller, grant)
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess || len(w.transactions()) == 0 {
			t.Errorf("the connection is %s with %d transactions", got, len(w.transactions()))
		}
		_, err = w.Service.Authorizations.Connect(t.Context(), w.caller, grant)
		if oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
			t.Errorf("the same code again: %v", err)
		}
	})
}

func TestTheUserRefusesAtTheBank(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		result := w.arrive(w.authorize(connect.AuthorizeRequest{ReturnURI: "https://integrator.example/"}, "dev+refuse"))
		if result.Status != "cancelled" || result.Result != "cancelled" || result.ConnectionID != 0 {
			t.Errorf("%+v", result)
		}
	})
}

func TestOnlyALicensedClientMayDoWithoutTheWidget(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		w.caller.Client.Licensed = false
		ctx := t.Context()
		_, withoutWidget := w.Service.Authorizations.Begin(ctx, w.caller, connect.AuthorizeRequest{ProviderID: "87", DefinitionID: "8701"})
		_, perAccount := w.Service.Authorizations.Begin(ctx, w.caller, connect.AuthorizeRequest{ProviderID: "87", DefinitionID: "8701", Widget: true, ConsentPerAccount: true})
		_, code := w.Service.Authorizations.Connect(ctx, w.caller, connect.CodeGrant{ProviderID: "87", DefinitionID: "8701"})
		_, credentials := w.Service.Credentials.Connect(ctx, w.caller, connect.NewConnection{ProviderID: "87"})
		for what, err := range map[string]error{
			"authorize_url without widget_params": withoutWidget,
			"consent per account":                 perAccount,
			"a connection from a code":            code,
			"a connection with credentials":       credentials,
			"new credentials":                     w.Service.Credentials.Replace(ctx, w.caller, id, "8700", connect.CredentialValues{}),
			"one credential":                      w.Service.Credentials.ReplaceOne(ctx, w.caller, id, "300", 0, "dev"),
			"an answer":                           w.Service.Credentials.Answer(ctx, w.caller, id, "8700", connect.UserInput{}),
			"a consent":                           w.Service.Consents.Decide(ctx, w.caller, id, connect.Decision{}),
		} {
			if oxlin.AsError(err).Code != oxlin.CodeAgreementRequired {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := w.Service.Authorizations.Begin(ctx, w.caller, connect.AuthorizeRequest{ProviderID: "87", DefinitionID: "8701", Widget: true})
		if err != nil {
			t.Errorf("authorize_url with widget_params: %v", err)
		}
	})
}
