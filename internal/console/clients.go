package console

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/vault"
)

// usersOnPage is the number of users of a client that are listed, the newest first.
// Other users are found by their e-mail.
const usersOnPage = 50

// clientPage is a client with its users.
type clientPage struct {
	Client oxlin.Client
	// Form fills the form: the client's settings, or the submitted ones if they were
	// refused.
	Form oxlin.Client
	// Settings are the fields of the declared settings.
	Settings []settingField
	// Problem is the error in the form, with its field.
	Problem *oxlin.Error
	Users   []oxlin.User
	Count   int64
	// Email is the address that the operator searches for.
	Email string
	// Secret is a new secret. It is shown once.
	Secret oxlin.Secret
	// SettingsMark and SecretMark identify the state for which the forms were rendered;
	// see mark.
	SettingsMark, SecretMark, AuthenticationMark string
	// Secrets are those of the client, the newest first.
	Secrets []secretRow
	// SecretDays fills the field of a new secret's life.
	SecretDays string
	// Saved confirms that the settings have just been stored.
	Saved bool
	// People is set if the operator may see users, Change if they may change the client.
	People, Change bool
	// Late explains why a form of an earlier state was refused.
	Late string
}

// clientTable is the page of all clients, with the form of a new one.
type clientTable struct {
	Clients []oxlin.Client
	// Change is set if the operator may create clients.
	Change bool
	// Deleted is the name of a client that has just been deleted.
	Deleted string
	// Form is the id of the form, and Asked what was submitted by it.
	Form       string
	Asked      directory.NewClient
	Settings   []settingField
	SecretDays string
	Problem    *oxlin.Error
	Now        time.Time
}

func (c *Console) clients(w http.ResponseWriter, r *http.Request) error {
	return c.showClients(w, r, http.StatusOK, directory.NewClient{}, nil)
}

// showClients writes the list of clients, and the form for a new one. A refused form is
// shown again with its error.
func (c *Console) showClients(w http.ResponseWriter, r *http.Request, status int, asked directory.NewClient, wrong *oxlin.Error) error {
	clients, err := c.options.Clients.List(r.Context())
	if err != nil {
		return err
	}
	form, err := vault.NewSessionID(c.options.Rand)
	if err != nil {
		return err
	}
	days := r.PostFormValue("secret_days")
	if wrong == nil {
		days = strconv.Itoa(c.options.SecretDays)
	}
	c.render(w, r, status, "Clients", clientList(clientTable{
		Clients: clients, Change: mayChange(r), Deleted: r.FormValue("deleted"), Form: form.Reveal(), Asked: asked,
		Settings: c.newSettings(asked.Settings), SecretDays: days, Problem: wrong, Now: c.options.Now(),
	}))
	return nil
}

// createClient creates a client whose id is derived from the form's own id. So a form
// that arrives twice, by a double click or a reload, creates one client.
func (c *Console) createClient(w http.ResponseWriter, r *http.Request) error {
	form := r.PostFormValue("form")
	if form == "" {
		return oxlin.Invalid("", "The request cannot be read.")
	}
	mac, err := c.options.Vault.MAC([]byte("console new client\x00" + form))
	if err != nil {
		return err
	}
	bits := vault.Bits(mac)
	asked := directory.NewClient{
		ID:   oxlin.ClientID(hex.EncodeToString(bits[:10])),
		Name: strings.TrimSpace(r.PostFormValue("name")), RedirectURIs: strings.Fields(r.PostFormValue("redirect_uris")),
		Settings: c.submittedSettings(r),
		Licensed: r.PostFormValue("licensed") != "", Public: r.PostFormValue("public") != "",
		ConfirmReturn: r.PostFormValue("confirm_return") != "", WidgetFiles: r.PostFormValue("widget_files") != "",
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	var client oxlin.Client
	var secret oxlin.Secret
	asked.SecretDays, err = secretDays(r)
	if err == nil {
		client, secret, err = c.options.Clients.Create(r.Context(), asked)
	}
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		client, err = c.options.Clients.Get(r.Context(), asked.ID)
		if err != nil {
			return err
		}
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was created: this form has already created this client. If its secret is lost, rotate it.",
		})
	}
	if shown, ok := asInvalid(err); ok {
		return c.showClients(w, r, http.StatusUnprocessableEntity, asked, shown)
	}
	if err != nil {
		return err
	}
	c.log(r).Info("client created in the console", "client", client.ID)
	return c.showClient(w, r, http.StatusCreated, clientPage{Client: client, Secret: secret})
}

