package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/connect"
)

// mostField limits a field of a form beside its file.
const mostField = 10_000

// importsFile reports whether the body at a path is a file.
func importsFile(r *http.Request, path string) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(path, "/import")
}

// fileBody reads the file of a body, which is the whole of it or a part of a form. The other
// fields of a form are in fields once the file is read. Reading is lazy, so that authorization
// errors come before errors of the body.
type fileBody struct {
	original    io.ReadCloser
	contentType string
	encoding    string
	file        io.Reader
	fields      map[string]string
	// control gives the request more time than others have.
	control *http.ResponseController
}

func (b *fileBody) Read(p []byte) (int, error) {
	if b.file == nil {
		err := b.open()
		if err != nil {
			return 0, err
		}
	}
	return b.file.Read(p)
}

// open finds the file, and reads the fields that stand before and after it.
func (b *fileBody) open() error {
	if b.encoding != "" && b.encoding != "identity" {
		return oxlin.Invalid("Content-Encoding", "A body must not be compressed.")
	}
	if b.control != nil {
		// Connections follow the machine's clock. One without deadlines needs no others.
		_ = b.control.SetReadDeadline(time.Now().Add(connect.UploadTime))
		_ = b.control.SetWriteDeadline(time.Now().Add(connect.ImportTime))
	}
	limited := http.MaxBytesReader(nil, b.original, connect.MostFileBytes+1<<16)
	media, parameters, _ := mime.ParseMediaType(b.contentType)
	if media != "multipart/form-data" {
		b.file = limited
		return nil
	}
	form := multipart.NewReader(limited, parameters["boundary"])
	b.fields = make(map[string]string)
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return readFault(err, "The body is not a valid form.")
		}
		isFile := part.FormName() == "file"
		limit := int64(mostField)
		if isFile {
			limit = connect.MostFileBytes + 1
		}
		content, err := io.ReadAll(io.LimitReader(part, limit))
		if err != nil {
			return readFault(err, "The body is not a valid form.")
		}
		if isFile {
			b.file = bytes.NewReader(content)
		} else {
			b.fields[part.FormName()] = string(content)
		}
	}
	if b.file == nil {
		return oxlin.Invalid("file", "The form has no part with the name file.")
	}
	return nil
}

func (b *fileBody) Close() error { return b.original.Close() }

// readFault returns the error for a body that cannot be read.
func readFault(err error, message string) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &oxlin.Error{Code: oxlin.CodePayloadTooLarge, Field: "file", Message: "A file may have 16 MiB."}
	}
	return &oxlin.Error{Code: oxlin.CodeInvalidRequest, Message: message, Err: err}
}

// newImport reads the file and the answers of a request. Fields of a form override parameters.
func newImport(ctx context.Context, data io.Reader, account oas.OptString, add oas.OptFlag, mapping oas.OptString) (connect.NewImport, error) {
	var file connect.NewImport
	content, err := io.ReadAll(data)
	var shown *oxlin.Error
	switch {
	case errors.As(err, &shown):
		return file, err
	case err != nil:
		return file, readFault(err, "The body could not be read.")
	case len(content) == 0:
		return file, oxlin.Invalid("file", "The body has to be a file.")
	}
	file.Content = content
	named, differences, read := account.Value, bool(add.Value), mapping.Value
	if body := exchangeOf(ctx).file; body != nil {
		if value := body.fields["account_id"]; value != "" {
			named = value
		}
		if value := body.fields["mapping"]; value != "" {
			read = value
		}
		if value := body.fields["add_differences"]; value != "" {
			differences = value == "true" || value == "1" || value == "True"
		}
	}
	file.AddDifferences = differences
	return file, file.Answer(named, read)
}

