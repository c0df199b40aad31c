package auth

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/text/language"

	"github.com/oxlin/oxlin"
)

//go:embed pages/page.html
var pageText string

//go:embed pages/style.css
var style string

var (
	page        = template.Must(template.New("page").Parse(pageText))
	styleSource = func() string {
		sum := sha256.Sum256([]byte(style))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}()
)

// pageData fills the page's template: with the form, or with a refusal.
type pageData struct {
	Words   words
	Style   template.CSS
	Client  string
	Scopes  []string
	Email   string
	Form    string
	Problem string
	Refused *refusal
}

// writeSignin writes the page with its form. A problem is named by its key in words.
func (s *Server) writeSignin(w http.ResponseWriter, r *http.Request, request codeRequest, status int, email, problem string) {
	form, err := s.signForm(w, r)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	words := wordsFor(r)
	data := pageData{Words: words, Client: request.client.Name, Email: email, Form: form, Problem: words.Problems[problem]}
	for _, scope := range request.scopes {
		if sentence, ok := words.Scopes[scope]; ok {
			data.Scopes = append(data.Scopes, sentence)
		}
	}
	writePage(w, status, data, request.redirectURI)
}

// writeRefusal shows the user a refusal that cannot be sent to the client.
func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, refused refusal) {
	writePage(w, refused.status, pageData{Words: wordsFor(r), Refused: &refused}, nil)
}

func writePage(w http.ResponseWriter, status int, data pageData, target *url.URL) {
	data.Style = template.CSS(style)
	var text bytes.Buffer
	err := page.Execute(&text, data)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", data.Words.Language)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src "+
		styleSource+"; form-action 'self'"+policySource(target))
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // the connection is gone when it fails
}

// policyHost matches hosts that cannot break out of a Content-Security-Policy.
var policyHost = regexp.MustCompile(`^[A-Za-z0-9.\-\[\]:]+$`)

// policySource allows the form to end at the client: Chromium applies form-action
// to the redirect that follows a form.
func policySource(target *url.URL) string {
	switch {
	case target == nil:
		return ""
	case target.Host == "":
		return " " + target.Scheme + ":"
	case policyHost.MatchString(target.Host):
		return " " + target.Scheme + "://" + target.Host
	}
	return ""
}

// wordsFor picks the page's language: lng or locale of the URL (contract §9, row
// 8), ui_locales of OpenID Connect, what the browser prefers, else French.
func wordsFor(r *http.Request) words {
	query := r.URL.Query()
	for _, name := range []string{"lng", "locale", "ui_locales"} {
		wanted := strings.ToLower(query.Get(name))
		for _, w := range []words{french, english} {
			if strings.HasPrefix(wanted, w.Language) {
				return w
			}
		}
	}
	_, index := language.MatchStrings(pageLanguages, r.Header.Get("Accept-Language"))
	return []words{french, english}[index]
}

var pageLanguages = language.NewMatcher([]language.Tag{language.French, language.English})

// words are the page's texts in one language.
type words struct {
	Language                       string
	Title, Intro, Asks             string
	Email, Password, Enter, Cancel string
	Refused, RefusedAdvice         string
	Problems                       map[string]string
	Scopes                         map[oxlin.Scope]string
}

var french = words{
	Language: "fr", Title: "Connexion", Intro: "Connectez-vous pour continuer vers", Asks: "Cette application pourra :",
	Email: "Adresse e-mail", Password: "Mot de passe", Enter: "Se connecter", Cancel: "Annuler",
	Refused: "Cette page ne peut pas s’ouvrir", RefusedAdvice: "Revenez à l’application d’où vous venez et recommencez.",
	Problems: map[string]string{
		"wrong_password":    "L’adresse e-mail ou le mot de passe n’est pas le bon.",
		"too_many_attempts": "Trop d’essais. Patientez quelques minutes avant de recommencer.",
		"form_expired":      "La page était ouverte depuis trop longtemps. Recommencez.",
	},
	Scopes: map[oxlin.Scope]string{
		oxlin.ScopeAccountsRead:      "consulter vos comptes bancaires",
		oxlin.ScopeAccountsManage:    "consulter et gérer vos comptes bancaires",
		oxlin.ScopeConnectionsManage: "connecter vos banques",
		oxlin.ScopeConnectionsSync:   "mettre à jour vos comptes",
		oxlin.ScopeTransactionsRead:  "consulter vos comptes et vos opérations",
		oxlin.ScopeProfile:           "consulter votre profil",
		oxlin.ScopeProfileEdit:       "consulter, modifier et supprimer votre profil",
	},
}

var english = words{
	Language: "en", Title: "Sign in", Intro: "Sign in to continue to", Asks: "This application will be able to:",
	Email: "E-mail address", Password: "Password", Enter: "Sign in", Cancel: "Cancel",
	Refused: "This page cannot be opened", RefusedAdvice: "Go back to the application that you came from and try again.",
	Problems: map[string]string{
		"wrong_password":    "The e-mail address or the password is not right.",
		"too_many_attempts": "Too many attempts. Wait some minutes before you try again.",
		"form_expired":      "The page was open for too long. Please try again.",
	},
	Scopes: map[oxlin.Scope]string{
		oxlin.ScopeAccountsRead:      "see your bank accounts",
		oxlin.ScopeAccountsManage:    "see and manage your bank accounts",
		oxlin.ScopeConnectionsManage: "connect your banks",
		oxlin.ScopeConnectionsSync:   "update your accounts",
		oxlin.ScopeTransactionsRead:  "see your accounts and transactions",
		oxlin.ScopeProfile:           "see your profile",
		oxlin.ScopeProfileEdit:       "see, change and delete your profile",
	},
}
