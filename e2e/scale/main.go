package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// prices are euros a month, as rented machines of 2026 cost; they differ by a factor of three.
type prices struct{ core, terabyte, archive float64 }

func main() {
	d, p := usual, plant{cores: 4, workers: 24, database: 32, commits: 20_000, log: 400e6, disk: 30e12}
	price := prices{core: 15, terabyte: 80, archive: 20}
	sizes := flag.String("connections", "1e6,1e8", "how many connections are synchronised a day, a list")
	result := flag.String("measured", "", "a result that the bench has kept, on PostgreSQL, in the place of the published figures")
	flag.IntVar(&p.nodes, "nodes", 0, "how many nodes there are; 0 for as many as the busiest second needs, and one more")
	flag.Float64Var(&p.cores, "cores", p.cores, "processors of a node")
	flag.IntVar(&p.workers, "workers", p.workers, "--workers of a node")
	flag.Float64Var(&p.database, "database-cores", p.database, "processors of PostgreSQL")
	flag.Float64Var(&p.commits, "commits", p.commits, "transactions a second that PostgreSQL's disk makes durable")
	flag.Float64Var(&p.log, "log", p.log, "bytes a second of PostgreSQL's log that its disk and its standby take")
	flag.Float64Var(&p.disk, "disk", p.disk, "bytes that one PostgreSQL holds")
	flag.Float64Var(&d.kept, "kept", d.kept, "rows that are stored of a connection")
	flag.Float64Var(&d.patience, "patience", d.patience, "calls a second that the largest bank bears")
	flag.IntVar(&d.banks, "banks", d.banks, "how many banks there are")
	flag.Float64Var(&d.answer, "answer", d.answer, "the median seconds of a bank's answer")
	flag.Float64Var(&d.present, "present", d.present, "the part of the connections that users synchronise once more a day")
	flag.Float64Var(&price.core, "price-core", price.core, "euros of a processor a month")
	flag.Float64Var(&price.terabyte, "price-disk", price.terabyte, "euros of a terabyte of disk a month")
	flag.Float64Var(&price.archive, "price-archive", price.archive, "euros of a terabyte of archive a month")
	flag.Parse()
	c, err := costsFrom(*result)
	if err == nil {
		err = each(*sizes, func(n float64) {
			d.connections = n
			report(os.Stdout, d, p, c, price)
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// each calls a function for each number of a list.
func each(list string, do func(float64)) error {
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || n < 1 || n > 1e10 {
			return fmt.Errorf("-connections: %q is no number of connections", word)
		}
		do(n)
	}
	return nil
}

// room is the part of a resource that the busiest second may take: above it, waiting grows fast.
const room = 0.7

// report plays the days of a size, and prints what they were like.
func report(w io.Writer, d demand, p plant, c costs, price prices) {
	if p.nodes == 0 {
		p.nodes = 1
		p = p.fits(day(d, p, c, fault{}).busiest, room)
	}
	const noon = 12 * 3600
	quiet := day(d, p, c, fault{})
	down := day(d, p, c, fault{downFrom: noon, downUntil: noon + 3600})
	hangs := day(d, p, c, fault{hangFrom: noon, hangUntil: noon + 3600})
	fmt.Fprintf(w, "\n%s connections a day, %d nodes of %g processors, PostgreSQL with %g\n\n", amount(d.connections), p.nodes, p.cores, p.database)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, words ...any) { fmt.Fprintf(table, format+"\n", words...) }
	line("DAY\tBEGUN\tUSERS WAIT P50\tP99\tOTHERS P50\tP99\t")
	for _, o := range []struct {
		name string
		outcome
	}{{"usual", quiet}, {"the platform is down for an hour at noon", down}, {"the largest bank hangs for an hour at noon", hangs}} {
		line("%s\t%.1f %%\t%d s\t%d s\t%d s\t%d s\t", o.name, 100*o.done/o.asked,
			o.present.at(0.5), o.present.at(0.99), o.absent.at(0.5), o.absent.at(0.99))
	}
	line("in that hour, users of the other banks\t\t%d s\t%d s\t\t\t", hangs.neighbours.at(0.5), hangs.neighbours.at(0.99))
	_ = table.Flush()
	if down.drained >= 0 {
		fmt.Fprintf(w, "What the downtime made late has begun after %d minutes.\n", (down.drained+59)/60)
	} else {
		fmt.Fprintln(w, "What the downtime made late has not begun by midnight.")
	}
	fmt.Fprintln(w)
	line("RESOURCE\tTHERE IS\tBUSIEST SECOND\tMEAN\tBREAKS AT, CONNECTIONS A DAY")
	for _, r := range byBreaking(quiet, p, d) {
		breaks := amount(d.connections * p.amounts(d.patience)[r] / quiet.busiest[r])
		if r.added() {
			breaks += ", or with more nodes later"
		}
		has := p.amounts(d.patience)[r]
		line("%s\t%s\t%s (%.0f %%)\t%s\t%s", names[r], amount(has), amount(quiet.busiest[r]), 100*quiet.busiest[r]/has, amount(quiet.mean[r]), breaks)
	}
	_ = table.Flush()
	const terabyte = 1e12
	stored := quiet.busiest[disk] / terabyte
	archived := 7 * quiet.total.log / terabyte
	machines := (float64(p.nodes)*p.cores + 2*p.database) * price.core
	disks := 2*stored*price.terabyte + archived*price.archive
	fmt.Fprintf(w, "\nStored: %s rows, %.2f TB, twice with a standby; %.2f TB of log a week.\n", amount(d.connections*d.kept), stored, archived)
	fmt.Fprintf(w, "PostgreSQL uses %s transaction ids a day: it has to freeze all tables every %.1f days.\n",
		amount(quiet.total.commits), 2e9/quiet.total.commits)
	fmt.Fprintf(w, "A month costs %s euros: %s for processors, %s for disks; %.2f euros a thousand connections.\n",
		amount(machines+disks), amount(machines), amount(disks), 1000*(machines+disks)/d.connections)
}

// byBreaking lists the resources, the scarcest first; those that more nodes add come last.
func byBreaking(o outcome, p plant, d demand) []resource {
	var list []resource
	for r := range resources {
		list = append(list, r)
	}
	amounts := p.amounts(d.patience)
	slices.SortStableFunc(list, func(a, b resource) int {
		if a.added() != b.added() {
			if a.added() {
				return 1
			}
			return -1
		}
		return cmp.Compare(o.busiest[b]/amounts[b], o.busiest[a]/amounts[a])
	})
	return list
}

// amount writes a number with two or three digits.
func amount(n float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}, {1e3, " thousand"}} {
		if n >= unit.size {
			return strconv.FormatFloat(n/unit.size, 'g', 3, 64) + unit.name
		}
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}
