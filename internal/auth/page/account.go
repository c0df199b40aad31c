package page

import (
	"context"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web/passkey"
)

// The problems of the page of a user's own, beside those of the sign-in page.
const (
	WrongCurrent    Problem = "wrong_current"
	WeakPassword    Problem = "weak_password"
	PasskeyNotAdded Problem = "passkey_not_added"
)

// Notice names the change that the page of a user's own has just made. Its text is "done.<notice>".
type Notice string

// The notices.
const (
	SignInEnded     Notice = "ended"
	SignInsEnded    Notice = "all_ended"
	PasswordChanged Notice = "password"
	PasskeyAdded    Notice = "passkey_added"
	PasskeyRemoved  Notice = "passkey_removed"
	PasswordOff     Notice = "password_off"
	PasswordOn      Notice = "password_on"
)

// Place is where the forms of the pages of a user's own lead.
type Place struct {
	// Path is the address of the page, and Query what each of its addresses keeps.
	Path, Query string
}

// to returns the address of a form.
func (p Place) to(action string) templ.SafeURL {
	address := url.URL{Path: p.Path + action, RawQuery: p.Query}
	return templ.SafeURL(address.String())
}

// Entry is the page where a user signs in to see the page of their own.
type Entry struct {
	Place
	// Client is the name of the application whose user signs in; empty if nobody has named it.
	Client string
	// Choices are applications that this browser knows, where none is named.
	Choices []Choice
	Email   string
	// Form is the value of the hidden field.
	Form string
	// Ask is the question for a passkey; zero if the platform has no passkeys.
	Ask passkey.Ask
	// Problem is empty when the page is first shown.
	Problem Problem
}

// Choice is an application, and the address of the page for its users.
type Choice struct{ Name, Address string }

// Render writes the page in a language of Texts.
func (e Entry) Render(ctx context.Context, w io.Writer, language string) error {
	in := words(language)
	return in.document(in.text("account.title"), in.entry(e)).Render(ctx, w)
}

// Account is the page of a user's own.
type Account struct {
	Place
	Client, Email string
	// Fresh is set if the user has lately proved who they are. Only then the page offers changes.
	Fresh bool
	// SignIns are those to the application, and Sessions those to this page, the latest first.
	SignIns, Sessions []SignIn
	// More is set if there are further ones.
	More     bool
	Passkeys []Passkey
	// Alone is set if the user enters these pages by passkeys alone, and MayBeAlone if one of the
	// passkeys has proved to work.
	Alone, MayBeAlone bool
	// Form is the value of the hidden field.
	Form string
	// Ask is the question for a passkey that confirms, or for a new one if the page is Fresh; zero
	// if the page asks for no passkey. NewName is a name for a new one.
	Ask     passkey.Ask
	NewName string
	// Problem is that of the form whose Field it is; empty without one.
	Problem Problem
	Field   string
	Notice  Notice
}

// Passkey is a passkey of a user. Used is zero if it was not used yet.
type Passkey struct {
	ID, Name    string
	Since, Used time.Time
}

// SignIn is a sign-in that a user may end.
type SignIn struct {
	// ID is the value by which its form names it.
	ID string
	// Device is as web.DeviceOf writes it; empty if the application signed the user in.
	Device      string
	Since, Used time.Time
	// Here is set for the session that shows the page.
	Here bool
}

// Render writes the page in a language of Texts.
func (a Account) Render(ctx context.Context, w io.Writer, language string) error {
	in := words(language)
	return in.document(in.text("account.title"), in.account(a)).Render(ctx, w)
}

// wrong reports whether a field of the page is shown with a problem.
func (a Account) wrong(field string) bool { return a.Problem != "" && a.Field == field }

// moment formats an instant in Paris to the minute.
func (w words) moment(t time.Time) string {
	at := t.In(oxlin.Paris)
	return w.text("date.moment", "Year", at.Format("2006"), "Month", at.Format("01"), "Day", at.Format("02"), "Time", at.Format("15:04"))
}

// device returns the words for the device of a sign-in.
func (w words) device(s SignIn, unknown string) string {
	kind, names, _ := strings.Cut(s.Device, ": ")
	key := "device." + kind
	if !Texts.Has(key) {
		return w.text(unknown)
	}
	return w.text(key, "Names", names)
}
