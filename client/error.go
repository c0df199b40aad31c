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

// Error is a refusal by the platform (contract §3 and §11, "Errors"); read it with
// errors.As. Programs decide by Code; Message is for developers and may change.
type Error struct {
	// Request is the method and the path: "POST /v2.1/users".
	Request string
	// Status is the HTTP status, 400 or more.
	Status int
	// Code is a code of the catalogue, or of RFC 6749 at the token endpoint. It is
	// empty if the answer comes from something other than the platform, such as a
	// proxy.
	Code oxlin.Code
	// Field names the parameter or the member of the body that is at fault; empty if
	// the error concerns no field.
	Field   string
	Message string
	// RequestID identifies the request when asking for help.
	RequestID string
	// RetryAfter is the time to wait before the next attempt; zero if the platform
	// names no time.
	RetryAfter time.Duration
	// Body is the body of the answer, unchanged.
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

// maxErrorBody bounds how much of a refusal is read, in bytes.
const maxErrorBody = 1 << 20

// refusal reads the body of an answer and returns its *Error.
func refusal(response *http.Response) error {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
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
		return e // an answer of a proxy has no members to read
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
