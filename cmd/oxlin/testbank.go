package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/hosts"
	"github.com/oxlin/oxlin/testbank"
)

type testbankCommand struct {
	Listen               string   `arg:"--listen,env:OXLIN_LISTEN" help:"Address of the bank; port 0 takes a free one." default:"127.0.0.1:8081"`
	PublicURL            string   `arg:"--public-url,env:OXLIN_PUBLIC_URL" help:"The address under which it is reached; without it the one it listens on." placeholder:"URL"`
	AllowedHost          wordList `arg:"--allowed-host,env:OXLIN_ALLOWED_HOST" help:"Another host name under which it is reached; may be repeated." placeholder:"HOST"`
	Data                 filePath `arg:"--data,env:OXLIN_DATA" help:"Directory for its state; without it everything is forgotten at the end."`
	AllowPrivateFileURLs bool     `arg:"--allow-private-file-urls,env:OXLIN_ALLOW_PRIVATE_FILE_URLS" help:"Let file_url reach private and loopback addresses."`
	Control              bool     `arg:"--control,env:OXLIN_CONTROL" help:"Open /control: the bank's clock and its scenarios."`
}

// Run serves the bank until the process is signalled to stop.
func (c testbankCommand) Run(ctx context.Context) error {
	err := checkAllowedHosts(c.AllowedHost)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	address := c.PublicURL
	if address == "" {
		address = "http://" + listener.Addr().String()
	}
	bank, err := testbank.New(testbank.Options{
		PublicURL: address, DataDir: string(c.Data), AllowPrivateFileURLs: c.AllowPrivateFileURLs, Control: c.Control, Log: slog.Default(),
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Println("test bank ", address)
	guard := hosts.Guard{
		Frame: web.Frame{Room: "hosts", Log: slog.Default(), Now: time.Now}, Names: hostNames(address, c.AllowedHost), Open: bankOpensAnywhere,
	}
	server := &http.Server{Handler: guard.Require(bank.Handler()), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		shutdown, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = server.Shutdown(shutdown)
	}
	return errors.Join(err, bank.Close())
}
