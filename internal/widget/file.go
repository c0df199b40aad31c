package widget

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// takesFile reports whether the user may send a file instead of connecting the bank: the client has
// the setting, asks for no channel and no choice among accounts, and nobody has given access yet.
func (s snapshot) takesFile() bool {
	f, p := s.flow, s.flow.requested
	plain := p.DefinitionID == "" && (p.Expected == "" || p.Expected == "ALL") && !p.SelectAccounts
	return s.session.client.WidgetFiles && f.Entry == addConnection && f.Attempt == 0 && f.ConnectionID == 0 && plain
}

// offersFile reports whether the page of a step has the button for it.
func (s snapshot) offersFile(at step) bool {
	return slices.Contains([]step{stepBanks, stepChannels, stepNotice, stepLogin}, at) && s.takesFile()
}

// haveFile leads to the page that asks for a file, of the chosen bank or of any.
func (x *exchange) haveFile(s snapshot) (bool, error) {
	at, _ := s.next()
	if !s.offersFile(at) {
		return false, nil
	}
	provider := x.flow.Provider
	if provider == "" {
		anyBank, ok := x.widget.options.Service.Providers.OfFiles()
		if !ok {
			return false, nil
		}
		provider = anyBank.ID
	}
	return false, x.update(func() { x.flow.Provider, x.flow.File = provider, true })
}

// noFile leads back from there to the bank.
func (x *exchange) noFile(s snapshot) (bool, error) {
	if s.provider.Files {
		return false, nil // it has no other access
	}
	return false, x.update(func() { x.flow.File = false })
}

// refuseEmpty answers a form without parts: it has no file.
func (x *exchange) refuseEmpty(s snapshot) (bool, error) {
	return true, x.fileFailed(s, page.File{}, oxlin.Invalid(fieldSent, "The form has no file."))
}

func fileView(s snapshot, bank page.Bank) page.File {
	return page.File{Bank: bank, Data: oxlin.DataOfFiles(), Sending: strconv.Itoa(s.flow.FilesTaken), Connect: !s.provider.Files}
}

// handleFile handles the form with a file. Nothing of it is kept but what it brings: with a question,
// the page asks for the file again.
func (x *exchange) handleFile() error {
	found, err := x.widget.snapshot(x.ctx, x.session, x.flow)
	if err != nil {
		return err
	}
	at, _ := found.next()
	if at != stepFile {
		if x.session.client.WidgetFiles {
			giveTime(x)
			discard(x) // the flow has ended, perhaps by the same form
		}
		x.redirect(x.self())
		return nil
	}
	giveTime(x)
	release, err := x.widget.options.Service.Imports.Receive(x.session.caller())
	if err != nil {
		discard(x)
		return x.fileFailed(found, page.File{}, err)
	}
	defer release()
	sent, err := readFile(x)
	if err != nil {
		return x.fileFailed(found, page.File{}, err)
	}
	if sent.fields["sending"] != strconv.Itoa(x.flow.FilesTaken) {
		x.redirect(x.self()) // this form was already taken
		return nil
	}
	return x.takeFile(found, sent)
}

// takeFile imports a file, and ends the flow with what it has brought.
func (x *exchange) takeFile(s snapshot, sent sentFile) error {
	file, err := sent.asImport()
	kept := page.File{Mapping: keptMapping(file.Mapping)}
	if err != nil {
		return x.fileFailed(s, kept, err)
	}
	frame := x.frame(x.flow, stepFile, ending{})
	file.Agreed.Text = oxlin.ConsentText{
		Version: oxlin.ConsentTextVersion, Language: frame.Language, Words: page.Words(frame, x.view(s, stepFile, ending{})),
	}
	var done connect.Imported
	for {
		file.Agreed.Count = countFile(x)
		done, err = x.widget.options.Service.Imports.AtProvider(x.ctx, x.session.caller(), x.flow.Provider, file)
		if !errors.Is(err, errStale) {
			break
		}
		again, err := x.mayTakeAgain(sent)
		if err != nil || !again {
			return err
		}
	}
	if err != nil {
		return x.fileFailed(s, kept, err)
	}
	return x.endWithFile(done)
}

// countFile returns the change of the flow by which each form counts once.
func countFile(x *exchange) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		return anew(x.flow, func(tx *store.Tx) error {
			x.flow.FilesTaken++
			return x.widget.save(ctx, tx, x.flow)
		})(tx)
	}
}

// mayTakeAgain reads a flow anew that another request has changed, and reports whether the form is
// still to be taken. If not, it leads to the flow's page.
func (x *exchange) mayTakeAgain(sent sentFile) (bool, error) {
	err := x.reread()
	if err != nil {
		return false, err
	}
	s, err := x.widget.snapshot(x.ctx, x.session, x.flow)
	if err != nil {
		return false, err
	}
	at, _ := s.next()
	if at == stepFile && sent.fields["sending"] == strconv.Itoa(x.flow.FilesTaken) {
		return true, nil
	}
	x.redirect(x.self())
	return false, nil
}

// endWithFile ends the flow after a file. If it has ended otherwise meanwhile, that stays.
func (x *exchange) endWithFile(done connect.Imported) error {
	end := ending{Status: "success", Result: "updated", ConnectionID: done.Connection}
	if done.Made {
		end.Result = "created"
	}
	for x.flow.Ended == nil {
		err := x.widget.end(x.ctx, x.session, x.flow, end)
		if err == nil {
			break
		}
		if !errors.Is(err, errStale) {
			return err
		}
		err = x.reread()
		if err != nil {
			return err
		}
	}
	x.redirect(x.self())
	return nil
}

// fileFailed renders the page again with what was wrong with a file, or with what it leaves open.
func (x *exchange) fileFailed(s snapshot, kept page.File, err error) error {
	view := fileView(s, x.widget.bank(s.provider))
	view.Mapping, view.Sending = kept.Mapping, strconv.Itoa(x.flow.FilesTaken)
	var how *connect.MappingQuestion
	var account *connect.AccountQuestion
	shown := oxlin.AsError(err)
	status := http.StatusUnprocessableEntity
	switch {
	case errors.As(err, &how):
		askMapping(&view, how)
	case errors.As(err, &account):
		view.Asks, view.Questions = "account", []page.FileQuestion{accountQuestion(account)}
	case errors.Is(err, connect.ErrFileFormat):
		view.Problem = "format"
	case errors.Is(err, connect.ErrFileLimit):
		view.Problem = "large"
	case shown.Code == oxlin.CodePayloadTooLarge:
		view.Problem, status = "large", http.StatusRequestEntityTooLarge
	case shown.Code == oxlin.CodeTooManyRequests:
		view.Problem, status = "busy", http.StatusTooManyRequests
	case shown.Code == oxlin.CodeConflict:
		view.Problem = "conflict"
	case shown.Code != oxlin.CodeInvalidRequest:
		return err
	case shown.Field == fieldSent:
		view.Problem = "missing"
	case shown.Field == "account_id":
		view.Problem = "account"
	default:
		view.Problem = "faulty"
	}
	x.line.Fail(shown.Code, nil)
	return x.draw(status, s, stepFile, ending{}, view)
}

// keptMapping is how a table is read, for the form.
func keptMapping(m *connect.Mapping) string {
	if m == nil {
		return ""
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "" // impossible: it has texts alone
	}
	return string(text)
}
