package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/oxlin/oxlin"
)

// Line is the log line of one request. Handlers add to it; the frame writes it once,
// after the answer.
type Line struct {
	// RequestID finds the line by what the client was shown.
	RequestID string
	// Code and Err tell why the request failed. Err is for the log alone.
	Code oxlin.Code
	Err  error

	from       string
	recorder   *recorder
	attributes []slog.Attr
}

type lineKey struct{}

// LineOf returns the line of the request with this context. Outside a frame it returns
// a line that nobody writes.
func LineOf(ctx context.Context) *Line {
	line, framed := ctx.Value(lineKey{}).(*Line)
	if !framed {
		line = &Line{recorder: &recorder{}}
	}
	return line
}

// Add adds attributes: ids and constants, never what a client wrote.
func (l *Line) Add(attributes ...slog.Attr) { l.attributes = append(l.attributes, attributes...) }

// Fail notes why the request fails. If code is empty, it is the code of err.
func (l *Line) Fail(code oxlin.Code, err error) {
	if code == "" {
		code = oxlin.AsError(err).Code
	}
	l.Code, l.Err = code, err
}

// From returns the address that the request comes from, or "" if it is not known.
func (l *Line) From() string { return l.from }

// Answered reports whether the answer has begun.
func (l *Line) Answered() bool { return l.recorder.status != 0 }

// write writes the line. Its level is an error if the platform failed, unless the
// client went away first: what fails after that is no fault. Of an outage, whoever watches
// the database writes one line.
func (f Frame) write(r *http.Request, l *Line, took time.Duration) {
	status := l.recorder.status
	if status == 0 {
		status = http.StatusOK // the server answers for a handler that wrote nothing
	}
	attributes := append([]slog.Attr{
		slog.String("request", l.RequestID), slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.String("from", l.from), slog.Int("status", status), slog.Duration("took", took),
	}, l.attributes...)
	if l.Code != "" {
		attributes = append(attributes, slog.String("code", string(l.Code)))
	}
	level := slog.LevelInfo
	failed := l.Err != nil && (status >= http.StatusInternalServerError || l.Code == oxlin.CodeInternal) && l.Code != oxlin.CodeUnavailable
	if failed && r.Context().Err() == nil {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", l.Err.Error()))
	}
	f.Log.LogAttrs(context.WithoutCancel(r.Context()), level, f.Room, attributes...)
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status // an answer in the 100s comes before the answer
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(body []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(body)
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
