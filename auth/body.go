package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/ory/fosite"
)

// maxBody is more than any request of OAuth2 needs.
const maxBody = 64 << 10

// readParameters gives the parameters of a request's body: a form, or a JSON object
// whatever the content type says (contract §2.1 and §3). What the URL carries does
// not count, because URLs are logged.
func readParameters(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fosite.ErrInvalidRequest.WithHint("The body is too large.")
	}
	if err != nil {
		return nil, fosite.ErrInvalidRequest.WithHint("The body cannot be read.").WithWrap(err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		form, err := readJSON(body)
		if err != nil {
			return nil, err
		}
		return form, checkText(form)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fosite.ErrInvalidRequest.WithHint("The body is neither a form nor a JSON object.")
	}
	return form, checkText(form)
}

// checkText refuses what is no text: PostgreSQL does not take it.
func checkText(form url.Values) error {
	for _, values := range form {
		for _, value := range values {
			if !isText(value) {
				return fosite.ErrInvalidRequest.WithHint("The request has bytes that are not text in UTF-8.")
			}
		}
	}
	return nil
}

func isText(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsRune(value, 0)
}

// readJSON takes the members of an object as parameters; null is as good as absent.
func readJSON(body []byte) (url.Values, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var members map[string]any
	err := decoder.Decode(&members)
	if err != nil {
		return nil, fosite.ErrInvalidRequest.WithHint("The body is not valid JSON.")
	}
	form := url.Values{}
	for name, member := range members {
		switch value := member.(type) {
		case nil:
		case string, json.Number, bool:
			form.Set(name, fmt.Sprint(value))
		default:
			return nil, fosite.ErrInvalidRequest.WithHintf("The member %q is neither text nor a number.", name)
		}
	}
	return form, nil
}

// post answers POST requests alone, and hands their parameters over as if all of
// them had come as a form.
func (s *Server) post(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeJSON(w, http.StatusMethodNotAllowed, refusal{Code: "invalid_request", Description: "Only POST is allowed here."})
			return
		}
		form, err := readParameters(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		separateScopes(form)
		r = r.Clone(r.Context())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Form, r.PostForm = form, form
		answer(w, r)
	})
}
