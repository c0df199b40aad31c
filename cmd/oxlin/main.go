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

	"github.com/oxlin/oxlin/cmd/oxlin/licenses"
	"github.com/oxlin/oxlin/internal/notify"
)

// version is the newest release, or the one that is being worked on. A release changes it
// and CHANGELOG.md in one commit.
const version = "0.1.0"

// commit is the commit that the binary was built from. The linker sets it.
var commit = ""

// commands lists the commands of the binary. Every flag has an environment variable of
// the same name: --public-url is OXLIN_PUBLIC_URL. A flag wins over its variable.
type commands struct {
	LogLevel slog.Level `arg:"--log-level,env:OXLIN_LOG_LEVEL" help:"What is logged: DEBUG, INFO, WARN or ERROR." default:"INFO"`

	Serve      *serveCommand      `arg:"subcommand:serve" help:"Run the platform."`
	Quickstart *quickstartCommand `arg:"subcommand:quickstart" help:"Run a sandbox, play the whole journey in it and show what came."`
	Testbank   *testbankCommand   `arg:"subcommand:testbank" help:"Run the Linxo Test Bank alone."`
	Client     *clientCommands    `arg:"subcommand:client" help:"Create, list and re-key integrators' applications."`
	Bank       *bankCommands      `arg:"subcommand:bank" help:"List the banks of the catalogue and check that they can be reached."`
	Operator   *operatorCommands  `arg:"subcommand:operator" help:"Add, list and reset the operators of the console."`
	Audit      *auditCommands     `arg:"subcommand:audit" help:"Read, export and verify the audit log."`
	Keeper     *keeperCommand     `arg:"subcommand:keeper" help:"Hold the master key, apart from the process that serves."`
	RotateKey  *rotateKeyCommand  `arg:"subcommand:rotate-key" help:"Put a new master key in front; the older ones still open what they sealed."`
	Reseal     *resealCommand     `arg:"subcommand:reseal" help:"Bring everything that is stored under the newest master key, beside a running platform."`
	Import     *importCommand     `arg:"subcommand:import" help:"Import a file of statements that a bank lets its customers download. Run it with the settings of serve."`
	Rederive   *rederiveCommand   `arg:"subcommand:rederive" help:"Read the stored rows anew from the banks' sealed records. Run it with the settings of serve."`
	Migrate    *migrateCommand    `arg:"subcommand:migrate" help:"Bring the database up to date."`
	Version    *versionCommand    `arg:"subcommand:version" help:"Print the version."`
	Licenses   *licensesCommand   `arg:"subcommand:licenses" help:"Print the licences of everything that is linked into the binary."`
}

type versionCommand struct{}

func (versionCommand) Run(context.Context) error {
	if commit == "" {
		fmt.Println("oxlin", version)
		return nil
	}
	fmt.Printf("oxlin %s (%s)\n", version, commit)
	return nil
}

type licensesCommand struct {
	Names bool `arg:"--names,env:OXLIN_NAMES" help:"Print the names without the texts."`
}

func (c licensesCommand) Run(context.Context) error {
	return licenses.Print(os.Stdout, c.Names)
}

func main() {
	narrow()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, notify.Ways(), os.Args[1:])
	stop()
	os.Exit(code)
}
