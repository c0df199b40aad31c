package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// Error is what the platform answers instead of what it was asked for (contract §3
// and §11, "Errors"); get at it with errors.As. For a program Code says what went
// wrong; Message is for the developer who reads it and may change.
type Error struct {
	// Request is the method and the path: "POST /v2.1/users".
	Request string
	// Status is the HTTP status, 400 or more.
	Status int
	// Code is one of the catalogue's, or RFC 6749's where a token was asked for.
	// Empty if something else than the platform has answered, such as a proxy.
	Code oxlin.Code
	// Field is the parameter or the member of the body that is at fault, if one is.
	Field   string
	Message string
	// RequestID is what to quote when asking for help.
	RequestID string
	// RetryAfter, where it is not zero, says how long to wait.
	RetryAfter time.Duration
	// Body is the answer as it came.
	Body string
}

func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: HTTP %d", e.Request, e.Status)
	if e.Code == "" {
		return text.String()
	}
	fmt.Fprintf(&text, " %s", e.Code)
	if e.Field != "" {
		fmt.Fprintf(&text, " (%s)", e.Field)
	}
	fmt.Fprintf(&text, ": %s", e.Message)
	if e.RequestID != "" {
		fmt.Fprintf(&text, " [request %s]", e.RequestID)
	}
	return text.String()
}

// longest is how much of a refusal is read, in bytes.
const longest = 1 << 20

// refusal reads an answer to its end.
func refusal(response *http.Response) error {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longest))
	if err != nil {
		return fmt.Errorf("HTTP %d: %w", response.StatusCode, err)
	}
	return readError(response, body)
}

func readError(response *http.Response, body []byte) *Error {
	e := &Error{Status: response.StatusCode, RequestID: response.Header.Get("X-Request-ID"), Body: string(body)}
	if response.Request != nil {
		e.Request = response.Request.Method + " " + response.Request.URL.Path
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	var said struct {
		Code        oxlin.Code `json:"error"`
		Description string     `json:"error_description"`
		Message     string     `json:"message"`
		Field       string     `json:"field"`
		RequestID   string     `json:"request_id"`
	}
	err = json.Unmarshal(body, &said)
	if err != nil {
		return e // not of the platform: there is nothing more to say about it
	}
	e.Code, e.Field, e.Message = said.Code, said.Field, said.Message
	if e.Message == "" {
		e.Message = said.Description
	}
	if said.RequestID != "" {
		e.RequestID = said.RequestID
	}
	return e
}
