package psd2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Link is one hypermedia link. An empty Href means that there is no link.
type Link struct{ Href string }

// maxLinkDepth limits how deep a link may be nested in lists and objects.
const maxLinkDepth = 3

// UnmarshalJSON reads an object, the bare address, or a list of them, of which the first
// with an address counts. It never fails.
func (l *Link) UnmarshalJSON(raw []byte) error {
	l.Href = readLink(raw, maxLinkDepth)
	return nil
}

// readLink returns the address in a link; empty without one.
func readLink(raw []byte, depth int) string {
	var object struct {
		Href   json.RawMessage `json:"href"`
		URL    json.RawMessage `json:"url"`
		URI    json.RawMessage `json:"uri"`
		Link   json.RawMessage `json:"link"`
		Markup json.RawMessage `json:"@href"`
	}
	var list []json.RawMessage
	switch {
	case depth == 0:
	case json.Unmarshal(raw, &object) == nil:
		for _, address := range []json.RawMessage{object.Href, object.URL, object.URI, object.Link, object.Markup} {
			href := readLink(address, depth-1)
			if href != "" {
				return href
			}
		}
		return ""
	case json.Unmarshal(raw, &list) == nil:
		for _, link := range list {
			href := readLink(link, depth-1)
			if href != "" {
				return href
			}
		}
		return ""
	}
	var address Written
	err := address.UnmarshalJSON(raw)
	if err != nil {
		return ""
	}
	href := plainAddress(address.text)
	if noLink[strings.ToLower(href)] {
		return ""
	}
	return href
}

// noLink are texts that banks write where a page has no next one.
var noLink = map[string]bool{
	"null": true, "none": true, "nil": true, "undefined": true, "#": true, "false": true, "n/a": true, "na": true, "-": true, "no": true, "aucun": true, "aucune": true,
	"[]": true, "{}": true, "string": true,
}

var (
	// breaks are the characters that browsers remove from an address, wherever they are.
	breaks = strings.NewReplacer("\t", "", "\n", "", "\r", "")
	// escapedTwice is a character that a program has escaped for JSON twice.
	escapedTwice = regexp.MustCompile(`\\u00([0-7][0-9a-fA-F])`)
	// besideSign are the spaces beside the signs that divide a query.
	besideSign = regexp.MustCompile(` *([?&=]) +| +([?&=])`)
)

// plainAddress returns an address without what programs add to it by mistake: line breaks,
// quotes around it, spaces beside its signs, and escapes of JSON within JSON.
func plainAddress(text string) string {
	href := escapedTwice.ReplaceAllStringFunc(breaks.Replace(text), func(written string) string {
		code, _ := strconv.ParseUint(written[len(`\u00`):], 16, 8)
		return string(rune(code))
	})
	href = notation.Identifier(withoutEntities(href))
	for _, quote := range []string{`"`, "'", "`"} {
		inner, ok := strings.CutPrefix(href, quote)
		if ok {
			href = strings.TrimSpace(strings.TrimSuffix(inner, quote))
		}
	}
	return besideSign.ReplaceAllString(href, "$1$2")
}

// Links are the links beside a list or within a record, by their names.
type Links map[string]Link

// To returns the link with a name, or a Link without an address.
func (l Links) To(name string) Link { return l[linkName(name)] }

// linkName returns a link's name in small letters, and "next" for each word that means it.
func linkName(name string) string {
	name = strings.ToLower(name)
	if nextNames[strings.Map(lettersOnly, name)] {
		return "next"
	}
	return name
}

// nextNames are the names of the link to the next page, in small letters alone.
var nextNames = map[string]bool{
	"next": true, "nextpage": true, "nextlink": true, "nexturl": true, "nexturi": true, "nexthref": true, "odatanextlink": true, "pagenext": true, "linknext": true,
	"suivant": true, "suivante": true, "pagesuivante": true, "following": true, "followingpage": true,
}

func lettersOnly(r rune) rune {
	if r < 'a' || r > 'z' {
		return -1
	}
	return r
}

// UnmarshalJSON reads an object with the links by name, or a list of links that have their
// names in rel. Of several links with one name the first with an address counts. It never
// fails.
func (l *Links) UnmarshalJSON(raw []byte) error {
	l.add(raw, maxLinkDepth)
	return nil
}

func (l *Links) add(raw []byte, depth int) {
	var list []json.RawMessage
	err := json.Unmarshal(raw, &list)
	if err == nil && depth > 0 {
		for _, links := range list {
			l.add(links, depth-1)
		}
		return
	}
	members, ok := membersOf(bytes.TrimSpace(raw))
	if !ok {
		return
	}
	for _, m := range members {
		var name Text
		if strings.EqualFold(strings.TrimPrefix(m.name, "@"), "rel") && json.Unmarshal(m.value, &name) == nil {
			l.set(string(name), raw)
			return
		}
	}
	for _, m := range members {
		l.set(m.name, m.value)
	}
}

