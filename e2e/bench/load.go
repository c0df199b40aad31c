package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load is a kind of request, made over and over by several callers at once. Each caller waits
// for its answer before it asks again.
type load struct {
	callers int
	// requests are sent as they are, in turn. They belong to different users and clients, so
	// that none of them meets a limit of the platform.
	requests [][]byte
	// status is the status of each answer; 0 is 200.
	status int
	// pace, if set, is the number of requests a second that the platform lets the sender of each
	// of requests make for any time; rest keeps to it.
	pace float64
}

// rest waits after a round until each sender may send as much again. A round by itself stays within
// what may be sent at once.
func (l load) rest(ctx context.Context, round outcome, begun time.Time) error {
	if l.pace == 0 {
		return nil
	}
	each := float64(round.answers) / float64(len(l.requests))
	select {
	case <-time.After(time.Duration(each/l.pace*float64(time.Second)) - time.Since(begun)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outcome holds the figures of one round of a load.
type outcome struct {
	rate     float64       // answers a second
	p50, p99 time.Duration // of the answers' times
	cpu      float64       // µs of the server's process for an answer
	own      float64       // µs of this process for an answer
	size     int           // bytes of the last answer's body
	answers  int
}

// run sends requests to a server for a while, or until there were so many answers if most is
// not 0.
func (l load) run(ctx context.Context, server *process, lasting time.Duration, most int) (outcome, error) {
	callers := make([]*caller, l.callers)
	defer func() {
		for _, c := range callers {
			if c != nil {
				c.close()
			}
		}
	}()
	want := l.status
	if want == 0 {
		want = http.StatusOK
	}
	for i := range callers {
		c, err := dial(ctx, server.host())
		if err != nil {
			return outcome{}, err
		}
		c.want, c.times = want, make([]time.Duration, 0, 1<<16)
		callers[i] = c
	}
	before, ownBefore, err := usage(server)
	if err != nil {
		return outcome{}, err
	}
	var group sync.WaitGroup
	failures := make([]error, len(callers))
	begun := time.Now()
	for i, c := range callers {
		group.Go(func() {
			// The requests are dealt out, so that no two callers send the same one at once.
			for n := i; most == 0 || n < most; n += len(callers) {
				sent := time.Now()
				if most == 0 && sent.Sub(begun) >= lasting || ctx.Err() != nil {
					return
				}
				failures[i] = c.ask(l.requests[n%len(l.requests)])
				if failures[i] != nil {
					return
				}
				c.times = append(c.times, time.Since(sent))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(begun)
	after, ownAfter, err := usage(server)
	for _, err := range append(failures, err, ctx.Err()) {
		if err != nil {
			return outcome{}, err
		}
	}
	var times []time.Duration
	for _, c := range callers {
		times = append(times, c.times...)
	}
	if len(times) == 0 {
		return outcome{}, errors.New("no answer came")
	}
	slices.Sort(times)
	each := func(total time.Duration) float64 { return float64(total.Nanoseconds()) / 1000 / float64(len(times)) }
	return outcome{
		rate: float64(len(times)) / elapsed.Seconds(), p50: percentile(times, 50), p99: percentile(times, 99),
		cpu: each(after - before), own: each(ownAfter - ownBefore), size: callers[0].size, answers: len(times),
	}, nil
}

// usage returns the processor times of a server and of this process.
func usage(server *process) (of, own time.Duration, err error) {
	of, err = server.cpu()
	if err != nil {
		return 0, 0, err
	}
	own, err = self().cpu()
	return of, own, err
}

// percentile is the time that so many of a hundred do not exceed.
func percentile(sorted []time.Duration, hundredth int) time.Duration {
	return sorted[min(len(sorted)*hundredth/100, len(sorted)-1)]
}

// caller is one connection. It speaks HTTP/1.1 by itself and keeps no answer, so that the
// generator costs little beside what it measures.
type caller struct {
	connection net.Conn
	answer     *bufio.Reader
	want       int
	size       int
	times      []time.Duration
	// body, if set, gets a copy of each body.
	body *bytes.Buffer
}

func dial(ctx context.Context, host string) (*caller, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &caller{connection: connection, answer: bufio.NewReaderSize(connection, 64<<10)}, nil
}

func (c *caller) close() { c.connection.Close() }

// ask sends a request and reads its answer to the end.
func (c *caller) ask(request []byte) error {
	_, err := c.connection.Write(request)
	if err != nil {
		return err
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	if len(line) < len("HTTP/1.1 200") {
		return fmt.Errorf("%q is not the first line of an answer", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return err
	}
	length, chunked := -1, false
	for {
		line, err = c.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(value))
			if err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	c.size = 0
	if c.body != nil {
		c.body.Reset()
	}
	switch {
	case status != c.want:
		text, _ := c.answer.Peek(min(max(length, 0), 500))
		return fmt.Errorf("an answer is %d, not %d: %s", status, c.want, text)
	case status == http.StatusNoContent:
		return nil
	case chunked:
		return c.chunks()
	case length < 0:
		return errors.New("an answer has no length")
	}
	return c.read(length)
}

// line returns a line without its end. It is valid until the next read.
func (c *caller) line() ([]byte, error) {
	line, err := c.answer.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

func (c *caller) read(length int) error {
	c.size += length
	if c.body != nil {
		_, err := io.CopyN(c.body, c.answer, int64(length))
		return err
	}
	_, err := c.answer.Discard(length)
	return err
}

func (c *caller) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		length, err := strconv.ParseInt(string(line), 16, 32)
		if err != nil {
			return err
		}
		if length > 0 {
			err = c.read(int(length))
			if err != nil {
				return err
			}
		}
		_, err = c.line() // behind each chunk, and behind the trailers, of which nobody sends any
		if err != nil || length == 0 {
			return err
		}
	}
}

// get is a GET request with a bearer token.
func get(path, token string, headers ...string) []byte {
	return request("GET", path, "", append(headers, "Authorization: Bearer "+token)...)
}

// post is a POST request with a body.
func post(path, contentType, body string, headers ...string) []byte {
	return request("POST", path, body, append(headers, "Content-Type: "+contentType)...)
}

func request(method, path, body string, headers ...string) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n", method, path, len(body))
	for _, header := range headers {
		text.WriteString(header + "\r\n")
	}
	text.WriteString("\r\n" + body)
	return text.Bytes()
}
