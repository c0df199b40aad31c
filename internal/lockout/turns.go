package lockout

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
)

// turns lets few attempts of one subject be under way at once on this node. The others wait for
// them: an attempt counts from its beginning, and one whose password is right gives its place
// back, so that nobody who waits is refused for a login that has not ended.
type turns struct {
	mutex sync.Mutex
	lines map[string]*line
}

// line is the state of one subject. It is dropped with its last attempt.
type line struct {
	inside  int
	waiting []chan struct{}
	// counted are the attempts inside that may have a place; end makes and closes ended.
	counted int
	ended   chan struct{}
}

// mostWaiting bounds the attempts of one subject that wait: a processor compares about twenty
// passwords a second.
const mostWaiting = 60

// attempt counts an attempt of a subject by take, once fewer than most are under way. While take
// refuses with CodeTooManyRequests and others are under way, it waits for one of them and tries
// again. The caller calls done when the attempt has ended, after it gave its place back.
func (t *turns) attempt(ctx context.Context, subject string, most int, take func() error) (done func(), err error) {
	err = t.enter(ctx, subject, most)
	if err != nil {
		return nil, err
	}
	for {
		t.begin(subject)
		err = take()
		if err == nil {
			return func() {
				t.end(subject, false)
				t.leave(subject, most)
			}, nil
		}
		others := t.end(subject, true)
		if others == nil || oxlin.AsError(err).Code != oxlin.CodeTooManyRequests {
			break
		}
		select {
		case <-others:
			continue
		case <-ctx.Done():
			err = ctx.Err()
		}
		break
	}
	t.leave(subject, most)
	return nil, err
}

// enter waits for a turn. The error is CodeTooManyRequests if too many wait.
func (t *turns) enter(ctx context.Context, subject string, most int) error {
	turn, err := t.stand(subject, most)
	if err != nil || turn == nil {
		return err
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	t.mutex.Lock()
	l := t.lines[subject]
	i := slices.Index(l.waiting, turn)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	t.mutex.Unlock()
	if i < 0 { // the turn came meanwhile
		t.leave(subject, most)
	}
	return ctx.Err()
}

// stand takes a turn, or a place in the line: a channel that is closed when the turn comes.
func (t *turns) stand(subject string, most int) (chan struct{}, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	l := t.lines[subject]
	if l == nil {
		l = &line{}
		if t.lines == nil {
			t.lines = map[string]*line{}
		}
		t.lines[subject] = l
	}
	switch {
	case l.inside < most:
		l.inside++
		return nil, nil
	case len(l.waiting) >= mostWaiting:
		return nil, &oxlin.Error{Code: oxlin.CodeTooManyRequests, Message: "Too many passwords at once; send fewer at the same time.", RetryAfter: time.Second}
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	return turn, nil
}

// leave gives the turn of an attempt to the first one that waits.
func (t *turns) leave(subject string, most int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	l := t.lines[subject]
	l.inside--
	for len(l.waiting) > 0 && l.inside < most {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.inside++
	}
	if l.inside == 0 {
		delete(t.lines, subject)
	}
}

// begin notes an attempt that may have a place from now on.
func (t *turns) begin(subject string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.lines[subject].counted++
}

// end notes that an attempt has no place any more, or was refused one. It returns a channel that is
// closed when one that had a place has ended, or when nobody may have one; nil if nobody may have
// one now. Refused ones wake nobody else, or they would all ask again in turn.
func (t *turns) end(subject string, refused bool) <-chan struct{} {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	l := t.lines[subject]
	l.counted--
	if l.ended != nil && (!refused || l.counted == 0) {
		close(l.ended)
		l.ended = nil
	}
	if l.counted == 0 {
		return nil
	}
	if l.ended == nil {
		l.ended = make(chan struct{})
	}
	return l.ended
}
