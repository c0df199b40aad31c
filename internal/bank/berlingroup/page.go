package berlingroup

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

var errLink = errors.New("a link cannot be followed")

// expand fills the placeholders of a path.
func expandPath(template string, values map[string]string) string {
	for name, value := range values {
		template = strings.ReplaceAll(template, "{"+name+"}", url.PathEscape(value))
	}
	return template
}

// expandQuery fills the placeholders of a query. A parameter whose placeholder has no value
// is left out.
func expandQuery(template string, values map[string]string) string {
	var kept []string
	for _, parameter := range strings.Split(template, "&") {
		given := parameter != ""
		for name, value := range values {
			placeholder := "{" + name + "}"
			if strings.Contains(parameter, placeholder) {
				given = given && value != ""
				parameter = strings.ReplaceAll(parameter, placeholder, escapeValue(value))
			}
		}
		if given {
			kept = append(kept, parameter)
		}
	}
	return strings.Join(kept, "&")
}

// escapeValue escapes a parameter's value. A colon needs no escape, and some banks know it
// only without.
func escapeValue(value string) string {
	return strings.NewReplacer("+", "%20", "%3A", ":").Replace(url.QueryEscape(value))
}

// next returns the link to the next page, from the links of an answer and the answer itself.
func (p Pages) next(links psd2.Links, whole json.RawMessage) psd2.Link {
	names := p.Links
	if len(names) == 0 {
		names = []string{"next", "nextPage", "next_page"}
	}
	for _, name := range names {
		link := links.To(name)
		if held := valueAt(whole, name); strings.Contains(name, ".") && held != nil {
			_ = json.Unmarshal(held, &link) // never fails
		}
		if link.Href != "" {
			return link
		}
	}
	return psd2.Link{}
}

// counted returns the link to the next page of a bank without links: the query of this page
// with another number. pages is how many pages came before this one.
func (p Pages) counted(query string, object psd2.Object, pages, rows int) psd2.Link {
	whole := objectOf(object)
	step := cmp.Or(p.Step, 1)
	number := strconv.Itoa(p.First + (pages+1)*step)
	told, follows := p.follows(whole, pages)
	switch {
	case p.Next != "":
		number = word(whole, p.Next)
		if number == "" || number == "false" || number == "0" {
			return psd2.Link{}
		}
	case told && !follows, !told && (rows == 0 || p.Size > 0 && rows < p.Size):
		return psd2.Link{}
	}
	var kept []string
	for _, parameter := range strings.Split(query, "&") {
		if parameter != "" && !strings.HasPrefix(parameter, p.Parameter+"=") {
			kept = append(kept, parameter)
		}
	}
	return psd2.Link{Href: "?" + strings.Join(append(kept, p.Parameter+"="+escapeValue(number)), "&")}
}

// follows reports whether an answer tells how the list goes on, and whether another page follows the
// one after pages others.
func (p Pages) follows(whole json.RawMessage, pages int) (told, follows bool) {
	path, last := strings.CutPrefix(p.More, "!")
	if path != "" {
		value := strings.ToLower(strings.Trim(string(valueAt(whole, path)), `" `))
		isTrue := value == "true" || value == "1" || value == "y" || value == "yes"
		return true, value != "" && isTrue != last
	}
	for _, total := range []struct {
		path string
		// reached is the total after this page, if it is the last.
		reached int
	}{
		{p.Total, p.First + pages*cmp.Or(p.Step, 1)}, {p.Count, pages + 1}, {p.Rows, (pages + 1) * cmp.Or(p.Step, p.Size)},
	} {
		if total.path == "" {
			continue
		}
		number, err := strconv.Atoi(word(whole, total.path))
		return err == nil, total.reached < number
	}
	return false, false
}

// follow returns what finds the page behind a link of a resource. A page with a path of its
// own has a Target whose path begins with two slashes, for the root of the host.
func (c *Connector) follow(pages Pages, resource string) func(psd2.Link) (psd2.Target, error) {
	return func(link psd2.Link) (psd2.Target, error) {
		query, counted := strings.CutPrefix(link.Href, "?")
		switch {
		case pages.Parameter != "" && counted:
			return psd2.Target{Query: query}, nil // it is ours, and escaped
		case pages.Follow == "path":
			return c.ownPath(link)
		}
		path, query, _ := link.Path()
		plain, err := url.PathUnescape(resource)
		if err != nil {
			return psd2.Target{}, errLink
		}
		// A page beside the resource has a path of its own, such as
		// /accounts/1/transactionsNextPage.
		parent := plain[:strings.LastIndex(plain, "/")+1]
		before := strings.LastIndex("/"+path, parent)
		below := strings.TrimSuffix("/"+path, "/") + "/"
		if before >= 0 && len(parent) > 1 && !strings.Contains(below, plain+"/") {
			return c.pageAt(c.basePath+("/" + path)[before:], query)
		}
		return link.Target(resource)
	}
}

// ownPath returns the page with the path of a link.
func (c *Connector) ownPath(link psd2.Link) (psd2.Target, error) {
	if link.Href == "" {
		return psd2.Target{}, nil
	}
	path, query, ok := link.Path()
	if !ok {
		return psd2.Target{}, errLink
	}
	if !strings.HasPrefix(path, "/") {
		path = c.basePath + "/" + path
	}
	return c.pageAt(path, query)
}

// pageAt returns the page with a path of its own.
func (c *Connector) pageAt(path, query string) (psd2.Target, error) {
	escaped, legal := psd2.EscapePath(path)
	if !legal || escaped == "" {
		return psd2.Target{}, errLink
	}
	return psd2.Target{Path: "/" + escaped, Query: query}, nil
}

// resourceOf returns the resource of a page.
func resourceOf(resource string, page psd2.Target) string {
	if strings.HasPrefix(page.Path, "//") {
		return page.Path
	}
	return resource + page.Path
}
