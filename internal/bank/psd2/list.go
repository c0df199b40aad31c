package psd2

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// List is an answer that holds a list of records. Each record is decoded by itself, so
// that one that cannot be read does not cost the others.
type List struct {
	Records []json.RawMessage
	// Cut is set if the answer ends too early, or is larger than the limit: the records at
	// its end are missing.
	Cut bool
	// Followed is set if a second answer follows the first. Other text after it, such as a
	// gateway's mark, says nothing.
	Followed bool
	// Partial is set if the status of the answer is that of a part of the list.
	Partial bool
	// More is set if a member of the answer announces further records.
	More bool
	// Links are the links beside the list, and those in the answer's header.
	Links Links
	// Cookies are those that the answer sets, as name=value.
	Cookies []string
	// found is set if the answer has the list, even if it is empty.
	found   bool
	members map[string]json.RawMessage
}

// Member decodes a member of the answer beside the list. A member that is missing or of
// another type changes nothing.
func (l List) Member(name string, into any) {
	raw, ok := l.members[name]
	if ok {
		_ = json.Unmarshal(raw, into) // as if it were absent
	}
}

// maxList limits the size of an answer with a list: about a hundred thousand rows.
const maxList = 64 << 20

// SendList sends a request and reads the list in the named member of the answer, record
// by record from the stream. "Data.Account" is a member of the object in another one. The list is empty after 204, an empty body, or an answer
// that the bank's data classify as empty. recordMembers are members that only a record
// has, see ReadRecords.
func (c *Client) SendList(ctx context.Context, call bank.Call, r Request, member string, recordMembers ...string) (List, error) {
	request, err := c.request(ctx, call, r)
	if err != nil {
		return List{}, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return List{}, Unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		body, err := ReadBody(response, maxAnswer)
		if err != nil {
			return List{}, err
		}
		return List{}, c.classify(r.Op, decoded(response, body))
	}
	if response.StatusCode == http.StatusAccepted {
		// The list is not ready; an empty one would be an inference.
		return List{}, &bank.Failure{Kind: bank.Unavailable, Status: response.StatusCode}
	}
	form := listForm{strings.Split(member, "."), recordMembers}
	list, err := readList(response.Body, notation.DeclaredCharset(response.Header.Get("Content-Type")), form, c.maxList)
	if err == nil && !list.found {
		err = c.checkEmpty(list, member)
	}
	list.Links.addHeader(response.Header)
	for _, cookie := range response.Cookies() {
		if cookie.MaxAge >= 0 {
			list.Cookies = append(list.Cookies, cookie.Name+"="+cookie.Value)
		}
	}
	list.Partial = response.StatusCode == http.StatusPartialContent
	var failure *bank.Failure
	if errors.As(err, &failure) {
		failure.Status = response.StatusCode
	}
	return list, err
}

// checkEmpty fails if an answer without the list holds something else: an error, such as
// {"message": "maintenance"}, or the list under another name. An empty list would be an
// inference.
func (c *Client) checkEmpty(list List, member string) error {
	beside, err := json.Marshal(list.members)
	if err != nil || list.Followed || c.dialect.ErrorText(beside) != "" {
		return Nonsense(fmt.Errorf("the answer has no member %q", member))
	}
	for name, value := range list.members {
		holds := value[0] == '{' || value[0] == '['
		if !isLinks(name) && (holds && len(value) > 2 || meansError(name, value)) {
			return Nonsense(fmt.Errorf("the answer has a member %q, and none %q", SafeText(name), member))
		}
	}
	return nil
}

// meansError reports whether a member without an object or a list tells an error.
func meansError(name string, value json.RawMessage) bool {
	switch strings.ToLower(name) {
	case "error", "errors", "erreur", "fault", "exception", "code", "status":
	default:
		return false
	}
	var written Written
	_ = written.UnmarshalJSON(value) // never fails
	switch strings.ToLower(written.text) {
	case "", "0", "200", "204", "ok", "success":
		return written.other && string(value) == "true"
	}
	return true
}

// listForm is how a list is written: the member that holds it, or the members from the
// outermost one on, and the members of a record.
type listForm struct {
	path          []string
	recordMembers []string
}

// readList reads an object with a list from a stream of at most limit bytes. If the object
// ends too early, or goes on with something that is not JSON, the records before are kept.
func readList(body io.Reader, charset string, form listForm, limit int64) (List, error) {
	stream := &bodyReader{body: body, left: limit}
	list := List{members: map[string]json.RawMessage{}}
	err := list.read(scanner{bufio.NewReader(notation.Unicode(stream))}, notation.Charset(charset), form)
	switch {
	case stream.err != nil:
		return List{}, Unreachable(stream.err) // even before its first byte: that is no empty answer
	case err == nil:
		return list, nil
	case stream.left <= 0, len(list.Records) > 0:
		list.Cut = true
		return list, nil
	}
	return List{}, Nonsense(err)
}

