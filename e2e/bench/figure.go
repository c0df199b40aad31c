package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the result. A number that does not apply is 0.
type figure struct {
	Name string `json:"name"`
	// Unit ends in "/s" where more is better, and is something else where less is better.
	Unit    string  `json:"unit"`
	Value   float64 `json:"value"`
	Ceiling float64 `json:"ceiling,omitempty"`
	// CPU is in µs of the server's process, for one answer, row or synchronisation.
	CPU        float64 `json:"cpu,omitempty"`
	CeilingCPU float64 `json:"ceiling_cpu,omitempty"`
	// P50 and P99 are in ms.
	P50        float64 `json:"p50,omitempty"`
	P99        float64 `json:"p99,omitempty"`
	CeilingP99 float64 `json:"ceiling_p99,omitempty"`
	// Own is in µs of this process for an answer: what the load itself costs.
	Own float64 `json:"own,omitempty"`
	// Target is the promise of docs/performance.md, in words.
	Target string `json:"target,omitempty"`
	// Note qualifies the figure.
	Note string `json:"note,omitempty"`
}

// ratio compares a value with another one: 1 is as good, and more is better.
func (f figure) ratio(value, other float64) float64 {
	switch {
	case value == 0 || other == 0:
		return 0
	case strings.HasSuffix(f.Unit, "/s"):
		return value / other
	}
	return other / value
}

// result is a run, as it is kept.
type result struct {
	At        time.Time `json:"at"`
	Database  string    `json:"database"`
	Machine   machine   `json:"machine"`
	Settings  string    `json:"settings"`
	Figures   []figure  `json:"figures"`
	Completed bool      `json:"completed"` // the last experiment had no error
}

// show prints the figures as they come, so that a run that is broken off has shown something.
func (r *result) show(w io.Writer, title string, figures []figure) {
	fmt.Fprintf(w, "\n%s\n\n", title)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "MEASURED\tOXLIN\tCEILING\tRATIO\tCPU\tCEILING\tRATIO\tP50\tP99\tCEILING\tOWN\tTARGET\n")
	for _, f := range figures {
		fmt.Fprintf(table, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, number(f.Value), f.Unit, number(f.Ceiling), number(f.ratio(f.Value, f.Ceiling)),
			with(f.CPU, "µs"), with(f.CeilingCPU, "µs"), number(quotient(f.CeilingCPU, f.CPU)), with(f.P50, "ms"), with(f.P99, "ms"), with(f.CeilingP99, "ms"),
			with(f.Own, "µs"), f.Target)
	}
	table.Flush()
	for _, f := range figures {
		if f.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", f.Name, f.Note)
		}
	}
}

// number writes three digits, as far as there are some.
func number(n float64) string {
	switch {
	case n == 0:
		return ""
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}

func with(n float64, unit string) string {
	if n == 0 {
		return ""
	}
	return number(n) + " " + unit
}

func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// keep writes a run to a file, for --compare.
func (r *result) keep(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// readResult reads a run that was kept.
func readResult(file string) (*result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r result
	err = json.Unmarshal(text, &r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &r, nil
}

// compare prints what has become of the figures of an earlier run: above 1 is better now. The
// ceilings' ratio is that of the machine between the runs, and the last columns are without it.
func (r *result) compare(w io.Writer, before *result) {
	fmt.Fprintf(w, "\ncompared with %s on %s, %s: above 1 is better now\n\n", before.At.Format(time.DateTime), before.Database, before.Machine)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "MEASURED\tBEFORE\tNOW\tRATIO\tCEILINGS\tBESIDE THEM\tCPU BEFORE\tNOW\tRATIO\n")
	known := map[string]figure{}
	for _, f := range before.Figures {
		known[f.Name] = f
	}
	for _, f := range r.Figures {
		old, ok := known[f.Name]
		if !ok {
			continue
		}
		whole, machine := f.ratio(f.Value, old.Value), f.ratio(f.Ceiling, old.Ceiling)
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, number(old.Value), number(f.Value), f.Unit, number(whole),
			number(machine), number(quotient(whole, machine)), number(old.CPU), number(f.CPU), number(quotient(old.CPU, f.CPU)))
	}
	table.Flush()
}
