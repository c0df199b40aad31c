// Command oxlin is the whole platform in one binary.
//
// It wires the rooms of the house together and nothing else: each command reads
// its flags, builds what it needs and waits. Start reading at server.go, which
// builds everything that `oxlin serve` runs.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/oxlin/oxlin/cmd/oxlin/licenses"
)

// version is the newest release, or the one that is being worked on. A release changes it
// and CHANGELOG.md in one commit.
const version = "0.1.0"

// commit is the commit that the binary was built from. The linker sets it.
var commit = ""

// commands lists the commands of the binary. Every flag has an environment variable of
// the same name: --public-url is OXLIN_PUBLIC_URL.
type commands struct {
	LogLevel slog.Level `help:"What is logged: DEBUG, INFO, WARN or ERROR." default:"INFO"`

	Serve      serveCommand      `cmd:"" help:"Run the platform."`
	Quickstart quickstartCommand `cmd:"" help:"Run a sandbox, play the whole journey in it and show what came."`
	Testbank   testbankCommand   `cmd:"" help:"Run the Linxo Test Bank alone."`
	Client     clientCommands    `cmd:"" help:"Create, list and re-key integrators' applications."`
	RotateKey  rotateKeyCommand  `cmd:"" help:"Put a new master key in front; the older ones still open what they sealed."`
	Rederive   rederiveCommand   `cmd:"" help:"Read the stored rows anew from the banks' sealed records. Run it with the settings of serve."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database up to date."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
	Licenses   licensesCommand   `cmd:"" help:"Print the licences of everything that is linked into the binary."`
}

type versionCommand struct{}

func (versionCommand) Run() error {
	if commit == "" {
		fmt.Println("oxlin", version)
		return nil
	}
	fmt.Printf("oxlin %s (%s)\n", version, commit)
	return nil
}

type licensesCommand struct {
	Names bool `help:"Print the names without the texts."`
}

func (c licensesCommand) Run() error {
	return licenses.Print(os.Stdout, c.Names)
}

func main() {
	narrow()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var all commands
	parsed := kong.Parse(&all,
		kong.Name("oxlin"),
		kong.Description("An account information aggregator for PSD2 that anyone can run."),
		kong.DefaultEnvars("OXLIN"),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: all.LogLevel})))
	parsed.FatalIfErrorf(parsed.Run())
}