func (c *Console) client(w http.ResponseWriter, r *http.Request) error {
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{
		Client: client, Email: strings.TrimSpace(r.FormValue("email")), Saved: r.Form.Has("saved"),
	})
}

func (c *Console) clientOf(r *http.Request) (oxlin.Client, error) {
	return c.options.Clients.Get(r.Context(), oxlin.ClientID(r.PathValue("id")))
}

// showClient completes the page of a client and writes it.
func (c *Console) showClient(w http.ResponseWriter, r *http.Request, status int, page clientPage) error {
	if page.Problem == nil {
		page.Form = page.Client
	}
	page.Settings = c.storedSettings(page.Form.Settings, page.Client.Settings)
	page.SettingsMark, page.SecretMark = c.mark(page.Client.ID, settings(page.Client)), c.mark(page.Client.ID, validSecrets(page.Client))
	page.AuthenticationMark = c.mark(page.Client.ID, authentication(page.Client))
	if page.SecretDays == "" {
		page.SecretDays = strconv.Itoa(c.options.SecretDays)
	}
	uses, err := c.options.Clients.SecretUses(r.Context(), page.Client.ID)
	if err != nil {
		return err
	}
	page.Secrets = secretRows(page.Client, uses, c.options.Now())
	who := frame{Operator: whoIs(r)}
	page.People, page.Change = who.may(operator.Support), who.may(operator.Admin)
	if !page.People {
		c.render(w, r, status, page.Client.Name, clientDetails(page))
		return nil
	}
	reader := c.options.DB.Read()
	page.Count, err = reader.CountUsers(r.Context(), page.Client.ID)
	if err != nil {
		return err
	}
	if page.Email == "" {
		page.Users, err = reader.UsersOfClient(r.Context(), page.Client.ID, usersOnPage)
	} else {
		var user oxlin.User
		user, err = reader.UserByEmail(r.Context(), page.Client.ID, page.Email)
		if err == nil {
			page.Users = []oxlin.User{user}
			c.saw(r, "client", audit.Entry{Client: page.Client.ID, User: user.ID})
		}
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	c.saw(r, "client", audit.Entry{Client: page.Client.ID})
	c.render(w, r, status, page.Client.Name, clientDetails(page))
	return nil
}

// changeClient stores the settings if they have not changed since the form was
// rendered. Otherwise a form in an old tab would undo another tab's change.
func (c *Console) changeClient(w http.ResponseWriter, r *http.Request) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	changed := client
	changed.Name = strings.TrimSpace(r.PostFormValue("name"))
	changed.RedirectURIs = strings.Fields(r.PostFormValue("redirect_uris"))
	changed.Licensed = r.PostFormValue("licensed") != ""
	changed.ConfirmReturn, changed.WidgetFiles = r.PostFormValue("confirm_return") != "", r.PostFormValue("widget_files") != ""
	changed.AnyRedirectURI = r.PostFormValue("any_redirect_uri") != ""
	changed.Theme = oxlin.Theme{
		Font:          strings.TrimSpace(r.PostFormValue("font")),
		FontColor:     strings.TrimSpace(r.PostFormValue("font_color")),
		ElementsColor: strings.TrimSpace(r.PostFormValue("elements_color")),
	}
	changed, err = c.options.Clients.Set(changed, c.submittedSettings(r))
	if err != nil {
		return err
	}
	saved := address("clients", string(client.ID)) + "?saved"
	if settings(changed) == settings(client) {
		return redirect(w, saved) // a form that arrives twice was stored the first time
	}
	if r.PostFormValue("mark") != c.mark(client.ID, settings(client)) {
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was saved: the settings have changed since the page was loaded. The form shows the current settings. Make your change again.",
		})
	}
	err = c.options.Clients.Change(r.Context(), changed)
	if shown, ok := asInvalid(err); ok {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{Client: client, Form: changed, Problem: shown})
	}
	if err != nil {
		return err
	}
	c.log(r).Info("client changed in the console", "client", client.ID)
	return redirect(w, saved)
}

