package torture

import (
	"fmt"
	"hash/fnv"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// Options are the parameters of a run.
type Options struct {
	// Histories is the number of histories of each disturbance; as many are mixed of two
	// and of three disturbances for each disturbance.
	Histories int
	Seed      uint64
	// Only, if set, is a part of the names of the disturbances to play.
	Only string
	// Except lists parts of names of disturbances to leave out.
	Except []string
	// Failures is how many failures to shrink for each disturbance, class and fault.
	Failures int
}

// Failure is a shrunk history in which something went wrong.
type Failure struct {
	Disturbances []string
	Kind         string
	Seed         uint64
	History      *History
}

// Line is the score of one disturbance, or of all mixtures.
type Line struct {
	Name string
	Score
}

// Report is the outcome of a run.
type Report struct {
	Lines    []Line
	Failures []Failure
}

// job is one history to make.
type job struct {
	line         int
	class        int
	seed         uint64
	disturbances []Disturbance
}

// Run plays histories on all processors.
func Run(o Options) Report {
	var report Report
	playable := slices.DeleteFunc(slices.Clone(Disturbances), func(d Disturbance) bool {
		return slices.ContainsFunc(o.Except, func(part string) bool { return strings.Contains(d.Name, part) })
	})
	chosen := slices.DeleteFunc(slices.Clone(playable), func(d Disturbance) bool { return !strings.Contains(d.Name, o.Only) })
	for _, d := range chosen {
		report.Lines = append(report.Lines, Line{Name: d.Name})
	}
	pairs, triples := len(report.Lines), len(report.Lines)+1
	report.Lines = append(report.Lines, Line{Name: "two of them together"}, Line{Name: "three of them together"})

	jobs := make(chan job, 1024)
	var lock sync.Mutex
	var wait sync.WaitGroup
	kept := make(map[string]int)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			scores := make([]Score, len(report.Lines))
			for work := range jobs {
				h := generate(work.seed, work.class, work.disturbances...)
				score := play(h, nil)
				scores[work.line].add(score)
				if !score.wrong() || o.Failures == 0 {
					continue
				}
				kind := score.worst()
				group := fmt.Sprint(work.line, classes[work.class].Class, kind)
				lock.Lock()
				wanted := kept[group] < o.Failures
				kept[group]++
				lock.Unlock()
				if !wanted {
					continue
				}
				f := Failure{Kind: kind, Seed: work.seed, History: shrink(h, kind)}
				for _, d := range work.disturbances {
					f.Disturbances = append(f.Disturbances, d.Name)
				}
				lock.Lock()
				report.Failures = append(report.Failures, f)
				lock.Unlock()
			}
			lock.Lock()
			defer lock.Unlock()
			for i, s := range scores {
				report.Lines[i].add(s)
			}
		})
	}
	for n := range o.Histories {
		for i, d := range chosen {
			seed := seedOf(o.Seed, d.Name, n)
			jobs <- job{i, n % len(classes), seed, []Disturbance{d}}
			second := playable[(seed>>8)%uint64(len(playable))]
			third := playable[(seed>>24)%uint64(len(playable))]
			jobs <- job{pairs, n % len(classes), seed, []Disturbance{d, second}}
			jobs <- job{triples, n % len(classes), seed, []Disturbance{d, second, third}}
		}
	}
	close(jobs)
	wait.Wait()
	slices.SortFunc(report.Failures, func(a, b Failure) int {
		return strings.Compare(fmt.Sprint(a.Disturbances, a.History.Bank.Class, a.Kind, a.Seed), fmt.Sprint(b.Disturbances, b.History.Bank.Class, b.Kind, b.Seed))
	})
	return report
}

func seedOf(seed uint64, name string, n int) uint64 {
	hash := fnv.New64a()
	fmt.Fprint(hash, seed, name, n)
	return hash.Sum64()
}

// Total adds all lines.
func (r Report) Total() Score {
	var all Score
	for _, line := range r.Lines {
		all.add(line.Score)
	}
	return all
}

// Write prints the score as a table of Markdown.
func (r Report) Write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "| disturbance\t| histories\t| rows\t| missed\t| doubled\t| merged\t| explicable\t| changed\t| undecidable\t| decided later\t|")
	fmt.Fprintln(table, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, line := range append(slices.Clone(r.Lines), Line{"all", r.Total()}) {
		fmt.Fprintf(table, "| %s\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t|\n", line.Name, line.Histories, line.Rows,
			line.Missed, line.Doubled, line.Merged, line.Explicable, line.Changed, line.Undecidable, line.Later)
	}
	return table.Flush()
}