// read reads the object; an empty stream is an empty list.
func (l *List) read(s scanner, charset *charmap.Charmap, form listForm) error {
	if s.atEnd() {
		return nil
	}
	opened, err := s.cut('{')
	if err != nil {
		return err
	}
	if !opened {
		value, err := s.value()
		var inner string
		switch {
		case err != nil || !s.atEnd():
		case string(value) == "null":
			return nil
		case json.Unmarshal(value, &inner) == nil && strings.HasPrefix(strings.TrimSpace(inner), "{"):
			// A gateway has written the answer as a text.
			return l.read(scanner{bufio.NewReader(strings.NewReader(inner))}, charset, form)
		}
		return errors.New("the answer is not an object")
	}
	err = l.readMembers(s, charset, form)
	if err == nil {
		b, _ := s.peek()
		l.Followed = b == '{' || b == '['
	}
	return err
}

// readMembers reads the members of an object up to its end.
func (l *List) readMembers(s scanner, charset *charmap.Charmap, form listForm) error {
	return s.elements('}', func() error {
		written, err := s.value()
		if err != nil {
			return err
		}
		separated, err := s.cut(':')
		if err != nil {
			return err
		}
		if !separated || written[0] != '"' {
			return errFaulty // nobody knows what such a member is
		}
		name := nameOf(notation.UTF8(written, charset))
		if strings.EqualFold(name, form.path[0]) {
			return l.readInner(s, charset, form)
		}
		value, err := s.value()
		l.addMember(name, mended(notation.UTF8(value, charset)))
		return err
	})
}

// readInner reads the member that holds the list, or the object that holds this member. An
// object without members, and null, hold an empty list.
func (l *List) readInner(s scanner, charset *charmap.Charmap, form listForm) error {
	if len(form.path) == 1 {
		l.found = true
		return l.readRecords(s, charset, form)
	}
	opened, err := s.cut('{')
	if err != nil {
		return err
	}
	if !opened {
		l.found = true
		return l.readRecords(s, charset, form)
	}
	before := len(l.members)
	form.path = form.path[1:]
	err = l.readMembers(s, charset, form)
	l.found = l.found || len(l.members) == before
	return err
}

// addMember keeps a member beside the list. Its links may be there twice.
func (l *List) addMember(name string, value json.RawMessage) {
	l.members[name] = value
	l.addLinks(name, value, maxLinkDepth)
}

// addLinks adds the links in a member beside the list, or within a description of the page
// there, and sets More if it announces more.
func (l *List) addLinks(name string, value json.RawMessage, depth int) {
	switch {
	case isLinks(name):
		l.Links.add(value, maxLinkDepth)
	case linkName(name) == "next":
		if strings.ContainsAny(readLink(value, maxLinkDepth), "/?=") {
			l.Links.set(name, value)
		}
	case saysMore(name, value):
		l.More = true
	case depth > 0:
		members, _ := membersOf(bytes.TrimSpace(value))
		for _, m := range members {
			l.addLinks(m.name, m.value, depth-1)
		}
	}
}

// isLinks reports whether a member of an answer holds its links.
func isLinks(name string) bool {
	name = strings.ToLower(strings.TrimPrefix(name, "_"))
	return name == "links" || name == "link"
}

// moreNames are the members, in small letters alone, that are true if another page follows,
// and lastNames those that are false then.
var (
	moreNames = map[string]bool{
		"more": true, "hasmore": true, "hasnext": true, "hasnextpage": true, "morepages": true, "moredata": true, "moreresults": true, "moreavailable": true,
		"hasmoredata": true, "hasmoreresults": true, "hasmorepages": true, "hasmoretransactions": true, "truncated": true, "istruncated": true, "partial": true, "ispartial": true,
	}
	lastNames = map[string]bool{"last": true, "islast": true, "lastpage": true, "islastpage": true, "complete": true, "iscomplete": true}
)

// saysMore reports whether a member announces more than the answer holds.
func saysMore(name string, value json.RawMessage) bool {
	name = strings.Map(lettersOnly, strings.ToLower(name))
	switch strings.ToLower(strings.Trim(string(bytes.TrimSpace(value)), `"`)) {
	case "true":
		return moreNames[name]
	case "false":
		return lastNames[name]
	}
	return false
}

// readRecords reads the list itself, or what is written instead of it.
func (l *List) readRecords(s scanner, charset *charmap.Charmap, form listForm) error {
	opened, err := s.cut('[')
	if err != nil {
		return err
	}
	if !opened {
		value, err := s.value()
		if err != nil {
			return err
		}
		value = mended(notation.UTF8(value, charset))
		records, ok := ReadRecords(value, form.recordMembers...)
		if !ok {
			return fmt.Errorf("member %q is not a list", form.path[0])
		}
		held, _ := membersOf(value)
		for _, m := range held {
			if isLinks(m.name) || linkName(m.name) == "next" {
				l.addLinks(m.name, m.value, 0)
			}
		}
		l.Records = append(l.Records, records...)
		return nil
	}
	return s.elements(']', func() error {
		value, err := s.value()
		if err == nil {
			l.Records = append(l.Records, mended(notation.UTF8(value, charset)))
		}
		return err
	})
}

// bodyReader reads at most left bytes of a body, and keeps the error of the connection.
type bodyReader struct {
	body io.Reader
	left int64
	err  error
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
