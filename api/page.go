package api

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin/synchro/directory"
)

// skip is how many entries come before a page.
func skip(page, limit int) int {
	// Such a page is past the end of everything, and the product must not overflow.
	return min(page-1, 1<<31) * limit
}

// pageOf cuts a page out of a list.
func pageOf[T any](list []T, page, limit int) []T {
	from := min(skip(page, limit), len(list))
	return list[from:min(from+limit, len(list))]
}

// kept lists what a filter keeps.
func kept[T any](list []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return !keep(v) })
}

// anyOf says whether a filter lets a value through; an empty filter lets all.
func anyOf[F, V ~string](filter []F, value V) bool {
	return len(filter) == 0 || slices.Contains(filter, F(value))
}

// sortKeys are what lists can be sorted by.
type sortKeys struct {
	id        string
	name      string
	createdAt time.Time
}

// sortBy orders a list by keys like "name" and "-creation_date", and by id where
// they leave a choice, so that pages do not move.
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
				result = cmp.Or(cmp.Compare(directory.Fold(a.name), directory.Fold(b.name)), cmp.Compare(a.name, b.name))
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

// compareIDs orders decimal ids as the numbers that they are.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// found says whether one of the texts holds what was looked for; case, accents,
// spaces and punctuation do not matter.
func found(looked string, texts ...string) bool {
	looked = directory.Fold(looked)
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(directory.Fold(text), looked) })
}
