package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
)

// Widget creates the sessions of the hosted pages: widget.Widget.
type Widget interface {
	// Begin creates a session. Wrong credentials are CodeInvalidClient and
	// CodeInvalidToken; a request that the client has no right to is
	// CodeInvalidRequest.
	Begin(ctx context.Context, request oxlin.WidgetRequest) (oxlin.WidgetSession, error)
}

// sessionPath creates a widget session; clients use four paths for it (contract §6.1),
// of which the document lists this one, below the version.
const sessionPath = "/widget_session"

var sessionPaths = []string{sessionPath, "/widget" + sessionPath}

// CreateWidgetSession creates a session of the widget (contract §6.1).
func (a *API) CreateWidgetSession(ctx context.Context, request *oas.NewWidgetSession) (*oas.WidgetSession, error) {
	if a.options.Widget == nil {
		return nil, errNoPath
	}
	parameters, err := widgetParameters(request)
	if err != nil {
		return nil, err
	}
	x := exchangeOf(ctx)
	for name, values := range x.cosmetics {
		parameters[name] = values
	}
	asked := oxlin.WidgetRequest{
		ClientID: oxlin.ClientID(request.ClientID), ClientSecret: oxlin.NewSecret(request.ClientSecret),
		AccessToken: oxlin.NewSecret(request.AccessToken), RefreshToken: oxlin.NewSecret(request.RefreshToken.Value),
		Parameters: parameters, Versioned: strings.HasPrefix(x.request.URL.Path, prefix+"/"),
	}
	session, err := a.options.Widget.Begin(ctx, asked)
	if err != nil {
		return nil, err
	}
	x.caller.Client.ID = asked.ClientID // authenticated by Begin
	return &oas.WidgetSession{
		SessionID: session.ID.Reveal(),
		Links: oas.WidgetSessionLinks{
			AddConnection: session.Links["add_connection"], EditCredentials: session.Links["edit_credentials"],
			UserInput: session.Links["user_input"], ManageAccounts: session.Links["manage_accounts"],
			ProfessionalAccount: session.Links["professional_account"], Terms: session.Links["terms"],
		},
		Warnings: session.Warnings,
	}, nil
}

// cosmeticNames lists the members of a new session that keepCosmetics keeps.
var cosmeticNames = []string{"font", "font_color", "elements_color", "hide_logo", "terms_header"}

// keepCosmetics keeps the cosmetic members of a body, a JSON object, as texts of any form and
// returns the other members.
func (x *exchange) keepCosmetics(body []byte) ([]byte, error) {
	x.cosmetics = url.Values{}
	rest := newObject()
	err := jx.DecodeBytes(body).Obj(func(d *jx.Decoder, name string) error {
		if !slices.Contains(cosmeticNames, name) {
			return copyMember(d, &rest.encoder, name, depthLimit)
		}
		if d.Next() == jx.String {
			text, err := d.Str()
			x.cosmetics.Set(name, text)
			return err
		}
		raw, err := d.Raw()
		x.cosmetics.Set(name, raw.String())
		return err
	})
	return rest.end(), err
}

// credentialNames lists the members of a new session that are not parameters of pages.
var credentialNames = []string{"client_id", "client_secret", "access_token", "refresh_token"}

// widgetParameters writes the members that the document allows as a page's query.
func widgetParameters(request *oas.NewWidgetSession) (url.Values, error) {
	text, err := request.MarshalJSON()
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var members map[string]any
	err = decoder.Decode(&members)
	if err != nil {
		return nil, err
	}
	parameters := url.Values{}
	for name, member := range members {
		if slices.Contains(credentialNames, name) {
			continue
		}
		list, ok := member.([]any)
		if !ok {
			list = []any{member}
		}
		for _, value := range list {
			parameters.Add(name, fmt.Sprint(value))
		}
	}
	return parameters, nil
}
