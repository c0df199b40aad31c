package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"
)

// RequestIDHeader carries the request id, in requests from a proxy and in every answer.
const RequestIDHeader = "X-Request-ID"

// Frame surrounds the handlers of one room.
type Frame struct {
	// Room is the message of the room's log lines.
	Room string
	Log  *slog.Logger
	Now  func() time.Time
	// TrustProxy believes X-Forwarded-For. This is only right behind a proxy that sets it.
	TrustProxy bool
	// Fail answers, in the room's own form, a request whose handler panicked before it
	// answered. If Fail is nil, the answer is plain text.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Handler returns next inside the frame. The frame belongs inside compression: it
// knows an answer by what next writes.
func (f Frame) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := &Line{RequestID: requestID(r), from: ClientAddress(r, f.TrustProxy), recorder: &recorder{ResponseWriter: w}}
		w.Header().Set(RequestIDHeader, line.RequestID)
		w.Header().Set("X-Content-Type-Options", "nosniff") // every answer has the type that it names
		begin := f.Now()
		r = r.WithContext(context.WithValue(r.Context(), lineKey{}, line))
		err := Recovered(func() error {
			next.ServeHTTP(line.recorder, r)
			return nil
		})
		if err != nil {
			line.Fail("", err)
			if !line.Answered() {
				err = Recovered(func() error { f.fail(line.recorder, r, err); return nil })
			}
			if err != nil {
				line.Err = err
			}
		}
		f.write(r, line, f.Now().Sub(begin))
	})
}

func (f Frame) fail(w http.ResponseWriter, r *http.Request, err error) {
	if f.Fail != nil {
		f.Fail(w, r, err)
		return
	}
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// Recovered runs serve and returns its panic as an error. It lets
// http.ErrAbortHandler pass, because the server ends the connection then.
func Recovered(serve func() error) (err error) {
	defer func() {
		failure := recover()
		if failure == http.ErrAbortHandler {
			panic(failure)
		}
		if failure != nil {
			err = fmt.Errorf("panic: %v\n%s", failure, debug.Stack())
		}
	}()
	return serve()
}

// harmlessID matches a request id that cannot confuse a reader of the log.
var harmlessID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID returns the id that the request already has, if it is harmless, or a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get(RequestIDHeader)
	if harmlessID.MatchString(id) {
		return id
	}
	return rand.Text()
}
