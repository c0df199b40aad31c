// Command bench measures the real binary over HTTP and prints each figure beside its
// ceiling, measured in the same run on the same machine: a bare Go handler with answers
// of the same size, or a bulk insert of the same rows into the same database. Compare
// the ratios, because the figures depend on the machine. The widget's first page is
// measured with 3,000 banks, and against a budget as well.
//
// It must never favour the binary: every request goes over the network, and every
// answer is read. The load generator shares the processors with the measured server, on
// both sides alike.
//
// The command "stalls" measures how long the writes of others wait for the heaviest user.
//
// Start reading at measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin/internal/scenario"
)

// settings are the command's flags.
type settings struct {
	binary   string
	database string
	seconds  time.Duration
	users    int
	rows     int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		serveBare()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == stallsCommand {
		err := measureStalls(context.Background(), os.Args[2:])
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	var s settings
	flag.StringVar(&s.binary, "binary", "bin/oxlin", "the binary to measure")
	flag.StringVar(&s.database, "database", "", "an empty database, postgres://...; without it SQLite in a temporary directory")
	flag.DurationVar(&s.seconds, "for", 4*time.Second, "how long each load lasts")
	flag.IntVar(&s.users, "users", 4, "users who synchronise at once")
	flag.IntVar(&s.rows, "rows", 5000, "transactions of each of them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := measure(ctx, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figure is one line of the result.
type figure struct {
	name           string
	value, ceiling float64
	unit           string
	format         string
	ceilingIs      string
}

// ratio compares a figure with its ceiling: 1 is the best value, for rates, which
// should be high, and for times and sizes, which should be low.
func (f figure) ratio() float64 {
	if strings.HasSuffix(f.unit, "/s") {
		return f.value / f.ceiling
	}
	return f.ceiling / f.value
}

func measure(ctx context.Context, s settings) error {
	directory, err := os.MkdirTemp("", "oxlin-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	database := s.database
	if database == "" {
		database = "sqlite:" + directory + "/oxlin.db"
	}
	var figures []figure
	add := func(some ...figure) { figures = append(figures, some...) }

	say("starting")
	platform, started, err := startMeasured(ctx, s, directory, database)
	if err != nil {
		return err
	}
	defer platform.end()
	add(started...)

	bench := &bench{
		integrator: scenario.Integrator{
			Platform: platform.address, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret", HTTP: client,
		},
		settings: s,
	}
	say("synchronising %d users with %d transactions each", s.users, s.rows)
	synchronised, err := bench.synchronise(ctx)
	if err != nil {
		return err
	}
	inserted, err := bulkInsert(ctx, database)
	if err != nil {
		return err
	}
	add(figure{"transactions synchronised", synchronised, inserted, "/s", "%.0f", "a bulk insert of the same rows"})

	for _, load := range bench.loads() {
		say("%s", load.name)
		f, err := load.measure(ctx, s.seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", load.name, err)
		}
		add(f)
	}
	after, err := platform.memory()
	if err != nil {
		return err
	}
	bare, err := startBare(ctx, 0)
	if err != nil {
		return err
	}
	defer bare.end()
	bareMemory, err := bare.memory()
	if err != nil {
		return err
	}
	add(figure{"memory after all this", after, bareMemory, "MB", "%.1f", "a bare Go server, idle"})
	err = platform.end() // the widget's has the database to itself
	if err != nil {
		return err
	}
	say("starting with %d banks", len(brands)*len(regions)*len(parts))
	pages, err := bench.measureWidget(ctx, directory, database)
	if err != nil {
		return fmt.Errorf("widget: %w", err)
	}
	show(figures, database)
	showWidget(pages)
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "… "+format+"\n", args...) }

func show(figures []figure, database string) {
	kind, _, _ := strings.Cut(database, ":")
	fmt.Printf("%s, %s, %d processors\n\n", kind, runtime.Version(), runtime.NumCPU())
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "MEASURED\tOXLIN\tCEILING\tRATIO\t\tTHE CEILING IS\n")
	for _, f := range figures {
		fmt.Fprintf(table, "%s\t"+f.format+" %s\t"+f.format+" %s\t%.0f %%\t\t%s\n", f.name, f.value, f.unit, f.ceiling, f.unit, 100*f.ratio(), f.ceilingIs)
	}
	table.Flush()
}

// showWidget prints what the pages take of their budget, and what a bare handler
// takes for answers of the same size.
func showWidget(figures []widgetFigure) {
	fmt.Printf("\nthe widget's first page, add_connection, with %d banks\n\n", len(brands)*len(regions)*len(parts))
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "MEASURED\tOXLIN\tBUDGET\tUSED\tBARE HANDLER\tRATIO\t\n")
	for _, f := range figures {
		budget, used, bare, ratio := "", "", "", ""
		if f.budget != 0 {
			budget, used = fmt.Sprintf("%.0f %s", f.budget, f.unit), fmt.Sprintf("%.0f %%", 100*f.value/f.budget)
		}
		if f.bare != 0 {
			bare = fmt.Sprintf(f.format+" %s", f.bare, f.unit)
			ratio = fmt.Sprintf("%.0f %%", 100*figure{value: f.value, ceiling: f.bare, unit: f.unit}.ratio())
		}
		fmt.Fprintf(table, "%s\t"+f.format+" %s\t%s\t%s\t%s\t%s\t\n", f.name, f.value, f.unit, budget, used, bare, ratio)
	}
	table.Flush()
}
