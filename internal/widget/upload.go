package widget

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// The limits of a form with a file.
const (
	// mostSent is how much of a form is received at all, so that a file that is too large gets a page for
	// an answer. Only connect.MostFileBytes of it are kept.
	mostSent = 128 << 20
	// mostFileField and mostFileFields limit the fields beside the file.
	mostFileField, mostFileFields = 64 << 10, 300
)

// fieldSent names the part of the form that is the file.
const fieldSent = "file of the form"

// bringsFile reports whether a posted form has parts, as those with a file.
func bringsFile(r *http.Request) bool {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return media == "multipart/form-data"
}

// giveTime gives a request the time of a file.
func giveTime(x *exchange) {
	control := http.NewResponseController(x)
	// Connections follow the machine's clock. One without deadlines needs no others.
	_ = control.SetReadDeadline(time.Now().Add(connect.UploadTime))
	_ = control.SetWriteDeadline(time.Now().Add(connect.ImportTime))
}

// discard receives a form without keeping it: browsers show no answer before they have sent theirs.
func discard(x *exchange) {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(x, x.request.Body, mostSent)) // the answer is the same
}

// sentFile is a form with a file.
type sentFile struct {
	content []byte
	fields  map[string]string
}

// readFile receives a form with a file.
func readFile(x *exchange) (sentFile, error) {
	sent := sentFile{fields: make(map[string]string)}
	x.request.Body = http.MaxBytesReader(x, x.request.Body, mostSent)
	parts, err := x.request.MultipartReader()
	if err != nil {
		return sent, formFault(err)
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sent, formFault(err)
		}
		isFile := part.FormName() == "file"
		limit := int64(mostFileField)
		if isFile {
			limit = connect.MostFileBytes + 1
		}
		content, err := io.ReadAll(io.LimitReader(part, limit))
		if err == nil {
			_, err = io.Copy(io.Discard, part)
		}
		switch {
		case err != nil:
			return sent, formFault(err)
		case isFile:
			sent.content = content
		case len(sent.fields) >= mostFileFields:
			return sent, oxlin.Errorf(oxlin.CodePayloadTooLarge, "The form is too large.")
		default:
			sent.fields[part.FormName()] = string(content)
		}
	}
	if len(sent.content) == 0 {
		return sent, oxlin.Invalid(fieldSent, "The form has no file.")
	}
	return sent, nil
}

// formFault returns the error for a form that cannot be read.
func formFault(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return oxlin.Errorf(oxlin.CodePayloadTooLarge, "A file may have 16 MiB.")
	}
	return &oxlin.Error{Code: oxlin.CodeInvalidRequest, Message: "The form cannot be read.", Err: err}
}

// asImport returns the import that a form asks for. Its answers replace those parts of the reading of
// a table.
func (s sentFile) asImport() (connect.NewImport, error) {
	file := connect.NewImport{Content: s.content}
	err := file.Answer(s.fields["account"], s.fields["mapping"])
	if err != nil {
		return file, err
	}
	if m := file.Mapping; m != nil {
		for name, member := range map[string]*string{"order": &m.Order, "decimal": &m.Decimal, "sign": &m.Sign} {
			if answer, answered := s.fields[name]; answered {
				*member = answer
			}
		}
		for i := range m.Columns {
			if answer, answered := s.fields[columnName(i)]; answered {
				m.Columns[i] = connect.Role(answer)
			}
		}
	}
	return file, nil
}