func (l *Links) set(name string, raw []byte) {
	link := Link{readLink(raw, maxLinkDepth)}
	name = linkName(name)
	if link.Href == "" || (*l)[name].Href != "" {
		return
	}
	if *l == nil {
		*l = Links{}
	}
	(*l)[name] = link
}

// inHeader matches a link of the header of that name (RFC 8288): its address and its
// parameters.
var inHeader = regexp.MustCompile(`<([^>]*)>([^<]*)`)

// addHeader adds the links in the header of an answer.
func (l *Links) addHeader(header http.Header) {
	for _, found := range inHeader.FindAllStringSubmatch(strings.Join(header.Values("Link"), ","), -1) {
		rel := relation.FindStringSubmatch(found[2])
		if rel == nil {
			continue
		}
		for _, name := range strings.Fields(rel[1]) {
			l.set(name, quoted([]byte(found[1])))
		}
	}
}

// relation matches the names of a link in its parameters.
var relation = regexp.MustCompile(`(?i);\s*rel\s*=\s*"?([^";,]*)`)

// Target is a page of a resource: a path below the resource, such as "/next", and a
// query, both escaped. The zero Target is the resource itself, or no page.
type Target struct {
	Path  string `json:"path,omitempty"`
	Query string `json:"query,omitempty"`
}

// IsZero reports whether there is no page.
func (t Target) IsZero() bool { return t == Target{} }

// address returns a text that is different for each page of a resource.
func (t Target) address() string {
	if t.Path == "" {
		return t.Query
	}
	return t.Path + "?" + t.Query
}

// optional matches the optional part of a URI template (RFC 6570), such as {&size}.
var optional = regexp.MustCompile(`\{[?&/;.#+][^{}]*\}`)

var errLink = errors.New("a link cannot be followed")

// Target returns the page to which a link leads: its query, and its path below the
// resource. Only these are used. Scheme, host and path are always those of the
// configuration and of the account, because banks write links absolute, relative with or
// without a leading slash, escaped for HTML or as a whole, or with the host behind their
// gateway. So a link can lead neither to another host nor to another resource. It is zero
// without a link, or for a link to the resource itself. A link with none of these parts
// fails.
func (l Link) Target(resource string) (Target, error) {
	href := optional.ReplaceAllLiteralString(withoutEntities(l.Href), "")
	inner, _, bracketed := strings.Cut(strings.TrimPrefix(href, "<"), ">")
	if bracketed && strings.HasPrefix(href, "<") {
		href = inner // as in a header
	}
	if href == "" {
		return Target{}, nil
	}
	plain, err := url.PathUnescape(resource)
	if err != nil {
		return Target{}, fmt.Errorf("resource: %w", err)
	}
	for range maxEscapes {
		target, found := targetIn(href, plain)
		if found {
			return target, nil
		}
		href, err = url.PathUnescape(href)
		if err != nil {
			break
		}
	}
	return Target{}, errLink
}

// maxEscapes is how often an address may be escaped.
const maxEscapes = 3

// targetIn returns the page to which an address leads; found is false if it names neither
// the resource nor a query.
func targetIn(href, resource string) (target Target, found bool) {
	path, query, absolute := splitAddress(href)
	query = secondMark.ReplaceAllString(query, "&$1")
	rest, found := after("/"+strings.TrimSuffix(path, "/"), resource)
	if !found {
		// The path is another one, or is not needed.
		at := strings.IndexByte(path, '?')
		if at >= 0 && pair.MatchString(path[at+1:]) {
			rest = path[at:]
		}
	}
	below, escaped, _ := strings.Cut(rest, "?") // an escaped question mark
	if escaped != "" {
		query = strings.TrimSuffix(escaped+"&"+query, "&")
	}
	below, legal := escapePath(below)
	found = found && legal // a path that leaves the resource is ignored
	target = Target{Path: below, Query: escapeQuery(plainQuery(query))}
	isNone := strings.Trim(path, "/") == "" && !absolute
	return target, found || !target.IsZero() || isNone
}

// secondMark is a second question mark, which a program has put before its own parameter.
var secondMark = regexp.MustCompile(`\?([A-Za-z_][A-Za-z0-9_.\[\]-]*=)`)

var (
	// markup matches the ways in which markup writes the characters of an address.
	markup = regexp.MustCompile(`(?i)&(?:(?:amp|#0*38|#x0*26);)*(?:amp|quest|equals|sol|colon|num|percnt|quot|apos|lt|gt|semi|dollar|lsqb|rsqb|#[0-9]{1,4}|#x[0-9a-f]{1,4});`)
	// openMarkup is an ampersand in markup without its semicolon.
	openMarkup = regexp.MustCompile(`(?i)&#(?:0*38|x0*26)([g-z_])`)
)

