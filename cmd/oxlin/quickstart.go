package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"
)

// started is the start of the process. The tour measures the time to the first
// transaction from it.
var started = time.Now()

type quickstartCommand struct {
	databaseFlags
	Listen         string `arg:"--listen,env:OXLIN_LISTEN" help:"Address of the platform; port 0 takes a free one." default:"127.0.0.1:8080"`
	TestbankListen string `arg:"--testbank-listen,env:OXLIN_TESTBANK_LISTEN" help:"Address of the test bank; port 0 takes a free one." default:"127.0.0.1:8081"`
	SandboxPublic  bool   `arg:"--sandbox-public,env:OXLIN_SANDBOX_PUBLIC" help:"Let it listen beyond this machine, though its passwords are public."`
	Exit           bool   `arg:"--exit,env:OXLIN_EXIT" help:"End after printing; the exit code is 0 only if data came."`
}

// Run starts a sandbox and plays an integrator and an end user in it.
func (c quickstartCommand) Run(ctx context.Context) error {
	if c.Data == "" {
		directory, err := os.MkdirTemp("", "oxlin-quickstart-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(directory)
		c.Data = filePath(directory)
	}
	begun := time.Now()
	// The tour prints each step, so only warnings are logged between the lines.
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := startServer(ctx, serverFlags{
		databaseFlags: c.databaseFlags, Listen: c.Listen, TestbankListen: c.TestbankListen, bankFlags: bankFlags{Sandbox: true},
		limitFlags:    limitFlags{ClientLimit: 2000, UserLimit: 50, AddressLimit: 20},
		SandboxPublic: c.SandboxPublic, TestbankControl: true, Roles: []string{"api", "worker", "testbank"},
	}, time.Now, log)
	if err != nil {
		return err
	}
	tour := newTour(os.Stdout, s.publicURL)
	tour.print("start the sandbox", begun, s.publicURL)
	err = tour.play(ctx)
	if err == nil && !c.Exit {
		tour.printNextSteps(s)
		<-ctx.Done()
	}
	return errors.Join(err, s.Close())
}