// ImportIntoConnection imports a file into a connection.
func (a *API) ImportIntoConnection(ctx context.Context, request oas.ImportIntoConnectionReq, params oas.ImportIntoConnectionParams) (*oas.Imported, error) {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return nil, err
	}
	_, err = a.options.Service.Connections.Get(ctx, callerOf(ctx), id) // before the body: nobody sends a file in vain
	if err != nil {
		return nil, err
	}
	release, err := a.options.Service.Imports.Receive(callerOf(ctx))
	if err != nil {
		return nil, err
	}
	defer release()
	file, err := newImport(ctx, request.Data, params.AccountID, params.AddDifferences, params.Mapping)
	if err != nil {
		return nil, err
	}
	done, err := a.options.Service.Imports.IntoConnection(ctx, callerOf(ctx), id, file)
	return imported(done), err
}

// ImportAtProvider imports a file of a bank.
func (a *API) ImportAtProvider(ctx context.Context, request oas.ImportAtProviderReq, params oas.ImportAtProviderParams) (*oas.Imported, error) {
	release, err := a.options.Service.Imports.Receive(callerOf(ctx))
	if err != nil {
		return nil, err
	}
	defer release()
	file, err := newImport(ctx, request.Data, params.AccountID, params.AddDifferences, params.Mapping)
	if err != nil {
		return nil, err
	}
	done, err := a.options.Service.Imports.AtProvider(ctx, callerOf(ctx), oxlin.ProviderID(params.ProviderID), file)
	return imported(done), err
}

func imported(done connect.Imported) *oas.Imported {
	return &oas.Imported{ConnectionID: done.Connection.String(), Mapping: mapping(done.Mapping), Accounts: convertAll(done.Accounts, func(a connect.ImportedAccount) oas.ImportedAccount {
		return oas.ImportedAccount{
			AccountID: a.Account.ID.String(), Created: a.Made, NewTransactions: a.Added, ChangedTransactions: a.Changed,
			KnownTransactions: a.Known, DifferentTransactions: a.Different, UnreadableRows: a.Unreadable, BalanceMoved: a.BalanceMoved,
			Differences: convertAll(a.Differences, difference),
		}
	})}
}

func difference(d connect.Difference) oas.ImportedAccountDifferencesItem {
	return oas.ImportedAccountDifferencesItem{Date: someDay(d.Date), Amount: oas.Amount(d.Amount), Currency: d.Currency, Label: d.Label}
}

// question renders the question that an imported file leaves open; absent if err holds none.
func question(err error) (shown oas.OptImportQuestion) {
	var account *connect.AccountQuestion
	var how *connect.MappingQuestion
	switch {
	case errors.As(err, &account):
		return oas.NewOptImportQuestion(oas.ImportQuestion{
			Type: oas.ImportQuestionTypeACCOUNT, Number: text(account.Number),
			Accounts: convertAll(account.Accounts, func(a oxlin.Account) oas.ImportQuestionAccountsItem {
				return oas.ImportQuestionAccountsItem{ID: a.ID.String(), Name: connect.AccountName(a), AccountNumber: connect.AccountNumber(a)}
			}),
		})
	case errors.As(err, &how):
		return oas.NewOptImportQuestion(oas.ImportQuestion{
			Type: oas.ImportQuestionTypeMAPPING, Accounts: []oas.ImportQuestionAccountsItem{}, Mapping: mapping(&how.Mapping), Sample: how.Sample,
			Unsure: convertAll(how.Unsure, func(f connect.Facet) oas.ImportQuestionUnsureItem { return oas.ImportQuestionUnsureItem(f) }),
		})
	}
	return shown
}

// mapping renders how a file was read; absent for a file of a standard.
func mapping(m *connect.Mapping) oas.OptImportMapping {
	if m == nil {
		return oas.OptImportMapping{}
	}
	return oas.NewOptImportMapping(oas.ImportMapping{
		Format: oas.OptImportMappingFormat{Value: oas.ImportMappingFormat(m.Format), Set: m.Format != ""}, Charset: text(m.Charset),
		Separator: text(m.Separator), Header: m.Header, Columns: convertAll(m.Columns, func(r connect.Role) string { return string(r) }),
		Order: text(m.Order), Decimal: text(m.Decimal), Sign: text(m.Sign), Currency: text(m.Currency),
	})
}
