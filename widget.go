package oxlin

// WidgetCredentials are what a client opens a widget session with (contract §6.1).
type WidgetCredentials struct {
	ClientID     ClientID
	ClientSecret Secret
	// AccessToken is the user's.
	AccessToken Secret
	// RefreshToken, where it is given, lets the session outlive the access token.
	// It is verified and never spent (contract §11).
	RefreshToken Secret
}

// WidgetSession is what a client sends its user to the widget with.
type WidgetSession struct {
	// ID is the session's only credential.
	ID Secret
	// Links are the widget's entry points by name, absolute and with the session.
	Links map[string]string
}
