package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// maxBody bounds a request in bytes; no request of OAuth2 needs as much.
const maxBody = 64 << 10

// readParameters returns the parameters of a request's body, each with one value.
// Parameters in the URL are ignored, because URLs are logged.
func readParameters(r *http.Request) (url.Values, error) {
	body, err := web.ReadBody(http.MaxBytesReader(nil, r.Body, maxBody))
	defer clear(body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refusalf(oxlin.CodeInvalidRequest, "The body is too large.")
	}
	if err != nil {
		return nil, refusalf(oxlin.CodeInvalidRequest, "The body cannot be read.")
	}
	form, err := parseParameters(r.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	err = checkText(form)
	if err != nil {
		return nil, err
	}
	return form, checkOnce(form)
}

// parseParameters parses a form, a form in parts (as PHP and Postman send it), or a
// JSON object. JSON is recognised by its content, because clients send it with the
// content type of a form (contract §2.1 and §3).
func parseParameters(contentType string, body []byte) (url.Values, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return readJSON(body)
	}
	media, attributes, _ := mime.ParseMediaType(contentType)
	if media == "multipart/form-data" {
		return readParts(body, attributes["boundary"])
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refusalf(oxlin.CodeInvalidRequest, "The body is neither a form nor a JSON object.")
	}
	return form, nil
}

// readParts parses a form in parts (RFC 7578) that are all text.
func readParts(body []byte, boundary string) (url.Values, error) {
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, refusalf(oxlin.CodeInvalidRequest, "The body is not a form in parts.")
		}
		if part.FileName() != "" {
			return nil, refusalf(oxlin.CodeInvalidRequest, "The parameter %s is a file.", part.FormName())
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, refusalf(oxlin.CodeInvalidRequest, "The body is not a form in parts.")
		}
		form.Add(part.FormName(), string(text))
	}
}

// checkOnce refuses a parameter that comes more than once (RFC 6749 §3.1 and §3.2),
// unless the values are equal. A parameter without a value counts as absent.
func checkOnce(form url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.DeleteFunc(form[name], func(value string) bool { return value == "" })
		form[name] = slices.Compact(values)
		if len(form[name]) > 1 {
			return refusalf(oxlin.CodeInvalidRequest, "The parameter %s comes more than once.", name)
		}
	}
	return nil
}

// checkPresent refuses a request that lacks one of the parameters, and names it.
func checkPresent(form url.Values, names ...string) error {
	for _, name := range names {
		if form.Get(name) == "" {
			return refusalf(oxlin.CodeInvalidRequest, "The parameter %s is missing.", name)
		}
	}
	return nil
}

// checkText refuses invalid UTF-8 and NUL, which PostgreSQL cannot store.
func checkText(form url.Values) error {
	for _, values := range form {
		for _, value := range values {
			if !oxlin.IsText(value) {
				return refusalf(oxlin.CodeInvalidRequest, "The request has bytes that are not text in UTF-8.")
			}
		}
	}
	return nil
}

// readJSON returns the members of an object as parameters; null counts as absent.
func readJSON(body []byte) (url.Values, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	invalid := refusalf(oxlin.CodeInvalidRequest, "The body is not valid JSON.")
	_, err := decoder.Token() // the brace
	if err != nil {
		return nil, invalid
	}
	form := url.Values{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, invalid
		}
		var member any
		err = decoder.Decode(&member)
		if err != nil {
			return nil, invalid
		}
		switch value := member.(type) {
		case nil:
		case string, json.Number, bool:
			form.Add(fmt.Sprint(name), fmt.Sprint(value))
		default:
			return nil, refusalf(oxlin.CodeInvalidRequest, "The member %q is neither text nor a number.", name)
		}
	}
	_, err = decoder.Token()
	if err != nil {
		return nil, invalid
	}
	return form, nil
}

// post accepts POST requests only, and passes their parameters on as a form.
func (s *Server) post(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			writeJSON(w, http.StatusMethodNotAllowed, refusal{Code: oxlin.CodeMethodNotAllowed, Description: "Only POST is allowed here."})
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
