package api

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/connect/providersearch"
)

// skip returns the number of entries before a page.
func skip(page, limit int) int {
	// Such a page is past the end of every list, and the product must not overflow.
	return min(page-1, 1<<31) * limit
}

// pageOf returns one page of a list.
func pageOf[T any](list []T, page, limit int) []T {
	from := min(skip(page, limit), len(list))
	return list[from:min(from+limit, len(list))]
}

// kept returns the entries that a filter keeps.
func kept[T any](list []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return !keep(v) })
}

// anyOf reports whether a filter accepts a value; an empty filter accepts all.
func anyOf[F, V ~string](filter []F, value V) bool {
	return len(filter) == 0 || slices.Contains(filter, F(value))
}

// sortKeys holds the keys by which lists can be sorted.
type sortKeys struct {
	id        string
	name      string
	createdAt time.Time
}

// sortBy orders a list by keys like "name" and "-creation_date", then by id, so that
// pages are stable.
func sortBy[T any, K ~string](list []T, order []K, keys func(T) sortKeys) {
	slices.SortStableFunc(list, func(x, y T) int {
		a, b := keys(x), keys(y)
		for _, key := range order {
			name, descending := strings.CutPrefix(string(key), "-")
			result := 0
			switch name {
			case "id":
				result = compareIDs(a.id, b.id)
			case "name":
				result = cmp.Or(cmp.Compare(providersearch.Fold(a.name), providersearch.Fold(b.name)), cmp.Compare(a.name, b.name))
			case "creation_date":
				result = a.createdAt.Compare(b.createdAt)
			}
			if descending {
				result = -result
			}
			if result != 0 {
				return result
			}
		}
		return compareIDs(a.id, b.id)
	})
}

// compareIDs compares decimal ids by their numeric value.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// matchesText reports whether one of the texts contains the search text; case, accents,
// spaces and punctuation are ignored.
func matchesText(looked string, texts ...string) bool {
	looked = providersearch.Fold(looked)
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(providersearch.Fold(text), looked) })
}
