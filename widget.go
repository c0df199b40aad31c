package oxlin

import "net/url"

// WidgetRequest asks for a session of the widget (contract §6.1).
type WidgetRequest struct {
	ClientID     ClientID
	ClientSecret Secret
	// AccessToken is the user's.
	AccessToken Secret
	// RefreshToken, where it is given, lets the session outlive the access token.
	// It is verified and never spent (contract §11).
	RefreshToken Secret
	// Parameters are what the pages are asked for (contract §6.3); those of a page's
	// own address win.
	Parameters url.Values
	// Versioned says that it was asked for below /v2.1: so are its links.
	Versioned bool
}

// WidgetSession is what a client sends its user to the widget with.
type WidgetSession struct {
	// ID is the session's only credential.
	ID Secret
	// Links are the widget's entry points by name, absolute and with the session.
	Links map[string]string
}
