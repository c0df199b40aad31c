package api

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	// bodyLimit is far above the largest sensible body, a PGP message per credential.
	bodyLimit = 1 << 20
	// depthLimit is far above the depth of every body in the contract.
	depthLimit = 20
)

// tolerate converts the forms that clients send into the form of the document (contract
// §3). A repeated parameter becomes a list.
func tolerate(r *http.Request, path string) *http.Request {
	r = r.Clone(r.Context())
	r.URL.Path, r.URL.RawPath = path, ""
	if users, ok := strings.CutPrefix(path, "/admin/users/"); ok {
		r.URL.Path = "/users/" + users
	}
	query := given(r.URL.Query())
	if importsFile(r, path) {
		body := &fileBody{original: r.Body, contentType: r.Header.Get("Content-Type"), encoding: r.Header.Get("Content-Encoding")}
		exchangeOf(r.Context()).file = body
		r.Body, r.ContentLength, r.URL.RawQuery = body, -1, query.Encode()
		r.Header.Set("Content-Type", "application/octet-stream")
		return r
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		body := &jsonBody{original: r.Body, header: r.Header.Clone(), query: query}
		if path == sessionPath {
			body.keep = exchangeOf(r.Context()).keepCosmetics
		}
		r.Body = body
		r.ContentLength = -1
		r.Header.Set("Content-Type", "application/json")
	default:
		r.Body, r.ContentLength = http.NoBody, 0
		r.URL.RawQuery = joined(query).Encode()
	}
	return r
}

// given drops parameters without a value, which count as absent. An empty terms_body is
// the one exception, because it has a meaning (contract §6.3).
func given(query url.Values) url.Values {
	maps.DeleteFunc(query, func(name string, values []string) bool {
		return name != "terms_body" && !slices.ContainsFunc(values, func(v string) bool { return v != "" })
	})
	return query
}

// jsonBody reads a body as JSON, whatever form it has. Conversion is lazy, so that
// authorization errors come before body errors.
type jsonBody struct {
	original  io.ReadCloser
	header    http.Header
	query     url.Values
	converted *bytes.Reader
	// keep takes members out of the converted body that the document does not judge; nil
	// takes none.
	keep func(body []byte) ([]byte, error)
}

func (b *jsonBody) Read(p []byte) (int, error) {
	if b.converted == nil {
		body, err := web.ReadBody(http.MaxBytesReader(nil, b.original, bodyLimit))
		defer clear(body)
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return 0, oxlin.Errorf(oxlin.CodePayloadTooLarge, "The body is larger than %d bytes.", bodyLimit)
		}
		if err != nil {
			return 0, oxlin.Errorf(oxlin.CodeInvalidRequest, "The body could not be read.")
		}
		if coding := b.header.Get("Content-Encoding"); len(body) > 0 && coding != "" && coding != "identity" {
			return 0, oxlin.Invalid("Content-Encoding", "A body must not be compressed.")
		}
		converted, err := toJSON(b.header.Get("Content-Type"), body, b.query)
		if err == nil && b.keep != nil {
			converted, err = b.keep(converted)
		}
		if err != nil {
			return 0, err
		}
		b.converted = bytes.NewReader(converted)
	}
	return b.converted.Read(p)
}

func (b *jsonBody) Close() error { return b.original.Close() }

// toJSON merges a body and the query's parameters into one JSON object. A text that
// looks like JSON is JSON, because curl -d calls everything a form. Members of the body
// override parameters.
func toJSON(contentType string, body []byte, query url.Values) ([]byte, error) {
	object := newObject()
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	media, parameters, _ := mime.ParseMediaType(contentType)
	switch {
	case len(body) == 0:
	case body[0] == '{':
		err := object.addJSON(body)
		if err != nil {
			return nil, err
		}
	case media == "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]).ReadForm(bodyLimit)
		if err != nil {
			return nil, oxlin.Errorf(oxlin.CodeInvalidRequest, "The body is not a valid form.")
		}
		err = object.addForm(withCredentials(form.Value))
		if err != nil {
			return nil, err
		}
	case media == "application/x-www-form-urlencoded" || media == "":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, oxlin.Errorf(oxlin.CodeInvalidRequest, "The body is not a valid form.")
		}
		err = object.addForm(withCredentials(form))
		if err != nil {
			return nil, err
		}
	default:
		return nil, oxlin.Errorf(oxlin.CodeInvalidRequest, "The body has to be a JSON object or form fields.")
	}
	err := object.addForm(query)
	if err != nil {
		return nil, err
	}
	return object.end(), nil
}

// object is a JSON object under construction; the first value of a member stays.
type object struct {
	encoder jx.Encoder
	members map[string]bool
}

func newObject() *object {
	o := &object{members: map[string]bool{}}
	o.encoder.ObjStart()
	return o
}

func (o *object) end() []byte {
	o.encoder.ObjEnd()
	return o.encoder.Bytes()
}

