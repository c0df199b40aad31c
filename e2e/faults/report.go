package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// report has a result for each fault.
type report struct {
	seed     uint64
	journeys int
	results  []*result
}

// result counts how the journeys of one fault ended.
type result struct {
	fault    string
	journeys int
	took     time.Duration
	// finished journeys did all that they wanted; the others were told why.
	finished int
	// judged journeys were looked at to the end; each of the others is a violation.
	judged int

	mutex sync.Mutex
	// told counts the reasons that were told, done what was done to the platform.
	told, done map[string]int
	violated   []violation
}

// A violation is an invariant that does not hold. Journey is negative if it concerns all.
type violation struct {
	journey int
	text    string
}

func newResult(fault string, journeys int) *result {
	return &result{fault: fault, journeys: journeys, told: map[string]int{}, done: map[string]int{}}
}

// count counts something that was done to the platform.
func (r *result) count(what string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.done[what]++
}

// judge counts a journey that was looked at to the end.
func (r *result) judge() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.judged++
}

func (r *result) tell(reason string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.told[reason]++
}

// most bounds the violations of one fault that are kept.
const most = 200

func (r *result) violate(journey int, format string, args ...any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	v := violation{journey, fmt.Sprintf(format, args...)}
	if len(r.violated) < most && !slices.Contains(r.violated, v) {
		r.violated = append(r.violated, v)
	}
}

func (r *report) violations() (n int) {
	for _, result := range r.results {
		n += len(result.violated)
	}
	return n
}

func (r *report) write(w io.Writer) {
	fmt.Fprintf(w, "Seed %d.\n\n", r.seed)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "FAULT\tJOURNEYS\tFINISHED\tTOLD WHY\tJUDGED\tVIOLATIONS\tTOOK\t\tDONE\n")
	for _, one := range r.results {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t\t%s\n", one.fault, one.journeys, one.finished, one.journeys-one.finished,
			one.judged, len(one.violated), one.took.Round(time.Second), counts(one.done))
	}
	table.Flush()
	for _, one := range r.results {
		if len(one.told) > 0 {
			fmt.Fprintf(w, "\n%s, reasons told: %s\n", one.fault, counts(one.told))
		}
	}
	for _, one := range r.results {
		for _, v := range one.violated {
			where := "the platform"
			if v.journey >= 0 {
				where = fmt.Sprintf("journey %d", v.journey)
			}
			fmt.Fprintf(w, "\nVIOLATION %s, %s: %s\n", one.fault, where, v.text)
		}
	}
	if r.violations() > 0 {
		fmt.Fprintf(w, "\nTo play the same again: make faults N=%d SEED=%d\n", r.journeys, r.seed)
	}
}

// counts lists what was counted, the most frequent first.
func counts(of map[string]int) string {
	var parts []string
	for _, what := range slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(of[b]-of[a], strings.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%d %s", of[what], what))
	}
	return strings.Join(parts, ", ")
}
