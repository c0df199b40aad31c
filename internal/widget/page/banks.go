package page

import (
	"net/url"

	"github.com/a-h/templ"
)

// found returns the text with the number of results.
func (d drawing) found(v Banks) string {
	switch {
	case len(v.Banks) == 0:
		return d.none(v)
	case v.Next != "":
		return d.text("banks.found_more", "Count", len(v.Banks))
	}
	return d.text("banks.found", "Count", len(v.Banks))
}

// none returns the text for an empty list.
func (d drawing) none(v Banks) string {
	if v.Query == "" {
		return d.text("banks.empty")
	}
	return d.text("banks.none", "Query", v.Query)
}

// all returns the address of the list without a search.
func (d drawing) all(v Banks) templ.SafeURL {
	query := url.Values{}
	for name, value := range v.Hidden {
		query.Set(name, value)
	}
	return templ.URL(d.path() + "?" + query.Encode())
}
