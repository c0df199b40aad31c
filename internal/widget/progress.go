package widget

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/oxlin/oxlin"
)

const (
	// look is the interval between two reads of the database for one stream.
	look = 300 * time.Millisecond
	// seldom is the interval while the page waits for its user. Such a page opens its stream
	// once, because one that is left open must not keep its session alive.
	seldom = time.Second
	// looksAtSession is the number of reads between two checks of the session.
	looksAtSession = 4
	// heartbeat keeps proxies from closing an idle stream.
	heartbeat = 15 * time.Second
	// retry is the delay before a browser reopens a stream.
	retry = time.Second
	// longestStream bounds the duration of a stream; the browser then reopens it.
	longestStream = 5 * time.Minute
)

// serveEvents streams server-sent events to the script of a page: "progress" while the
// page is current, then "go". It reads everything from the database, so any node can
// serve it.
func (w *Widget) serveEvents(x *exchange) error {
	err := w.open(x)
	if err != nil {
		return err
	}
	control := http.NewResponseController(x)
	err = control.SetWriteDeadline(time.Time{})
	if err != nil {
		return fmt.Errorf("stream of progress: %w", err)
	}
	x.Header().Set("Content-Type", "text/event-stream")
	x.Header().Set("X-Accel-Buffering", "no") // stop nginx from buffering
	x.WriteHeader(http.StatusOK)
	_, err = fmt.Fprintf(x, "retry: %d\n\n", retry/time.Millisecond)
	if err == nil {
		err = control.Flush()
	}
	if err != nil {
		return nil // the browser has disconnected
	}
	shown := x.request.URL.Query().Get("at")
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	end := time.NewTimer(longestStream)
	defer end.Stop()
	var last string
	quiet := time.Duration(0)
	for looks := 1; ; looks++ {
		if looks%looksAtSession == 0 {
			x.session, err = w.session(x.ctx, x.request)
			if err != nil {
				return err
			}
		}
		x.flow, err = w.flow(x.ctx, x.flow.ID)
		if err != nil {
			return err
		}
		found, err := w.snapshot(x.ctx, x.session, x.flow)
		if err != nil {
			return err
		}
		at, _ := found.next()
		if x.session.expired || reloadKey(found, at) != shown {
			_, _ = fmt.Fprint(x, "event: go\ndata: {}\n\n")
			return control.Flush()
		}
		text, err := json.Marshal(w.heard(x, found))
		if err != nil {
			return err
		}
		every := interval(at)
		ticker.Reset(every)
		quiet += every
		switch {
		case string(text) != last && at == stepLoading:
			_, err = fmt.Fprintf(x, "event: progress\ndata: %s\n\n", text)
			last, quiet = string(text), 0
		case quiet >= heartbeat:
			_, err = fmt.Fprint(x, ": still here\n\n")
			quiet = 0
		}
		if err == nil {
			err = control.Flush()
		}
		if err != nil {
			return nil // the browser has disconnected
		}
		select {
		case <-x.ctx.Done():
			return nil
		case <-w.done:
			return nil
		case <-end.C:
			return nil
		case <-ticker.C:
		}
	}
}

// interval returns the time between two looks for the page of a step.
func interval(at step) time.Duration {
	if at == stepLoading || at == stepNotice {
		return look
	}
	return seldom
}

// open loads the session and the flow of a request from a page.
func (w *Widget) open(x *exchange) error {
	var err error
	x.session, err = w.session(x.ctx, x.request)
	if err != nil {
		return err
	}
	x.flow, err = w.find(x)
	if err != nil {
		return err
	}
	if x.session.expired || x.flow == nil {
		return oxlin.DefaultError(oxlin.CodeSessionExpired)
	}
	return nil
}

// heard is the progress that the script displays.
type heard struct {
	Text  string `json:"text"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
}

func (w *Widget) heard(x *exchange, s snapshot) heard {
	p := progress(s)
	return heard{Text: p.Text(w.language(x)), Done: p.Done, Total: p.Total}
}
