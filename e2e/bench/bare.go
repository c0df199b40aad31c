package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// bareCommand makes this program a bare server instead.
const bareCommand = "bare"

// startBare starts a server that gives the same answer of so many bytes always.
func startBare(ctx context.Context, size int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, self, bareCommand, strconv.Itoa(size))
}

// serveBare is the ceiling of every handler: what net/http alone can do.
func serveBare() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	size, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	answer := bytes.Repeat([]byte("x"), size)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("platform http://%s\n", listener.Addr())
	go func() {
		panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(answer)
		})))
	}()
	<-ctx.Done()
}
