package jobs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

// placeKey is the context's key for the group of the job that runs.
type placeKey struct{}

// awayPause is how long a job waits that found the keeper of the master key away. Later jobs do not
// begin then.
const awayPause = 5 * time.Second

// inPlace surrounds the work of every job: it knows the job's group, frees its place, and
// ends the attempt if this node gives no sign of life.
func (e *Engine) inPlace(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	at, of := e.gate.laneOf(job.Queue), groupOf(job.Queue)
	defer at.end(job.ID)
	// Whatever the end, it is that of this attempt.
	err := river.MetadataSet(ctx, attemptMember, job.Attempt)
	if err != nil {
		return err
	}
	working, a, err := e.node.begin(ctx, job)
	switch {
	case errors.Is(err, errSilent):
		return river.JobSnooze(0)
	case err != nil:
		return err
	}
	lost := false
	func() {
		defer func() { lost = e.node.finish(job, a) }() // also after a panic
		err = work(context.WithValue(working, placeKey{}, of))
	}()
	if lost {
		// It begins anew where the signs of life allow it, and did not fail.
		return river.JobSnooze(0)
	}
	if errors.Is(err, vault.ErrAway) {
		return river.JobSnooze(awayPause) // it did not fail, and costs no attempt
	}
	if at.queue == notifyQueue {
		switch {
		case err == nil:
			at.took(of.bank)
		case !errors.Is(ctx.Err(), context.Canceled): // this process stops
			at.failed(of.bank)
		}
	}
	return err
}

// Hold lets no job of a bank begin before a moment, on this node. It implements
// synchro.Queue.
func (e *Engine) Hold(provider oxlin.ProviderID, until time.Time) {
	e.gate.laneOf("").hold(queuePart(string(provider)), until)
}

// Watch returns a transport to banks that notes, for the calls of jobs, which banks answer
// and which let their calls time out.
func (e *Engine) Watch(next http.RoundTripper) http.RoundTripper { return watched{e, next} }

type watched struct {
	engine *Engine
	next   http.RoundTripper
}

func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	a, ok := request.Context().Value(attemptKey{}).(*attempt)
	if ok && !w.engine.node.mayCall(a) {
		return nil, errSilent
	}
	of, ok := request.Context().Value(placeKey{}).(group)
	if !ok || of.bank == "" {
		return w.next.RoundTrip(request)
	}
	at := w.engine.gate.laneOf(of.queue)
	response, err := w.next.RoundTrip(request)
	if err != nil {
		if isTimeout(request.Context(), err) {
			at.timedOut(of.bank)
		}
		return response, err
	}
	response.Body = &watchedBody{ReadCloser: response.Body, end: func(err error) {
		switch {
		case isTimeout(request.Context(), err):
			at.timedOut(of.bank)
		case err == nil || errors.Is(err, io.EOF):
			at.answered(of.bank)
		}
	}}
	return response, nil
}

// isTimeout reports whether a call failed because its time was over.
func isTimeout(ctx context.Context, err error) bool {
	if err == nil || errors.Is(err, io.EOF) {
		return false
	}
	var timeout net.Error
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return true
	}
	// The client cancels a call whose time is over a moment before its context ends.
	deadline, limited := ctx.Deadline()
	return limited && ctx.Err() == nil && time.Until(deadline) < 50*time.Millisecond
}

// watchedBody tells how an answer ended: a bank that sends a header and then nothing has
// not answered.
type watchedBody struct {
	io.ReadCloser
	once sync.Once
	end  func(error)
}

func (b *watchedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err != nil {
		b.once.Do(func() { b.end(err) })
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.once.Do(func() { b.end(nil) })
	return b.ReadCloser.Close()
}
