package main

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestHeadersAreBounded(t *testing.T) {
	s := &server{log: slog.New(slog.DiscardHandler), failures: make(chan error, 1)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(func() { _ = s.Close() })
	for kibibytes, want := range map[int]int{60: http.StatusOK, 80: http.StatusRequestHeaderFieldsTooLarge} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Long", strings.Repeat("x", kibibytes<<10))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("a header of %d KiB: HTTP %d; want %d", kibibytes, response.StatusCode, want)
		}
	}
}