// mark identifies a part of a client's state, for which a form was rendered, without
// revealing it. Without the master key it identifies nothing: the form counts as late.
func (c *Console) mark(id oxlin.ClientID, part string) string {
	mac, err := c.options.Vault.MAC([]byte("console form\x00" + string(id) + "\x00" + part))
	if err != nil {
		return rand.Text()
	}
	return base64.RawURLEncoding.EncodeToString(mac)
}

// settings returns everything that changeClient may change.
func settings(client oxlin.Client) string {
	return fmt.Sprintf("settings %q %q %t %q %t %t %t %q", client.Name, client.RedirectURIs, client.AnyRedirectURI, client.Settings, client.Licensed,
		client.ConfirmReturn, client.WidgetFiles, client.Theme)
}

// validSecrets returns everything that rotate changes.
func validSecrets(client oxlin.Client) string {
	text := "secrets"
	for _, secret := range client.Secrets {
		text += fmt.Sprintf(" %x", secret.Hash)
	}
	return text
}

// rotate replaces only the secret for which the form was rendered. A form that arrives
// twice, by a double click or a reload, would otherwise end the secret that the client
// still uses.
func (c *Console) rotate(w http.ResponseWriter, r *http.Request) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	if r.PostFormValue("mark") != c.mark(client.ID, validSecrets(client)) {
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was rotated: the secret has been rotated since the page was loaded. If the new secret is lost, rotate again. That ends the secret before it.",
		})
	}
	var secret oxlin.Secret
	days, err := secretDays(r)
	if err == nil {
		secret, err = c.options.Clients.RotateSecret(r.Context(), client.ID, directory.Rotation{AtOnce: r.PostFormValue("at_once") != "", Days: days})
	}
	if shown, ok := asInvalid(err); ok {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{Client: client, Form: client, Problem: shown, SecretDays: r.PostFormValue("secret_days")})
	}
	if err != nil {
		return err
	}
	c.log(r).Info("secret rotated in the console", "client", client.ID)
	client, err = c.clientOf(r)
	if err != nil {
		return err
	}
	return c.showClient(w, r, http.StatusOK, clientPage{Client: client, Secret: secret})
}

// setDisabled disables or enables a client; a form that arrives twice changes nothing.
func (c *Console) setDisabled(w http.ResponseWriter, r *http.Request) error {
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	disabled := r.PostFormValue("disabled") != ""
	err = c.options.Clients.SetDisabled(r.Context(), client.ID, disabled)
	if err != nil {
		return err
	}
	c.log(r).Info("client changed in the console", "client", client.ID, "disabled", disabled)
	return redirect(w, address("clients", string(client.ID))+"?saved")
}

// deleteClient deletes a client whose name the operator has typed. A form that arrives twice
// finds no client.
func (c *Console) deleteClient(w http.ResponseWriter, r *http.Request) error {
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(r.PostFormValue("name")) != client.Name {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{
			Client: client, Late: "Nothing was deleted: the name is not that of this client.",
		})
	}
	err = c.options.Clients.Delete(r.Context(), client.ID, r.PostFormValue("with_users") != "")
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		return c.showClient(w, r, http.StatusConflict, clientPage{Client: client, Late: "Nothing was deleted. " + oxlin.AsError(err).Message})
	}
	if err != nil {
		return err
	}
	c.log(r).Info("client deleted in the console", "client", client.ID)
	return redirect(w, "/console/clients?deleted="+url.QueryEscape(client.Name))
}