// withoutEntities undoes the escaping of an address for markup, once or more often.
func withoutEntities(href string) string {
	href = markup.ReplaceAllStringFunc(href, func(written string) string {
		for range maxEscapes {
			written = html.UnescapeString(written)
		}
		return written
	})
	return openMarkup.ReplaceAllString(href, "&$1")
}

// scheme is the beginning of an absolute address.
var scheme = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*`)

// pair is a query without its question mark.
var pair = regexp.MustCompile(`^&?[A-Za-z0-9_.\[\]-]+=`)

// splitAddress returns the unescaped path and the query of an address, and whether it names
// a host. It reads addresses that no standard allows: with a host but no scheme, with a query
// that has no question mark, or with one in the fragment.
func splitAddress(href string) (path, query string, absolute bool) {
	href, fragment, _ := strings.Cut(href, "#")
	if !strings.Contains(href, "?") && strings.ContainsAny(fragment, "?=") {
		// The address of a page for browsers, whose scripts read the fragment.
		href += strings.TrimPrefix(fragment, "!")
	}
	host := scheme.FindString(href)
	href = href[len(host):]
	path, query, asked := strings.Cut(href, "?")
	if !asked && host == "" && pair.MatchString(href) {
		path, query = "", strings.TrimPrefix(href, "&")
	}
	unescaped, err := url.PathUnescape(path)
	if err == nil {
		path = unescaped
	}
	return path, query, host != ""
}

var (
	// opened is the beginning of a query that is not escaped. A text with an equals sign at
	// its end alone may be a cursor.
	opened = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.\[\]-]*=[^=]`)
	// escapedAmpersand is an ampersand that is escaped although the equals sign behind it is
	// not: it separates two parameters, and belongs to no value. Programs that lose the
	// backslash leave the rest of JSON's escape.
	escapedAmpersand = regexp.MustCompile(`(?i)(?:%26(?:amp(?:;|%3b))?|&amp%3b|&?u0026)([A-Za-z_][A-Za-z0-9_.\[\]-]*=)`)
	// semicolons are a query whose parameters, or some of them, semicolons separate, as an
	// early recommendation of HTML allows. A value with an equals sign of its own may be a
	// cursor that has a semicolon.
	semicolons = regexp.MustCompile(`^[&;]*` + named + `(?:` + value + `)?(?:&+` + named + `(?:` + value + `)?|[&;]+` + named + value + `)*[&;]*$`)
)

// The parts of a parameter of a query: its name, and a value, which may end like base64.
const (
	named = `[A-Za-z_$][A-Za-z0-9_.$\[\]-]*=`
	value = `[^&;=]+={0,2}`
)

// plainQuery undoes the escaping of a query as a whole, or of its ampersands, and separates
// its parameters by ampersands: servers that read semicolons read these too, and others
// read nothing else.
func plainQuery(query string) string {
	whole := query
	for range maxEscapes {
		if strings.ContainsAny(whole, "=&") {
			break
		}
		unescaped, err := url.PathUnescape(whole)
		if err != nil {
			break
		}
		whole = unescaped
	}
	if opened.MatchString(whole) {
		query = whole
	}
	query = withoutEntities(escapedAmpersand.ReplaceAllString(query, "&$1"))
	if semicolons.MatchString(query) {
		query = strings.ReplaceAll(query, ";", "&")
	}
	return query
}

// after returns what follows the resource in a path; found is false if the path does not
// contain it.
func after(path, resource string) (rest string, found bool) {
	at := strings.LastIndex(path, resource)
	if at < 0 {
		return "", false
	}
	rest = path[at+len(resource):]
	if pair.MatchString(rest) && rest[0] == '&' {
		return "?" + rest[1:], true // a query that goes on without having begun
	}
	if rest != "" && rest[0] != '/' && rest[0] != '?' {
		return "", false
	}
	return rest, true
}

// escapePath escapes a path below a resource; legal is false for one that leaves it.
func escapePath(path string) (escaped string, legal bool) {
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return "", true
	}
	for _, segment := range strings.Split(path[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "", false
		}
		escaped += "/" + url.PathEscape(segment)
	}
	return escaped, true
}

// escapeQuery escapes a bank's query for a request line. It also escapes colons, which
// some banks refuse although their own links contain them.
func escapeQuery(query string) string {
	var b strings.Builder
	for _, char := range []byte(query) {
		if char <= ' ' || char >= 0x7f || strings.IndexByte("#:\"<>{}|\\^`", char) >= 0 {
			fmt.Fprintf(&b, "%%%02X", char)
			continue
		}
		b.WriteByte(char)
	}
	return b.String()
}
