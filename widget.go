package oxlin

import "net/url"

// WidgetRequest asks for a session of the widget (contract §6.1).
type WidgetRequest struct {
	ClientID     ClientID
	ClientSecret Secret
	// AccessToken is the user's access token.
	AccessToken Secret
	// RefreshToken lets the session outlive the access token. It is verified but not
	// used up (contract §11).
	RefreshToken Secret
	// Parameters configure the pages (contract §6.3). The parameters of a page's own
	// address override them.
	Parameters url.Values
	// Versioned is set for a request below /v2.1; the links are then also below it.
	Versioned bool
}

// WidgetSession is a new session of the widget.
type WidgetSession struct {
	// ID is the session's only credential.
	ID Secret
	// Links has the absolute address of each entry point, including the session.
	Links map[string]string
	// Warnings tell the integrator which parameters are ignored.
	Warnings []string
}