// addJSON copies the members of an object except those that are null.
func (o *object) addJSON(text []byte) error {
	decoder := jx.DecodeBytes(text)
	err := decoder.Obj(func(d *jx.Decoder, name string) error {
		o.members[name] = true
		return copyMember(d, &o.encoder, name, depthLimit)
	})
	if err == nil && decoder.Skip() != io.EOF {
		err = errors.New("something follows the object")
	}
	var shown *oxlin.Error
	if err == nil || errors.As(err, &shown) {
		return err
	}
	return &oxlin.Error{Code: oxlin.CodeInvalidRequest, Message: "The body is not valid JSON.", Err: err}
}

func copyMember(d *jx.Decoder, e *jx.Encoder, name string, depth int) error {
	if !oxlin.IsText(name) {
		return notText("")
	}
	if d.Next() == jx.Null {
		return d.Null()
	}
	return copyNamed(d, e, name, depth)
}

// copyNamed writes a name and copies its value. An error carries the member's path.
func copyNamed(d *jx.Decoder, e *jx.Encoder, name string, depth int) error {
	e.FieldStart(name)
	var err error
	if name == "credentials" && d.Next() == jx.Array {
		err = copyCredentials(d, e, depth)
	} else {
		err = copyValue(d, e, depth)
	}
	var shown *oxlin.Error
	if errors.Is(err, errNested) || !errors.As(err, &shown) {
		return err
	}
	if shown.Field != "" {
		name += "." + shown.Field
	}
	return oxlin.Invalid(name, "%s", shown.Message)
}

// copyValue copies a value; numbers keep their digits, and repeated names are kept.
func copyValue(d *jx.Decoder, e *jx.Encoder, depth int) error {
	if depth == 0 {
		return errNested
	}
	switch d.Next() {
	case jx.Object:
		e.ObjStart()
		err := d.Obj(func(d *jx.Decoder, name string) error { return copyMember(d, e, name, depth-1) })
		e.ObjEnd()
		return err
	case jx.Array:
		e.ArrStart()
		err := d.Arr(func(d *jx.Decoder) error { return copyValue(d, e, depth-1) })
		e.ArrEnd()
		return err
	case jx.String:
		s, err := d.Str()
		if err == nil && !oxlin.IsText(s) {
			return notText("")
		}
		e.Str(s)
		return err
	}
	raw, err := d.Raw()
	e.Raw(raw)
	return err
}

// copyCredentials copies an array of credentials. Documents of the hosted service put
// several credentials into one object (contract §9, row 18), of which a plain decoder
// keeps the last: a repeated name starts a new object here.
func copyCredentials(d *jx.Decoder, e *jx.Encoder, depth int) error {
	if depth == 0 {
		return errNested
	}
	e.ArrStart()
	err := d.Arr(func(d *jx.Decoder) error {
		if d.Next() != jx.Object {
			return copyValue(d, e, depth-1)
		}
		var c credential
		e.ObjStart()
		err := d.Obj(func(d *jx.Decoder, name string) error {
			if c.members[name] {
				err := c.fault()
				if err != nil {
					return err
				}
				c = credential{}
				e.ObjEnd()
				e.ObjStart()
			}
			return c.copyMember(d, e, name, depth-1)
		})
		e.ObjEnd()
		return cmp.Or(err, c.fault())
	})
	e.ArrEnd()
	return err
}

// credential collects the members of a credential while it is copied. Its id may come
// last, so an error about its value is reported at the end.
type credential struct {
	members map[string]bool
	id      string
	wrong   string
}

func (c *credential) copyMember(d *jx.Decoder, e *jx.Encoder, name string, depth int) error {
	if c.members == nil {
		c.members = map[string]bool{}
	}
	c.members[name] = true
	kind := d.Next()
	if name == "id" && (kind == jx.String || kind == jx.Number) {
		text, err := d.Raw()
		if err != nil {
			return err
		}
		c.id = strings.Trim(text.String(), `"`)
		d = jx.DecodeBytes(text)
	}
	if name == "value" && kind != jx.String && kind != jx.Null {
		c.wrong = "A credential's value has to be a text."
	}
	err := copyMember(d, e, name, depth)
	var shown *oxlin.Error
	if name == "value" && errors.As(err, &shown) && !errors.Is(err, errNested) {
		c.wrong = shown.Message
		return nil
	}
	return err
}

// fault names the credential if its value is invalid.
func (c *credential) fault() error {
	if c.wrong == "" {
		return nil
	}
	return oxlin.Invalid(cmp.Or(c.id, "value"), "%s", c.wrong)
}

var errNested = oxlin.Errorf(oxlin.CodeInvalidRequest, "The body is nested too deeply.")

// notText returns the error about a text that a database cannot store; member is
// empty if the text is a member's name.
func notText(member string) error {
	return oxlin.Invalid(member, "Texts have to be UTF-8, without the character zero.")
}
