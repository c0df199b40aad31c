package psd2

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// List is an answer that holds a list of records. Each record is decoded by itself, so
// that one that cannot be read does not cost the others.
type List struct {
	Records []json.RawMessage
	// Cut is set if the answer is larger than the limit: the records at its end are
	// missing.
	Cut bool
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
// by record from the stream. The list is empty after 204, an empty body, or an answer
// that the bank's data classify as empty.
func (c *Client) SendList(ctx context.Context, call bank.Call, r Request, member string) (List, error) {
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
		return List{}, c.classify(r.Op, answer{response.StatusCode, response.Header, bytes.TrimSpace(body)})
	}
	list, err := readList(response.Body, charsetOf(response.Header), member, c.maxList)
	if err == nil && !list.found {
		err = c.checkEmpty(list, member)
	}
	var failure *bank.Failure
	if errors.As(err, &failure) {
		failure.Status = response.StatusCode
	}
	return list, err
}

// checkEmpty fails if an answer without the list holds an error, such as {"message":
// "maintenance"}: an empty list would be an inference.
func (c *Client) checkEmpty(list List, member string) error {
	beside, err := json.Marshal(list.members)
	if err != nil || c.dialect.ErrorText(beside) != "" {
		return Nonsense(fmt.Errorf("the answer has no member %q", member))
	}
	return nil
}

// charsetOf returns the character set that an answer declares.
func charsetOf(header http.Header) string {
	_, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return parameters["charset"]
}

// readList reads an object with a list from a stream of at most limit bytes.
func readList(body io.Reader, charset, member string, limit int64) (List, error) {
	stream := &bodyReader{body: body, left: limit}
	decoder := json.NewDecoder(&blankControls{stream: inUTF8(stream)})
	list := List{members: map[string]json.RawMessage{}}
	err := list.read(decoder, notation.Charset(charset), member)
	switch {
	case err == nil:
		return list, nil
	case stream.err != nil:
		return List{}, Unreachable(stream.err)
	case stream.left <= 0:
		list.Cut = true
		return list, nil
	}
	var failure *bank.Failure
	if errors.As(err, &failure) {
		return List{}, failure
	}
	return List{}, Nonsense(DescribeJSON(err))
}

// read reads the object; an empty stream is an empty list.
func (l *List) read(decoder *json.Decoder, charset *charmap.Charmap, member string) error {
	token, err := decoder.Token()
	if err == io.EOF || err == nil && token == nil {
		return nil
	}
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return Nonsense(errors.New("the answer is not an object"))
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		if name == member {
			l.found = true
			err = l.readRecords(decoder, charset, member)
		} else {
			var raw json.RawMessage
			err = decoder.Decode(&raw)
			l.members[fmt.Sprint(name)] = notation.UTF8(raw, charset)
		}
		if err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	if err != nil {
		return err
	}
	_, err = decoder.Token()
	if err != io.EOF {
		return cmp.Or(err, error(Nonsense(errors.New("something follows the answer"))))
	}
	return nil
}

// readRecords reads the list itself, or null.
func (l *List) readRecords(decoder *json.Decoder, charset *charmap.Charmap, member string) error {
	token, err := decoder.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return Nonsense(fmt.Errorf("member %q is not a list", member))
	}
	for decoder.More() {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if err != nil {
			return err
		}
		l.Records = append(l.Records, notation.UTF8(raw, charset))
	}
	_, err = decoder.Token()
	return err
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

// inUTF8 removes the byte order mark from the beginning of a stream, and decodes UTF-16.
func inUTF8(stream io.Reader) io.Reader {
	buffered := bufio.NewReader(stream)
	first, _ := buffered.Peek(3)
	switch {
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3)
	case len(first) == 3 && (first[0] == 0xFF && first[1] == 0xFE || first[0] == 0xFE && first[1] == 0xFF):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(buffered)
	}
	return buffered
}

// blankControls replaces the control characters in the strings of JSON with spaces. JSON
// allows none there, but banks write them.
type blankControls struct {
	stream            io.Reader
	inString, escaped bool
}

func (r *blankControls) Read(p []byte) (int, error) {
	n, err := r.stream.Read(p)
	for i, b := range p[:n] {
		switch {
		case r.inString && b < ' ':
			p[i] = ' '
			r.escaped = false
		case r.escaped:
			r.escaped = false
		case r.inString && b == '\\':
			r.escaped = true
		case b == '"':
			r.inString = !r.inString
		}
	}
	return n, err
}
