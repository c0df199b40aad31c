package datafile

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Fault is one fault of a document.
type Fault struct {
	// Path is the JSON path of the value: $.config.oauth.token_url.
	Path string
	Text string
	// Missing is true for a setting without a value: the document itself is valid.
	Missing bool
}

func (f Fault) String() string { return f.Path + ": " + f.Text }

// Report collects the faults of one document.
type Report struct {
	// HTTPS makes Node.CheckAddress refuse other schemes.
	HTTPS  bool
	faults []Fault
	// unread holds the paths of values that are not checked, because they could not be
	// decoded or lack a setting. A second fault there would only repeat the first.
	unread []string
}

// Faults returns the faults in the order in which they were found.
func (r *Report) Faults() []Fault { return r.faults }

// Root returns the node of the whole document.
func (r *Report) Root() Node { return Node{r, "$"} }

// Err returns all faults as one error, or nil if there is no fault.
func (r *Report) Err() error {
	if len(r.faults) == 0 {
		return nil
	}
	lines := make([]string, len(r.faults))
	for i, fault := range r.faults {
		lines[i] = fault.String()
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

// Node is a value of a document. Its methods report the faults of that value.
type Node struct {
	report *Report
	path   string
}

// plainName matches a member's name that needs no quotes in a path.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Member returns a member of the node, which is an object.
func (n Node) Member(name string) Node {
	if plainName.MatchString(name) {
		return Node{n.report, n.path + "." + name}
	}
	return Node{n.report, n.path + "[" + strconv.Quote(name) + "]"}
}

// Item returns an element of the node, which is a list.
func (n Node) Item(i int) Node { return Node{n.report, fmt.Sprintf("%s[%d]", n.path, i)} }

// Add reports a fault.
func (n Node) Add(format string, args ...any) {
	n.report.faults = append(n.report.faults, Fault{Path: n.path, Text: fmt.Sprintf(format, args...)})
}

// Check reports a fault unless ok is true or the value is already reported as
// unreadable.
func (n Node) Check(ok bool, format string, args ...any) {
	if !ok && !n.isUnread() {
		n.Add(format, args...)
	}
}

// Lack reports a missing setting that the value needs.
func (n Node) Lack(format string, args ...any) {
	n.report.faults = append(n.report.faults, Fault{n.path, fmt.Sprintf(format, args...), true})
	n.report.unread = append(n.report.unread, n.path)
}

// CheckAddress reports a text that is not an http or https URL.
func (n Node) CheckAddress(text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		n.Check(false, "%q is not a URL", text)
	case n.report.HTTPS:
		n.Check(u.Scheme == "https", "%q is not an https URL", text)
	}
}

// refuse reports a fault that makes the value unreadable.
func (n Node) refuse(format string, args ...any) {
	n.Check(false, format, args...)
	n.report.unread = append(n.report.unread, n.path)
}

func (n Node) isUnread() bool {
	for _, path := range n.report.unread {
		rest, inside := strings.CutPrefix(n.path, path)
		if inside && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
