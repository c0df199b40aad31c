package platformtest

import (
	"bytes"
	"log/slog"
	"sync"
)

// Quiet drops every record.
var Quiet = slog.New(slog.DiscardHandler)

// Log keeps what is written to it. Several goroutines may use it; the zero value is ready.
type Log struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Logger returns a logger that writes text to l, from the level Info on.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

// String returns what was written since the last Reset.
func (l *Log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// Reset empties the log.
func (l *Log) Reset() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.text.Reset()
}
