package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Token calls the token endpoint; the parameters choose the grant. Unlike package
// client it caches nothing, so that a story can spend a token twice.
func (i Integrator) Token(ctx context.Context, parameters url.Values) (Tokens, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.Platform+"/token", strings.NewReader(parameters.Encode()))
	if err != nil {
		return Tokens{}, err
	}
	request.SetBasicAuth(i.ClientID, i.ClientSecret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var tokens Tokens
	_, err = i.do(request, &tokens)
	return tokens, err
}

// Get reads a resource whose path and query the story gives as they are, for example
// with a token in the address; into may be nil.
func (s Session) Get(ctx context.Context, resource string, into any) error {
	_, err := s.bare(ctx, http.MethodGet, resource, nil, into)
	return err
}

// Post sends JSON to a resource and returns the Location header; into may be nil.
func (s Session) Post(ctx context.Context, resource string, body, into any) (string, error) {
	return s.bare(ctx, http.MethodPost, resource, body, into)
}

// Delete removes a resource.
func (s Session) Delete(ctx context.Context, resource string) error {
	_, err := s.bare(ctx, http.MethodDelete, resource, nil, nil)
	return err
}

func (s Session) bare(ctx context.Context, method, resource string, body, into any) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.Integrator.Platform+"/v2.1"+resource, bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+s.Tokens.AccessToken)
	request.Header.Set("Content-Type", "application/json")
	return s.Integrator.do(request, into)
}

// do sends a request, decodes its answer and returns the Location header.
func (i Integrator) do(request *http.Request, into any) (string, error) {
	response, err := i.browser().Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode/100 != 2 {
		return "", &StatusError{Request: request.Method + " " + request.URL.Path, Status: response.StatusCode, Body: string(body)}
	}
	if into != nil {
		err := json.Unmarshal(body, into)
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", request.Method, request.URL.Path, err)
		}
	}
	return response.Header.Get("Location"), nil
}
