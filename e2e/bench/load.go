package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// callers is how many requests are on their way at once.
var callers = 4 * runtime.NumCPU()

// client keeps its connections, as an integrator's software does. It asks for plain answers,
// as the ceilings give.
var client = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
}

// load is one kind of request, made over and over.
type load struct {
	name    string
	request func(address string) (*http.Request, error)
	address string
}

// measure makes the requests for a while, then the same requests to a bare server
// whose answers have the same size.
func (l load) measure(ctx context.Context, lasting time.Duration) (figure, error) {
	rate, size, err := l.rate(ctx, l.address, lasting)
	if err != nil {
		return figure{}, err
	}
	bare, err := startBare(ctx, size)
	if err != nil {
		return figure{}, err
	}
	defer bare.end()
	ceiling, _, err := l.rate(ctx, bare.address, lasting)
	if err != nil {
		return figure{}, err
	}
	return figure{l.name, rate, ceiling, "/s", "%.0f", fmt.Sprintf("a bare handler, %d bytes", size)}, nil
}

// rate returns the answers per second and the size of one.
func (l load) rate(ctx context.Context, address string, lasting time.Duration) (float64, int, error) {
	warm := callers
	for range warm {
		_, err := l.once(ctx, address)
		if err != nil {
			return 0, 0, err
		}
	}
	var answers atomic.Int64
	var size atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, callers)
	begun := time.Now()
	for range callers {
		group.Go(func() {
			for time.Since(begun) < lasting {
				n, err := l.once(ctx, address)
				if err != nil {
					failures <- err
					return
				}
				size.Store(int64(n))
				answers.Add(1)
			}
		})
	}
	group.Wait()
	elapsed := time.Since(begun)
	select {
	case err := <-failures:
		return 0, 0, err
	default:
		return float64(answers.Load()) / elapsed.Seconds(), int(size.Load()), nil
	}
}

func (l load) once(ctx context.Context, address string) (int, error) {
	request, err := l.request(address)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	return len(body), nil
}
