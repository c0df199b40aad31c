package page

//go:generate go tool -modfile=../../../tools/go.mod templ generate

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web/language"
	"github.com/oxlin/oxlin/internal/web/passkey"
	"github.com/oxlin/oxlin/internal/web/script"
	"github.com/oxlin/oxlin/internal/web/static"
)

//go:embed locales
var locales embed.FS

// Texts holds the texts of the sign-in pages.
var Texts = language.Load(locales, "locales")

// Files are the scripts of the pages.
var Files = static.New("/signin/assets/", script.Files)

//go:embed style.css
var style string

// StyleSource allows the style of the pages in a Content-Security-Policy.
var StyleSource = func() string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// Problem is the reason why a form is shown again. Its text is "problem.<problem>".
type Problem string

// The problems of the form.
const (
	WrongPassword   Problem = "wrong_password"
	TooManyAttempts Problem = "too_many_attempts"
	FormExpired     Problem = "form_expired"
	PasskeyRefused  Problem = "passkey_refused"
)

// Signin is the page where a user signs in.
type Signin struct {
	// Client is the name of the application that the user continues to.
	Client string
	// Scopes are the rights that the application asks for. The page leaves out scopes
	// without a text.
	Scopes oxlin.Scopes
	Email  string
	// Form is the value of the hidden field.
	Form string
	// Ask is the question for a passkey; zero if the platform has no passkeys.
	Ask passkey.Ask
	// Own is the address of the page of the user's own.
	Own string
	// Problem is empty when the page is first shown.
	Problem Problem
}

// Render writes the page in a language of Texts.
func (s Signin) Render(ctx context.Context, w io.Writer, language string) error {
	in := words(language)
	return in.document(in.text("signin.title")+" – "+s.Client, in.signin(s)).Render(ctx, w)
}

// Refusal is the page for a refusal that cannot be sent to the client.
type Refusal struct {
	Code oxlin.Code
	// Description is English and written for the developer of the application.
	Description string
}

// Render writes the page in a language of Texts.
func (r Refusal) Render(ctx context.Context, w io.Writer, language string) error {
	in := words(language)
	return in.document(in.text("refused.title"), in.refusal(r)).Render(ctx, w)
}

// words draws the pages in a language of Texts.
type words string

// text returns a text with pairs of names and values in its gaps.
func (w words) text(key string, pairs ...string) string {
	data := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		data[pairs[i]] = pairs[i+1]
	}
	return Texts.Get(string(w), key, data)
}

// scopes returns what the scopes allow, in words.
func (w words) scopes(scopes oxlin.Scopes) []string {
	var all []string
	for _, scope := range scopes {
		key := "scope." + string(scope)
		if Texts.Has(key) {
			all = append(all, w.text(key))
		}
	}
	return all
}

// styleElement writes exactly the bytes that StyleSource allows. A template cannot put a
// value into a style element.
func styleElement() templ.Component { return templ.Raw("<style>" + style + "</style>") }

// problemText returns what is wrong with a form. Of a password it says the same to everybody: users may
// have chosen passkeys alone.
func (w words) problemText(p Problem, ask passkey.Ask) string {
	text := w.text("problem." + string(p))
	if p == WrongPassword && ask.Challenge != "" {
		text += " " + w.text("alone.hint")
	}
	return text
}
